"""Start commands that somebody wrote for a Node project: what they run in the end, and what the image keeps for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan

NEXT = {"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15"}}
PAGES = {"scripts": {"build": "vite build", "preview": "vite preview"}, "devDependencies": {"vite": "7"}}
WORKER = {"scripts": {"start": "node a.js", "work": "npm run queue", "queue": "node q.js", "prelate": "x", "late": "y"}}
STANDALONE = "env HOSTNAME=$HOST node .next/standalone/server.js"


def planned(package: dict[str, Any], written: str = "", **files: str) -> BuildPlan:
    said = {"RW_BUILD_START_CMD": written} if written else {}
    return registry.plan(Request(Source({"package.json": json.dumps(package), **files}), variables=said))


@pytest.mark.parametrize(
    ("package", "written", "start"),
    [
        pytest.param(WORKER, "npm start", "node a.js", id="npm's start"),
        pytest.param(WORKER, "yarn work", "node q.js", id="a script that calls another"),
        pytest.param(WORKER, "pnpm run late", "pnpm run late", id="one with a script before it"),
        pytest.param(WORKER, "pnpm run gone", "pnpm run gone", id="a script that is not there"),
        pytest.param(WORKER, "yarn work && yarn queue", "yarn work && yarn queue", id="two of them"),
        pytest.param(NEXT, "npm run start", STANDALONE, id="a framework's own server"),
        pytest.param(PAGES, "npm run preview", "vite preview", id="a tool's server"),
    ],
)
def test_a_command_that_only_calls_a_script_is_that_one(package: dict[str, Any], written: str, start: str) -> None:
    plan = planned(package, written)
    assert plan.services[0].start == start
    assert plan.origins["start"].source == ("RW_BUILD_START_CMD" if start == written else f"RW_BUILD_START_CMD ({written})")


def test_process_types_are_resolved_alike() -> None:
    plan = planned(WORKER, Procfile="web: npm start\nworker: yarn work\n")
    assert [one.start for one in plan.services] == ["node a.js", "node q.js"]


@pytest.mark.parametrize(
    ("written", "files", "keep"),
    [
        pytest.param("yarn start", {}, (".next/standalone",), id="the framework's own server"),
        pytest.param("node server.js", {}, (".",), id="another server"),
        pytest.param("", {"Procfile": "worker: node worker.js\nweb: npm start\n"}, (".",), id="a worker beside it"),
        pytest.param("", {"Procfile": "release: npx prisma migrate deploy\n"}, (".",), id="a command before the release"),
    ],
)
def test_the_image_keeps_what_written_commands_may_need(written: str, files: dict[str, str], keep: tuple[str, ...]) -> None:
    plan = planned(NEXT, written, **files)
    assert plan.keep == keep
    assert "cp -R .next/static .next/standalone/.next/" in plan.steps[-1].commands


def test_pages_whose_start_is_a_server_are_run_by_node() -> None:
    assert planned(PAGES).bases.run == "caddy:2-alpine"
    plan = planned(PAGES, "node server.js")
    assert (plan.bases.run, plan.keep, plan.services[0].start) == ("node:22-slim", (".",), "node server.js")


def test_packages_stay_that_a_command_before_the_release_calls() -> None:
    package = {"scripts": {"build": "tsc", "start": "node a.js"}, "devDependencies": {"prisma": "6", "typescript": "5"}}
    assert "npm prune" in planned(package).steps[-1].commands[-1]
    assert "npm prune" not in planned(package, Procfile="release: npx prisma migrate deploy\n").steps[-1].commands[-1]


def test_a_manager_that_a_command_calls_is_in_the_image() -> None:
    package = {**WORKER, "packageManager": "pnpm@10.4.1"}
    assert "programs" not in [one.name for one in planned(package, "pnpm start").steps]
    plan = planned(package, "pnpm --filter web start")
    assert plan.steps[0].commands == ("npm install --no-audit --no-fund --prefix .node-programs pnpm@10.4.1",)
    assert ".node-programs/node_modules/.bin" in plan.path


def test_bun_runs_beside_node_where_another_manager_installed() -> None:
    plan = planned({"scripts": {"start": "bun index.ts"}}, **{"pnpm-lock.yaml": "", "index.ts": ""})
    assert (plan.buildpack, plan.package_manager, [one.path for one in plan.toolchains]) == ("node", "pnpm", ["/usr/local/bin/bun"])
