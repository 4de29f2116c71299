"""Workspaces of Node: which app is meant, and how it is built and started by Nx, Turborepo, Moon, Lerna or by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pins import pinned

from rw_daemon.deployments import planner
from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError, SeveralAppsError

PINS = Path(__file__).parent / "dockerfiles"
Files = dict[str, str]


def package(name: str, folder: str = "", **more: Any) -> Files:
    return {f"{folder}/package.json".lstrip("/"): json.dumps({"name": name, **more})}


def app(folder: str, *needs: str, **more: Any) -> Files:
    """An app with a build and a server, in a folder that its package is called after."""
    name = folder.rpartition("/")[2]
    scripts = {"build": f"tsc -p {name}", "start": f"node {name}.js"}
    return package(name, folder, scripts=scripts, dependencies=dict.fromkeys(needs, "*"), **more)


def planned(*trees: Files, **variables: str) -> BuildPlan:
    return registry.plan(Request(Source({path: text for tree in trees for path, text in tree.items()}), variables=variables))


def commands(plan: BuildPlan) -> list[str]:
    return [command for step in plan.steps if step.name == "build" for command in step.commands if not command.startswith("npm prune")]


def start_of(folder: str) -> str:
    return f"sh -c 'cd {folder} && exec node {folder.rpartition('/')[2]}.js'"


ROOT = package("all", workspaces=["apps/*", "packages/*"])
TURBO = {
    **package("all", workspaces=["apps/*", "packages/*"], devDependencies={"turbo": "2"}),
    "turbo.json": '{"tasks": {"build": {}}} // a comment',
}
LERNA = {**package("all", devDependencies={"lerna": "8"}), "lerna.json": '{"packages": ["apps/*", "packages/*"]}'}
LIBRARY = package("ui", "packages/ui", scripts={"build": "tsc"}, dependencies={"tokens": "*"})
TOKENS = package("tokens", "packages/tokens", scripts={"build": "node make.js"})
UNUSED = package("unused", "packages/unused", scripts={"build": "exit 1"})
NX: Files = {**package("all", devDependencies={"nx": "20"}), "nx.json": "{}"}


def nx(folder: str, **targets: Any) -> Files:
    return {f"{folder}/project.json": json.dumps({"projectType": "application", "targets": targets})}


# --- which app


def test_the_likelier_app_is_taken_and_the_others_are_told() -> None:
    plan = planned(ROOT, app("apps/web"), app("apps/docs"))
    assert plan.services[0].start == start_of("apps/web")
    assert [(one.path, one.score) for one in plan.apps] == [("apps/web", 80), ("apps/docs", 30)]
    assert (plan.origins["app"].value, [one.code for one in plan.warnings]) == ("apps/web", ["SEVERAL_APPS"])


def test_equally_likely_apps_are_named_and_none_is_guessed() -> None:
    with pytest.raises(SeveralAppsError) as caught:
        planned(ROOT, app("apps/web"), app("apps/api"))
    assert caught.value.candidates == ("apps/api", "apps/web")


@pytest.mark.parametrize(
    "name", ["RW_BUILD_APP", "RW_BUILD_NODE_APP", "NIXPACKS_TURBO_APP_NAME", "NIXPACKS_NX_APP_NAME", "NIXPACKS_MOON_APP_NAME"]
)
def test_a_variable_of_any_tool_names_the_app(name: str) -> None:
    said = "apps/api" if name == "RW_BUILD_APP" else "api"
    assert planned(ROOT, app("apps/web"), app("apps/api"), **{name: said}).services[0].start == start_of("apps/api")


def test_a_name_that_nobody_has_is_refused_where_it_is_rws_own_and_told_where_it_is_not() -> None:
    with pytest.raises(ConfigInvalidError, match="no package of this workspace is called 'x'"):
        planned(ROOT, app("apps/web"), RW_BUILD_NODE_APP="x")
    plan = planned(ROOT, app("apps/web"), NIXPACKS_TURBO_APP_NAME="x")
    assert (plan.services[0].start, [one.code for one in plan.warnings]) == (start_of("apps/web"), ["APP_UNKNOWN"])


@pytest.mark.parametrize(
    "script",
    [
        "turbo run start --filter=api", "npx turbo start --filter api...", "pnpm --filter ./apps/api run start", "npm start -w apps/api", "npm run start --workspace=api",
        "yarn workspace api start", "npm --prefix apps/api start", "nx serve api", "lerna run start --scope=api", "bun run --filter 'api' start",
    ],
)  # fmt: skip
def test_a_start_script_that_hands_over_names_the_app(script: str) -> None:
    root = package("all", workspaces=["apps/*"], scripts={"start": script})
    plan = planned(root, app("apps/web"), app("apps/api"))
    assert (plan.services[0].start, plan.origins["app"].source) == (start_of("apps/api"), "scripts.start in package.json")


@pytest.mark.parametrize(
    "script", ["turbo run start", "pnpm -r start", "npm start --workspaces", "lerna run start", "nx run-many -t start"]
)
def test_a_start_script_that_starts_all_of_them_names_none(script: str) -> None:
    root = package("all", workspaces=["apps/*"], scripts={"start": script})
    assert planned(root, app("apps/web"), app("apps/docs")).services[0].start == start_of("apps/web")


def test_a_start_script_of_its_own_makes_the_root_the_app() -> None:
    root = package("all", workspaces=["apps/*"], scripts={"start": "node packages/api/index.js"})
    assert planned(root, app("apps/web"), app("apps/api")).services[0].start == "node packages/api/index.js"


def test_a_start_command_that_somebody_wrote_asks_for_no_app() -> None:
    plan = planned(ROOT, app("apps/web"), app("apps/api"), {"Procfile": "web: node apps/api/api.js\n"})
    assert plan.services[0].start == "node apps/api/api.js"


# --- how it is built and started

TREES: dict[str, tuple[tuple[Files, ...], list[str], str]] = {
    "by hand, what it needs first": (
        (ROOT, app("apps/web", "ui"), LIBRARY, TOKENS, UNUSED),
        ["cd packages/tokens && npm run build", "cd packages/ui && npm run build", "cd apps/web && npm run build"],
        start_of("apps/web"),
    ),
    "turborepo": ((TURBO, app("apps/web", "ui"), LIBRARY, TOKENS, UNUSED), ["turbo run build --filter=web"], start_of("apps/web")),
    "turborepo without a build task": (
        ({**TURBO, "turbo.json": '{"pipeline": {"lint": {}}}'}, app("apps/web", "ui"), LIBRARY, TOKENS),
        ["cd packages/tokens && npm run build", "cd packages/ui && npm run build", "cd apps/web && npm run build"],
        start_of("apps/web"),
    ),
    "lerna": ((LERNA, app("apps/web", "ui"), LIBRARY), ["lerna run build --scope=web --include-dependencies"], start_of("apps/web")),
    "moon": (
        (
            {**ROOT, ".moon/workspace.yml": "projects:\n  web: apps/web\n"},
            {**package("web", "apps/web", dependencies={"ui": "*"}), "apps/web/moon.yml": "tasks:\n  build:\n    command: tsc -p .\n  start:\n    command: [node, dist/index.js]\n"},
            LIBRARY,
        ),
        ["cd packages/ui && npm run build", "cd apps/web && tsc -p ."],
        "sh -c 'cd apps/web && exec node dist/index.js'",
    ),
    "nx, what its scripts say": (
        ({**NX, **package("all", workspaces=["apps/*", "packages/*"], devDependencies={"nx": "20"})}, app("apps/web", "ui"), LIBRARY),
        ["NX_DAEMON=false nx run web:build"],
        start_of("apps/web"),
    ),
    "nx, webpack": (
        (NX, nx("apps/api", build={"executor": "@nrwl/node:webpack", "options": {"outputPath": "dist/apps/api", "main": "apps/api/src/main.ts"}, "configurations": {"production": {}}})),
        ["NX_DAEMON=false nx run api:build:production"],
        "node dist/apps/api/main.js",
    ),
    "nx, commands of its own": (
        (NX, nx("apps/api", build={"executor": "nx:run-commands", "options": {"outputPath": "dist/apps/api", "commands": ["node build.js"]}})),
        ["NX_DAEMON=false nx run api:build"],
        "node dist/apps/api/index.js",
    ),
    "nx, what it built is served": (
        (NX, nx("apps/api", build={"executor": "nx:run-commands", "outputs": ["{workspaceRoot}/dist/api"], "options": {"command": "node build.js"}}, serve={"executor": "nx:run-commands", "options": {"command": "node dist/api/main.js"}})),
        ["NX_DAEMON=false nx run api:build"],
        "node dist/api/main.js",
    ),
    "nx, a server for developing": (
        (NX, nx("apps/api", build={"executor": "nx:run-commands", "options": {"outputPath": "dist/api", "command": "node build.js"}}, serve={"executor": "nx:run-commands", "options": {"command": "node --watch apps/api/main.js"}})),
        ["NX_DAEMON=false nx run api:build"],
        "node dist/api/index.js",
    ),
    "nx, next": (
        (NX, nx("apps/site", build={"executor": "@nx/next:build", "options": {"outputPath": "dist/apps/site"}})),
        ["NX_DAEMON=false nx run site:build"],
        "sh -c 'cd dist/apps/site && exec next start -H $HOST -p $PORT'",
    ),
    "nx, a target that starts": (
        (NX, nx("apps/api", build={"executor": "x:build"}, start={"executor": "nx:run-commands", "options": {"commands": [{"command": "node out/api.js"}]}})),
        ["NX_DAEMON=false nx run api:build"],
        "node out/api.js",
    ),
    "nx, a target that starts something else": (
        (NX, nx("apps/api", build={"executor": "x:build"}, start={"executor": "x:serve", "configurations": {"production": {}}})),
        ["NX_DAEMON=false nx run api:build"],
        "NX_DAEMON=false nx run api:start:production",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("trees", "built", "start"), TREES.values(), ids=TREES)
def test_an_app_is_built_with_what_it_needs_and_started_by_its_own_command(trees: tuple[Files, ...], built: list[str], start: str) -> None:
    plan = planned(*trees)
    assert commands(plan) == built
    assert plan.services[0].start == start


def test_nx_has_an_app_by_default() -> None:
    build = {"executor": "nx:run-commands", "options": {"outputPath": "dist", "command": "x"}}
    plan = planned({**NX, "nx.json": '{"defaultProject": "web"}'}, nx("apps/web", build=build), nx("apps/api", build=build))
    assert (plan.origins["app"].value, plan.origins["app"].source) == ("apps/web", "defaultProject in nx.json")


@pytest.mark.parametrize(
    ("executor", "pages"), [("@nx/vite:build", "dist/apps/web"), ("@angular-devkit/build-angular:application", "dist/apps/web/browser")]
)
def test_what_nx_builds_for_browsers_is_served_as_files(executor: str, pages: str) -> None:
    plan = planned(NX, nx("apps/web", build={"executor": executor, "options": {"outputPath": "dist/apps/web"}}))
    assert (plan.keep, plan.bases.run) == ((pages, "Caddyfile"), "caddy:2-alpine")


def test_a_library_of_nx_is_no_app() -> None:
    library = {"libs/a/project.json": json.dumps({"projectType": "library", "targets": {"build": {"executor": "@nx/js:tsc", "options": {"outputPath": "dist/a", "main": "index.ts"}}}})}  # fmt: skip
    build = {"executor": "@nx/esbuild:esbuild", "options": {"outputPath": "dist/apps/api", "main": "apps/api/src/main.ts"}}
    assert planned(NX, nx("apps/api", build=build), library).apps == ()


def test_moons_tasks_have_other_names_where_a_variable_says_so() -> None:
    moon = {
        **ROOT,
        ".moon/workspace.yml": "projects: ['apps/*']",
        "apps/web/moon.yml": "tasks:\n  compile: {command: tsc}\n  serve: {command: node s.js}\n",
    }
    plan = planned(
        moon, package("web", "apps/web"), NIXPACKS_MOON_APP_NAME="web", NIXPACKS_MOON_BUILD_TASK="compile", NIXPACKS_MOON_START_TASK="serve"
    )
    assert (commands(plan), plan.services[0].start) == (["cd apps/web && tsc"], "sh -c 'cd apps/web && exec node s.js'")


def test_packages_that_need_each_other_are_built_once() -> None:
    circle = package("tokens", "packages/tokens", scripts={"build": "x"}, dependencies={"ui": "*"})
    plan = planned(ROOT, app("apps/web", "ui"), LIBRARY, circle)
    assert sorted(commands(plan)) == sorted(
        ["cd packages/tokens && npm run build", "cd packages/ui && npm run build", "cd apps/web && npm run build"]
    )


@pytest.mark.parametrize("name", ["turborepo", "nx, webpack"])
def test_the_dockerfile_is_pinned(name: str) -> None:
    text = render(planned(*TREES[name][0]))
    assert text == pinned(PINS / f"node-{name.replace(', ', '-')}.Dockerfile", text)


# --- what is copied


def left_out(*trees: Files, **variables: str) -> tuple[str, ...]:
    return planned(*trees, RW_BUILD_APP="apps/web", **variables).left_out


BOTH = (ROOT, app("apps/web", "ui"), app("apps/api"), LIBRARY, TOKENS)


def test_other_apps_stay_out_but_for_their_manifests() -> None:
    plan = planned(*BOTH, RW_BUILD_APP="apps/web")
    assert plan.left_out == ("apps/api",)
    assert [plan.takes(path) for path in ("apps/api/package.json", "apps/api/api.js", "apps/api-docs/x", "packages/ui/index.ts")] == [
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("more", "variables"),
    [
        pytest.param(package("web", "apps/web", scripts={"start": "node web.js"}, dependencies={"api": "*"}), {}, id="it depends on the other"),
        pytest.param({"apps/web/tsconfig.json": '{"extends": "../api/tsconfig.json"}'}, {}, id="a file beside it names the other"),
        pytest.param(package("tokens", "packages/tokens", scripts={"postinstall": "node make.js"}), {}, id="installing reads sources"),
        pytest.param({"Procfile": "web: node apps/web/web.js"}, {}, id="a command that somebody wrote"),
        pytest.param({}, {"RW_BUILD_BUILD_CMD": "npm run build"}, id="a build command that somebody wrote"),
        pytest.param({"nx.json": "{}"}, {}, id="nx"),
    ],
)  # fmt: skip
def test_everything_is_taken_where_the_other_may_be_needed(more: Files, variables: dict[str, str]) -> None:
    assert left_out(*BOTH, more, **variables) == ()


def test_a_build_without_rw_leaves_out_the_same() -> None:
    snapshot = Source({path: text for tree in BOTH for path, text in tree.items()})
    plan = planned(*BOTH, RW_BUILD_APP="apps/web")
    assert planner.ignored(snapshot, plan).endswith("apps/api\n!apps/api/package.json\n")
