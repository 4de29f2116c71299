"""What the builds of less usual frameworks leave behind, and how that is served."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan

CADDY = "caddy run --config Caddyfile --adapter caddyfile"
SRVX = "srvx serve --prod --host $HOST --port $PORT -s ../client dist/server/server.js"
VITE = {"scripts": {"build": "vite build"}}
TANSTACK = {**VITE, "dependencies": {"@tanstack/react-start": "1"}, "devDependencies": {"vite": "8"}}
REMIX = {
    "scripts": {"build": "remix vite:build"},
    "dependencies": {"@remix-run/node": "2"},
    "devDependencies": {"@remix-run/dev": "2", "vite": "6"},
}
QWIK = {
    "scripts": {"build": "qwik build", "serve": "node server/entry.express"},
    "devDependencies": {"@builder.io/qwik-city": "1", "vite": "7"},
}
KIT = {**VITE, "devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-static": "3", "vite": "7"}}
ANGULAR = {"scripts": {"build": "ng build", "start": "ng serve"}, "dependencies": {"@angular/core": "20", "@angular/ssr": "20"}}


def planned(package: dict[str, Any], **files: str) -> BuildPlan:
    return registry.plan(Request(Source({"package.json": json.dumps(package), **files})))


def angular(**projects: dict[str, Any]) -> dict[str, str]:
    return {"angular.json": json.dumps({"projects": projects})}


def project(kind: str = "application", **options: Any) -> dict[str, Any]:
    return {"projectType": kind, "architect": {"build": {"builder": "@angular/build:application", "options": options}}}


@pytest.mark.parametrize(
    ("package", "files", "start"),
    [
        pytest.param(TANSTACK, {}, SRVX, id="TanStack Start without Nitro"),
        pytest.param({**REMIX, "dependencies": {"@remix-run/serve": "2"}}, {}, "remix-serve build/server/index.js", id="Remix on Vite"),
        pytest.param(
            {**REMIX, "scripts": {"build": "remix build"}, "dependencies": {"@remix-run/serve": "1"}}, {}, "remix-serve build/index.js",
            id="Remix of old",
        ),
        pytest.param(QWIK, {}, "node server/entry.express", id="Qwik with a server"),
        pytest.param(ANGULAR, angular(shop=project()), "node dist/shop/server/server.mjs", id="Angular with a server"),
    ],
)  # fmt: skip
def test_a_server_is_started(package: dict[str, Any], files: dict[str, str], start: str) -> None:
    assert planned(package, **files).services[0].start == start


@pytest.mark.parametrize(
    ("package", "files", "folder", "single_page"),
    [
        pytest.param(REMIX, {"vite.config.ts": "remix({ ssr: false })"}, "build/client", True, id="Remix as a single page"),
        pytest.param(QWIK, {"adapters/static/vite.config.ts": ""}, "dist", False, id="Qwik as pages"),
        pytest.param(KIT, {}, "build", False, id="SvelteKit as pages"),
        pytest.param(KIT, {"svelte.config.js": "adapter({ pages: 'out', fallback: 'index.html' })"}, "out", True, id="SvelteKit as a single page"),
        pytest.param(
            {**VITE, "devDependencies": {"vite": "7"}}, {"vite.config.ts": "{ root: 'client', build: { outDir: '../public' } }"}, "public", True,
            id="Vite with another root",
        ),
        pytest.param({**VITE, "devDependencies": {"vite": "7"}}, {"vite.config.ts": "{ root: './client' }"}, "client/dist", True, id="Vite's root alone"),
        pytest.param(ANGULAR, angular(shop=project(outputMode="static")), "dist/shop/browser", True, id="Angular that renders beforehand"),
        pytest.param(
            {**ANGULAR, "dependencies": {"@angular/core": "20"}}, angular(lib=project("library"), shop=project()), "dist/shop/browser", True,
            id="Angular's app beside its library",
        ),
    ],
)  # fmt: skip
def test_pages_are_served(package: dict[str, Any], files: dict[str, str], folder: str, *, single_page: bool) -> None:
    plan = planned(package, **files)
    assert (plan.services[0].start, plan.keep[0]) == (CADDY, folder)
    assert ("/index.html\n" in plan.files["Caddyfile"].split("file_server")[0]) is single_page


def test_a_server_that_the_project_lacks_is_brought() -> None:
    plan = planned(TANSTACK, **{"pnpm-lock.yaml": ""})
    assert plan.steps[0].commands == ("npm install --no-audit --no-fund --prefix .node-programs srvx@1",)
    assert ".node-programs/node_modules/.bin" in plan.path
    assert "SERVER_ADDED" in [one.code for one in plan.warnings]


def test_a_server_that_the_project_has_is_its_own() -> None:
    plan = planned({**TANSTACK, "dependencies": {**TANSTACK["dependencies"], "srvx": "1"}})
    assert (plan.services[0].start, [one.name for one in plan.steps]) == (SRVX, ["install", "build"])


@pytest.mark.parametrize(("fallback", "lines"), [("200.html", 1), ("404.html", 0)])
def test_sveltekits_own_page_is_what_every_path_gets(fallback: str, lines: int) -> None:
    text = planned(KIT, **{"svelte.config.js": f"adapter({{ fallback: '{fallback}' }})"}).files["Caddyfile"]
    assert text.count(f"try_files {{path}} {{path}}/index.html {{path}}.html /{fallback}\n") == lines
    assert ("handle_errors 404" in text) is (fallback == "404.html")
