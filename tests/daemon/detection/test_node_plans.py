"""What the Node buildpack makes of source trees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.buildpacks.node import NodeBuildpack
from rw_daemon.detection.source import Source
from rw_daemon.plans.dockerfile import render
from rw_daemon.plans.plan import BuildPlan
from rw_shared.errors import ConfigInvalidError


def planned(files: dict[str, str] | None = None, /, variables: dict[str, str] | None = None, **package: Any) -> BuildPlan:
    source = Source({"package.json": json.dumps(package), **(files or {})})
    return NodeBuildpack().plan(Request(source, variables=variables or {}))


CADDY = "caddy run --config Caddyfile --adapter caddyfile"
MANAGERS: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "no lock file": ({}, {}, "npm install --omit=dev"),
    "npm lock": ({"package-lock.json": "{}"}, {}, "npm ci --omit=dev"),
    "npm shrinkwrap": ({"npm-shrinkwrap.json": "{}"}, {}, "npm ci"),
    "pnpm lock 9": ({"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, {}, "npx --yes pnpm@9 install --frozen-lockfile --prod"),
    "pnpm lock 6": ({"pnpm-lock.yaml": "lockfileVersion: '6.0'"}, {}, "npx --yes pnpm@8 install"),
    "pnpm lock 5": ({"pnpm-lock.yaml": "lockfileVersion: 5.4"}, {}, "npx --yes pnpm@7 install"),
    "yarn 1": ({"yarn.lock": "# yarn lockfile v1"}, {}, "npx --yes yarn@1.22.22 install --frozen-lockfile --production"),
    "yarn berry by lock": ({"yarn.lock": "__metadata:\n"}, {}, "npx --yes --package=@yarnpkg/cli-dist@4 yarn install --immutable"),
    "yarn berry by field": ({"yarn.lock": ""}, {"packageManager": "yarn@4.5.0"}, "npx --yes --package=@yarnpkg/cli-dist@4.5.0 yarn"),
    "bun text lock": ({"bun.lock": "{}"}, {}, "npx --yes bun@1 install --frozen-lockfile"),
    "bun binary lock": ({"bun.lockb": ""}, {}, "npx --yes bun@1 install --frozen-lockfile"),
    "field with hash": ({"pnpm-lock.yaml": ""}, {"packageManager": "pnpm@9.15.4+sha512.ab"}, "npx --yes pnpm@9.15.4 install"),
    "field beats lock": ({"package-lock.json": "{}"}, {"packageManager": "pnpm@9.1.0"}, "npx --yes pnpm@9.1.0 install --prod"),
    "devEngines": ({}, {"devEngines": {"packageManager": {"name": "pnpm", "version": "10.2.0"}}}, "npx --yes pnpm@10.2.0 install"),
    "engines": ({}, {"engines": {"yarn": "1.x"}}, "npx --yes yarn@1.22.22 install"),
    "field of a wrong type": ({}, {"packageManager": ["pnpm"]}, "npm install"),
}


@pytest.mark.parametrize(("files", "package", "command"), MANAGERS.values(), ids=MANAGERS)
def test_packages_are_installed_by_the_manager_of_the_project(files: dict[str, str], package: dict[str, Any], command: str) -> None:
    assert planned(files, **package).steps[0].commands[0].startswith(command)


STARTS: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "script": ({}, {"scripts": {"start": "node server.js"}}, "node server.js"),
    "script with a variable": ({}, {"scripts": {"start": "A=1 node a.js"}}, "env A=1 node a.js"),
    "script of two commands": ({}, {"scripts": {"start": "a && b"}}, "sh -c 'a && b'"),
    "script that calls a script": ({}, {"scripts": {"start": "npm run serve", "serve": "node s.js"}}, "node s.js"),
    "script with one before it": ({}, {"scripts": {"prestart": "a", "start": "b"}}, "sh -c 'a && exec b'"),
    "script that calls itself": ({}, {"scripts": {"start": "npm start"}}, "npm start"),
    "main": ({"lib/a.js": ""}, {"main": "lib/a.js"}, "node lib/a.js"),
    "main without suffix": ({"lib/a.js": ""}, {"main": "./lib/a"}, "node lib/a.js"),
    "server.js": ({"server.js": "", "index.js": ""}, {}, "node server.js"),
    "index.js": ({"index.js": ""}, {}, "node index.js"),
    "nothing": ({}, {}, ""),
    "main that is not there": ({}, {"main": "gone.js"}, ""),
    "next": (
        {},
        {"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15"}},
        "env HOSTNAME=$HOST node .next/standalone/server.js",
    ),
    "nuxt": ({}, {"scripts": {"build": "nuxt build"}, "dependencies": {"nuxt": "3"}}, "node .output/server/index.mjs"),
    "remix": ({}, {"dependencies": {"@remix-run/serve": "2"}}, "remix-serve build/server/index.js"),
    "astro with a server": ({}, {"dependencies": {"astro": "5", "@astrojs/node": "9"}}, "node dist/server/entry.mjs"),
    "sveltekit": ({}, {"devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-node": "5"}}, "node build"),
    "nest": ({}, {"scripts": {"start": "node dist/main"}, "dependencies": {"@nestjs/core": "10"}}, "node dist/main"),
    "sveltekit that chooses by itself": (
        {},
        {"scripts": {"build": "vite build"}, "devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-auto": "6"}},
        "node build",
    ),
    "nest by its tool": (
        {},
        {"scripts": {"start": "nest start", "build": "nest build"}, "dependencies": {"@nestjs/core": "11"}},
        "node dist/main.js",
    ),
    "react-router": (
        {"react-router.config.ts": "export default { ssr: true }"},
        {
            "scripts": {"build": "react-router build"},
            "dependencies": {"@react-router/serve": "7"},
            "devDependencies": {"@react-router/dev": "7"},
        },
        "react-router-serve build/server/index.js",
    ),
    "angular with a server": (
        {"angular.json": '{"projects": {"shop": {"architect": {"build": {"builder": "@angular/build:application"}}}}}'},
        {"scripts": {"build": "ng build", "start": "ng serve"}, "dependencies": {"@angular/core": "19", "@angular/ssr": "19"}},
        "node dist/shop/server/server.mjs",
    ),
    "solid-start": (
        {},
        {"scripts": {"build": "vinxi build", "start": "vinxi dev"}, "dependencies": {"@solidjs/start": "1", "vinxi": "0.5"}},
        "node .output/server/index.mjs",
    ),
    "tanstack-start": (
        {},
        {"scripts": {"build": "vite build"}, "dependencies": {"@tanstack/react-start": "1", "nitro": "3"}},
        "node .output/server/index.mjs",
    ),
    "vite with a server": ({}, {"scripts": {"build": "vite build", "start": "node s.js"}, "devDependencies": {"vite": "6"}}, "node s.js"),
}


@pytest.mark.parametrize(("files", "package", "start"), STARTS.values(), ids=STARTS)
def test_the_start_command_is_the_servers_own(files: dict[str, str], package: dict[str, Any], start: str) -> None:
    assert planned(files, **package).services[0].start == start


BUN: dict[str, tuple[dict[str, str], dict[str, Any], str, str]] = {
    "start script": ({"bun.lock": ""}, {"scripts": {"start": "bun run index.ts"}}, "bun", "bun run index.ts"),
    "start script with another before it": (
        {"bun.lockb": ""},
        {"scripts": {"start": "bunx migrate && bun x.ts"}},
        "bun",
        "sh -c 'bunx migrate && bun x.ts'",
    ),
    "start script and no lock": ({}, {"scripts": {"start": "bun x.ts"}}, "bun", "bun x.ts"),
    "module": ({"bun.lock": "", "a.ts": ""}, {"module": "a.ts"}, "bun", "bun run a.ts"),
    "index.ts": ({"index.ts": ""}, {"packageManager": "bun@1.2.4"}, "bun", "bun run index.ts"),
    "Bun installs, Node runs": ({"bun.lock": ""}, {"scripts": {"start": "node a.js"}}, "node", "node a.js"),
    "Bun installs a framework of Node": (
        {"bun.lock": ""},
        {"scripts": {"start": "nest start"}, "dependencies": {"@nestjs/core": "10"}},
        "node",
        "nest start",
    ),
    "another manager's lock": ({"pnpm-lock.yaml": ""}, {"scripts": {"start": "bun x.ts"}}, "node", "bun x.ts"),
    "a word with bun in it": ({}, {"scripts": {"start": "node bundle.js"}}, "node", "node bundle.js"),
}


@pytest.mark.parametrize(("files", "package", "runtime", "start"), BUN.values(), ids=BUN)
def test_bun_runs_what_calls_it(files: dict[str, str], package: dict[str, Any], runtime: str, start: str) -> None:
    plan = planned(files, **package)
    assert (plan.buildpack, plan.services[0].start) == (runtime, start)
    assert plan.bases.run == {"bun": "oven/bun:1-slim", "node": "node:22-slim"}[runtime]


def test_bun_needs_neither_node_nor_npm() -> None:
    plan = planned({"bun.lock": "", "index.ts": ""}, scripts={"build": "bun build index.ts"})
    assert plan.tools == {"bun": ""}
    assert [step.commands for step in plan.steps] == [("bun install --frozen-lockfile",), ("bun run build",)]
    assert [cache.id for cache in plan.steps[0].caches] == ["bun"]


VITE: dict[str, Any] = {"scripts": {"build": "vite build", "start": "node serve.js"}, "devDependencies": {"vite": "6"}}
REACT: dict[str, Any] = {"scripts": {"build": "react-scripts build"}, "main": "server.js", "dependencies": {"react-scripts": "5"}}


@pytest.mark.parametrize("name", ["RW_BUILD_SPA_OUTPUT_DIR", "RAILPACK_SPA_OUTPUT_DIR", "NIXPACKS_SPA_OUT_DIR"])
def test_pages_are_served_from_the_folder_that_a_variable_names(name: str) -> None:
    plan = planned({"package-lock.json": "{}"}, {name: "./site/"}, **VITE)
    assert (plan.keep, plan.bases.run, plan.origins["start"].source) == (("site", "Caddyfile"), "caddy:2-alpine", name)
    assert "try_files {path} {path}/index.html {path}.html /index.html" in plan.files["Caddyfile"]
    assert plan.steps[-1].commands == ("npm run build",)


@pytest.mark.parametrize("folder", ["../out", "/", "a b"])
def test_folder_that_cannot_be_one_is_refused(folder: str) -> None:
    with pytest.raises(ConfigInvalidError, match="RW_BUILD_SPA_OUTPUT_DIR: a folder below the app's was expected"):
        planned({"package-lock.json": "{}"}, {"RW_BUILD_SPA_OUTPUT_DIR": folder}, **VITE)


@pytest.mark.parametrize(("value", "start"), [("1", "node server.js"), ("true", "node server.js"), ("0", CADDY), ("", CADDY)])
def test_server_beside_pages_is_started_where_a_variable_says_so(value: str, start: str) -> None:
    plan = planned({"package-lock.json": "{}", "server.js": ""}, {"RAILPACK_NO_SPA": value}, **REACT)
    assert plan.services[0].start == start


NEXT_APP: dict[str, Any] = {"name": "@acme/Shop", "dependencies": {"next": "15"}}


@pytest.mark.parametrize(
    ("build", "files", "folder"),
    [
        pytest.param({"build": "next build"}, {}, ".next/cache", id="in its usual place"),
        pytest.param(
            {"build": "next build"}, {"next.config.js": "module.exports = {distDir: 'out/site'}"}, "out/site/cache", id="elsewhere"
        ),
        pytest.param({"build": "rimraf .next && next build"}, {}, "", id="a script clears it"),
        pytest.param({"prebuild": "rm -rf .next", "build": "next build"}, {}, "", id="a script before it clears it"),
    ],
)
def test_builds_of_a_framework_find_what_the_one_before_worked_out(build: dict[str, str], files: dict[str, str], folder: str) -> None:
    plan = planned({"package-lock.json": "{}", **files}, **NEXT_APP, scripts=build)
    caches = {cache.id: cache.path for cache in plan.steps[-1].caches if not cache.variable}
    assert caches == ({"next-acme-shop": folder} if folder else {})
    assert (f"id=rw-next-acme-shop,target=/app/{folder}," in render(plan)) is bool(folder)


BUILD = {"scripts": {"build": "make-pages"}}
ANGULAR = {"projects": {"shop": {"architect": {"build": {"builder": "@angular/build:application", "options": {}}}}}}
PAGES: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "vite": ({}, {**BUILD, "devDependencies": {"vite": "6"}}, "dist"),
    "vite elsewhere": (
        {"vite.config.js": "export default { build: { outDir: 'out' } }"},
        {**BUILD, "devDependencies": {"vite": "6"}},
        "out",
    ),
    "vite, commented out": ({"vite.config.js": "// outDir: 'out'"}, {**BUILD, "devDependencies": {"vite": "6"}}, "dist"),
    "create-react-app": ({}, {"scripts": {"build": "b", "start": "react-scripts start"}, "dependencies": {"react-scripts": "5"}}, "build"),
    "vue-cli": ({}, {**BUILD, "devDependencies": {"@vue/cli-service": "5"}}, "dist"),
    "astro": ({}, {**BUILD, "dependencies": {"astro": "5"}}, "dist"),
    "angular": ({"angular.json": json.dumps(ANGULAR)}, {**BUILD, "dependencies": {"@angular/core": "19"}}, "dist/shop/browser"),
    "sveltekit": ({}, {**BUILD, "devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-static": "3"}}, "build"),
    "eleventy": ({}, {"scripts": {"start": "npx @11ty/eleventy --serve"}, "devDependencies": {"@11ty/eleventy": "3"}}, "_site"),
    "eleventy elsewhere": ({".eleventy.js": "return { dir: { output: 'out' } }"}, {"devDependencies": {"@11ty/eleventy": "3"}}, "out"),
    "eleventy by an option": ({}, {"scripts": {"build": "eleventy --output=./x"}, "devDependencies": {"@11ty/eleventy": "3"}}, "x"),
    "docusaurus": ({}, {"scripts": {"start": "docusaurus start"}, "dependencies": {"@docusaurus/core": "3"}}, "build"),
    "vitepress": ({"docs/.vitepress/config.mts": ""}, {"devDependencies": {"vitepress": "1"}}, "docs/.vitepress/dist"),
    "vitepress elsewhere": ({"docs/.vitepress/config.mts": "outDir: '../x'"}, {"devDependencies": {"vitepress": "1"}}, "x"),
    "vitepress in the root": ({".vitepress/config.mts": "outDir: '../x'"}, {"devDependencies": {"vitepress": "1"}}, ".vitepress/dist"),
    "hexo": ({"_config.yml": "public_dir: ./out"}, {"scripts": {"start": "hexo server"}, "dependencies": {"hexo": "7"}}, "out"),
    "gatsby": ({}, {"scripts": {"build": "gatsby build", "start": "gatsby develop"}, "dependencies": {"gatsby": "5"}}, "public"),
    "expo": ({}, {"scripts": {"start": "expo start"}, "dependencies": {"expo": "53"}}, "dist"),
    "nuxt generate": ({}, {"scripts": {"build": "nuxt generate"}, "dependencies": {"nuxt": "3"}}, ".output/public"),
    "react-router without a server": (
        {"react-router.config.ts": "export default { ssr: false }"},
        {"scripts": {"build": "react-router build"}, "devDependencies": {"@react-router/dev": "7", "vite": "6"}},
        "build/client",
    ),
    "next export": ({"next.config.mjs": "export default { output: 'export' }"}, {**BUILD, "dependencies": {"next": "15"}}, "out"),
}


@pytest.mark.parametrize(("files", "package", "folder"), PAGES.values(), ids=PAGES)
def test_pages_are_served_by_caddy(files: dict[str, str], package: dict[str, Any], folder: str) -> None:
    plan = planned(files, **package)
    assert plan.keep == (folder, "Caddyfile")
    assert (plan.bases.build, plan.bases.run) == ("node:22-slim", "caddy:2-alpine")


DEFAULT_BUILDS = {
    "@11ty/eleventy": "eleventy",
    "@docusaurus/core": "docusaurus build",
    "vitepress": "vitepress build docs",
    "hexo": "hexo generate",
}


@pytest.mark.parametrize(("package", "command"), DEFAULT_BUILDS.items(), ids=DEFAULT_BUILDS)
def test_a_site_generator_needs_no_build_script(package: str, command: str) -> None:
    plan = planned(devDependencies={package: "1"})
    assert plan.steps[-1].commands == (command,)
    assert "--include=dev" in plan.steps[0].commands[0]


def test_a_server_that_uses_a_site_generator_stays_a_server() -> None:
    plan = planned(scripts={"start": "node server.js"}, dependencies={"express": "4", "@11ty/eleventy": "3"})
    assert plan.services[0].start == "node server.js"
    assert [step.name for step in plan.steps] == ["install", "sources"]


def test_the_one_app_of_a_workspace_is_started_in_its_folder() -> None:
    files = {
        "pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n  - \"apps/*\"\n",
        "apps/web/package.json": json.dumps({"scripts": {"start": "node server.js"}}),
        "packages/a/package.json": "{}",
    }
    plan = planned(files)
    assert plan.services[0].start == "sh -c 'cd apps/web && exec node server.js'"
    assert {"apps/web/package.json", "packages/a/package.json"} <= set(plan.steps[0].inputs)


def test_packages_for_development_stay_when_the_server_is_one_of_them() -> None:
    plan = planned(scripts={"start": "tsx server.ts"}, devDependencies={"tsx": "4"})
    assert "--include=dev" in plan.steps[0].commands[0]


@pytest.mark.parametrize(
    ("files", "stays"),
    [
        pytest.param({"a.js": 'const odd = require("is-odd")'}, True, id="required"),
        pytest.param({"a.js": 'import odd from "is-odd/lib"'}, True, id="imported"),
        pytest.param({"src/b.mjs": 'await import("is-odd")'}, True, id="loaded"),
        pytest.param({"a.ts": 'import type { Odd } from "is-odd"'}, False, id="its types alone"),
        pytest.param({"a.test.js": 'require("is-odd")', "vite.config.js": 'require("is-odd")'}, False, id="in tests and settings"),
        pytest.param({"a.js": 'require("is-odd-too"); require("./is-odd")'}, False, id="another"),
    ],
)
def test_packages_for_development_stay_when_code_imports_them(files: dict[str, str], *, stays: bool) -> None:
    plan = planned({"index.js": "", **files}, devDependencies={"is-odd": "3"})
    assert ("--omit=dev" not in plan.steps[0].commands[0]) is stays


def test_packages_for_development_go_after_the_build() -> None:
    plan = planned({"package-lock.json": "{}"}, scripts={"build": "tsc", "start": "node a.js"}, devDependencies={"typescript": "5"})
    assert plan.steps[1].commands == ("npm run build", "npm prune --omit=dev --no-audit --no-fund")


def test_a_script_of_installing_gets_all_sources() -> None:
    assert planned(scripts={"postinstall": "node patch.js"}).steps[0].inputs == (".",)


@pytest.mark.parametrize(
    ("files", "value", "inputs"),
    [
        pytest.param({"lib/package.json": "{}"}, "file:./lib", ("package.json", "lib/"), id="a folder"),
        pytest.param({"lib/package.json": "{}"}, "link:lib", ("package.json", "lib/"), id="a folder that is linked"),
        pytest.param({"lib.tgz": ""}, "file:lib.tgz", ("package.json", "lib.tgz"), id="an archive"),
        pytest.param({}, "file:../lib", (".",), id="somewhere else"),
        pytest.param({"lib/package.json": '{"scripts": {"prepare": "tsc"}}'}, "file:lib", (".",), id="a folder that builds itself"),
        pytest.param({"lib/package.json": '{"dependencies": {"b": "file:../b"}}'}, "file:lib", (".",), id="a folder that needs another"),
    ],
)
def test_a_package_among_the_sources_is_installed_from_its_own_folder(files: dict[str, str], value: str, inputs: tuple[str, ...]) -> None:
    assert planned(files, scripts={"start": "node ."}, dependencies={"lib": value}).steps[0].inputs == inputs


def test_sveltekit_that_chooses_by_itself_is_told_to_take_a_server() -> None:
    plan = planned(scripts={"build": "vite build"}, devDependencies={"@sveltejs/kit": "2", "@sveltejs/adapter-auto": "6"})
    assert plan.steps[1].commands[0] == "GCP_BUILDPACKS=1 npm run build"
