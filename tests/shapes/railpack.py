"""Projects of the shapes that railpack's examples have, where those of nixpacks do not show the same."""

from __future__ import annotations

import json

from shapes.compiled import ROWS as COMPILED
from shapes.other import ROWS as OTHER
from shapes.other import dotnet, elixir, pyproject, python, ruby
from shapes.web import CADDY, PNPM, START, YARN, Files, Row, bare, node, vite
from shapes.web import ROWS as WEB

MAIN = {"start": "node main.js"}
TSC = {"build": "tsc", "start": "node dist/index.js"}
BUILT = r"node dist/index\.js"
ASTRO = {"build": "astro build", "dev": "astro dev"}
DEVELOPMENT = {"devDependencies": {"vite": "^7", "typescript": "^5"}}
RUBY_LOCK = "GEM\n  specs:\n    puma (5.6.7)\n    sinatra (3.0.5)\n\nDEPENDENCIES\n  puma\n  sinatra\n\nBUNDLED WITH\n   2.4.22\n"
SINATRA = {
    "Gemfile": "source 'https://rubygems.org'\ngem 'sinatra'\ngem 'puma'\n",
    "Gemfile.lock": RUBY_LOCK,
    "config.ru": "run Sinatra::Application",
    "app.rb": "require 'sinatra'\n",
}
RACK = r"bundle exec (rackup|puma) .*"
SHELL = {"start.sh": "#!/bin/bash\necho hello\n"}
SHELL_START = r"(bash|sh) start\.sh"
RUST = {"Cargo.toml": '[package]\nname = "shape"\nversion = "0.1.0"\nedition = "2021"\n', "src/main.rs": "fn main() {}\n"}
SETTINGS = {"main.py": "print(1)\n"}


def main(**files: str) -> Files:
    """Return a package whose program is main.js."""
    return {**bare(node(MAIN, **files)), "main.js": ""}


def written(start: str, **files: str) -> Files:
    """Return files with a railpack.json that says how to start."""
    return {**files, "railpack.json": json.dumps({"deploy": {"startCommand": start}})}


def workspace(lock: str, **more: object) -> Files:
    """Return a package with two libraries in its workspace."""
    files = node(START, "pkg-a", lock=lock, more={"private": True, "workspaces": ["packages/*"], **more})
    return {**files, "packages/pkg-a/package.json": '{"name": "pkg-a"}', "packages/pkg-b/package.json": '{"name": "pkg-b"}'}


def web_app(scripts: dict[str, str], *deps: str, lock: str | int = 3, more: dict[str, object] | None = None, **files: str) -> Files:
    """Return a front end that has no program of its own."""
    return bare(node(scripts, *deps, lock=lock, more=more or DEVELOPMENT, **files))


SIMPLE: dict[str, Row] = {
    "bun-pnpm": ({**bare(node({"start": "bun index.ts"}, "chalk", lock=f"{PNPM} 9.0", more={"module": "index.ts"})), "index.ts": ""}, "node", "22", r"bun index\.ts"),
    "node-bun": ({**bare(node({"build": "tsc --noEmit"}, lock="bun.lock", more={"module": "index.ts"})), "index.ts": ""}, "bun", "1", r"bun run index\.ts"),
    "node-bun-bunfig": ({**bare(node(lock="bun.lock", more={"module": "index.ts"})), "index.ts": "", "bunfig.toml": ""}, "bun", "1", r"bun run index\.ts"),
    "node-bun-no-deps": ({**bare(node({"start": "bun run app.js"}, more={"main": "app.js", "engines": {"bun": ">=1.0.0"}})), "app.js": ""}, "bun", "1", r"bun run app\.js"),
    "node-bun-no-node": ({**bare(node({"start": "bun app.js"}, more={"engines": {"bun": ">=1.0.0"}})), "app.js": ""}, "bun", "1", r"bun app\.js"),
    "node-bun-vite": (web_app({"build": "vite build"}, lock="bun.lock", **{"bunfig.toml": "", "index.html": ""}), "node", "22", CADDY),
    "node-bun-workspaces": ({**workspace("bun.lock", module="index.ts", scripts={}), "index.ts": ""}, "bun", "1", r"bun run index\.ts"),
    "mise-config": ({**bare(node({"start": "bun run index.ts"}, engines="22")), "index.ts": "", "mise.toml": '[tools]\nbun = "latest"\npython = "3.13"\ngo = "latest"\n'}, "bun", "1", r"bun run index\.ts"),
    "node-corepack": (node(TSC, lock=f"{PNPM} 9.0", more={"packageManager": "pnpm@10.4.1", **DEVELOPMENT}), "node", "22", BUILT),
    "node-dev-engines": (node(START, more={"devEngines": {"runtime": {"name": "node", "version": "22.11.0"}, "packageManager": {"name": "pnpm", "version": "10.4.1"}}}), "node", "22", r"node index\.js"),
    "node-latest-npm-native-deps": (node(START, "better-sqlite3", lock=3), "node", "22", r"node index\.js"),
    "node-latest-pnpm-native-deps": (node(START, "better-sqlite3", lock=f"{PNPM} 9.0"), "node", "22", r"node index\.js"),
    "node-latest-pnpm-mise-native-deps": (node(START, "better-sqlite3", lock=f"{PNPM} 9.0", **{"mise.toml": '[tools]\nnode = "latest"\npnpm = "10.22.0"\n'}), "node", "22", r"node index\.js"),
    "node-lts-npm-native-deps": (node(START, "bcrypt", "better-sqlite3", "canvas", "sharp", lock=3, more={"packageManager": "npm@10.9.6"}), "node", "22", r"node index\.js"),
    "node-npm-native-deps": (node(START, "better-sqlite3", lock=3), "node", "22", r"node index\.js"),
    "node-pnpm-native-deps": (node(START, "better-sqlite3", lock=f"{PNPM} 9.0"), "node", "22", r"node index\.js"),
    "node-monorepo-fullstack": ({**workspace("", scripts={"start": "node packages/api/index.js"}), "packages/api/package.json": '{"name": "api"}', "packages/api/index.js": ""}, "node", "22", r"node packages/api/index\.js"),
    "node-npm": (node(START, lock=3), "node", "22", r"node index\.js"),
    "node-npm-dockerignore": (node(START, lock=3, **{".dockerignore": "*.md\n"}), "node", "22", r"node index\.js"),
    "node-npm-install-in-build": ({**node(START, lock=3, engines="23.5.0"), "railpack.json": '{\n  // as its name says\n  "steps": {"build": {"commands": ["...", "npm ci"]}}\n}'}, "node", "22", r"node index\.js"),
    "node-npm-workspaces": (workspace(""), "node", "22", r"node index\.js"),
    "node-oldest": ({**bare(node({"start": "node app.js"}, engines=">=15.0.0")), "app.js": "", "mise.toml": '[tools]\nnode = "15"\n'}, "node", "22", r"node app\.js"),
    "node-pnpm-json5": ({"package.json5": '{\n  // a comment\n  "main": "main.js",\n  "scripts": {"start": "node main.js",},\n  "engines": {"node": "24", "pnpm": "10.34.1"},\n}', "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", "main.js": ""}, "node", "24", r"node main\.js"),
    "node-playwright": (node(None, "playwright", more={"main": "index.js"}), "node", "22", r"node index\.js"),
    "node-puppeteer": (node(None, "puppeteer", lock=3, more={"main": "index.js"}), "node", "22", r"node index\.js"),
    "node-pnpm-11-engines": ({**main(), "package.json": json.dumps({"scripts": MAIN, "engines": {"node": "24.16.0", "pnpm": "11.5.x"}})}, "node", "24", r"node main\.js"),
    "node-pnpm-engines": ({**main(), "package.json": json.dumps({"scripts": MAIN, "engines": {"node": "22.2.0", "pnpm": "9.15.0"}})}, "node", "22", r"node main\.js"),
    "node-pnpm-dev-engines": ({**main(), "package.json": json.dumps({"scripts": MAIN, "devEngines": {"packageManager": {"name": "pnpm", "version": "^10.0.0"}}})}, "node", "22", r"node main\.js"),
    "node-pnpm-corepack-runtime": (written("pnpm run start", **{**main(), "package.json": json.dumps({"main": "main.js", "scripts": MAIN, "packageManager": "pnpm@11.1.2"})}), "node", "22", r"node main\.js"),
    "pnpm-corepack-runtime-usage": (written("pnpm run start", **{**main(), "package.json": json.dumps({"main": "main.js", "scripts": MAIN, "packageManager": "pnpm@11.1.2", "engines": {"node": "^26.0.0"}})}), "node", "26", r"node main\.js"),
    "node-pnpm-monorepo-binaries": ({**bare(workspace(f"{PNPM} 9.0", scripts={"build": "pnpm --filter pkg-b build", "start": "hello-cli"}))}, "node", "22", "hello-cli"),
    "node-pnpm-workspaces": (workspace(f"{PNPM} 9.0"), "node", "22", r"node index\.js"),
    "node-pnpm-workspaces-complex": (workspace(f"{PNPM} 9.0"), "node", "22", r"node index\.js"),
    "node-prisma": ({**bare(node(TSC, "@prisma/client", lock=3, more={"devDependencies": {"prisma": "6", "typescript": "5"}})), "prisma/schema.prisma": "", "index.ts": ""}, "node", "22", BUILT),
    "node-subfolder-node-version": (node(START, engines=">=18"), "node", "22", r"node index\.js"),
    "node-version-precedence": (node(START, engines=">=18"), "node", "22", r"node index\.js"),
    "node-workspace-file-deps": (node(START, more={"dependencies": {"lib": "file:./lib"}}, **{"lib/package.json": '{"name": "lib"}'}), "node", "22", r"node index\.js"),
    "npm-out-of-sync-package-lock": (node(START, "express", lock=3), "node", "22", r"node index\.js"),
    "node-yarn-1": (node(TSC, lock=YARN, more=DEVELOPMENT), "node", "22", BUILT),
    "node-yarn-2": (node(START, "cowsay", lock=YARN, **{".yarnrc.yml": ""}), "node", "22", r"node index\.js"),
    "node-yarn-2-node-linker": (node(START, "cowsay", lock=YARN, **{".yarnrc.yml": "nodeLinker: node-modules"}), "node", "22", r"node index\.js"),
    "node-yarn-3": (node(TSC, lock=YARN, more={"packageManager": "yarn@3.8.7", **DEVELOPMENT}), "node", "22", BUILT),
    "node-yarn-4": (node(TSC, lock=YARN, more={"packageManager": "yarn@4.9.2", **DEVELOPMENT}), "node", "22", BUILT),
    "node-yarn-4-pnpm-linker": (node(TSC, lock=YARN, more={"packageManager": "yarn@4.18.1", **DEVELOPMENT}, **{".yarnrc.yml": "nodeLinker: pnpm"}), "node", "22", BUILT),
    "node-yarn-workspaces": (workspace(YARN, packageManager="yarn@4.5.3"), "node", "22", r"node index\.js"),
    "node-yarn-workspaces-nested": ({**workspace(YARN, packageManager="yarn@4.5.3", workspaces=["packages/**/*"]), "packages/prisma/store/package.json": '{"name": "store"}'}, "node", "22", r"node index\.js"),
    # front ends and their servers
    "expo-spa": (web_app({"build": "expo export --platform web", "start": "expo start"}, "expo", "react-native-web", **{"app.json": '{"expo": {"web": {"output": "static"}}}'}), "node", "22", CADDY),
    "node-angular": (web_app({"build": "ng build", "start": "ng serve"}, "@angular/core", **{"angular.json": '{"projects": {"shape": {"architect": {"build": {"builder": "@angular-devkit/build-angular:application"}}}}}'}), "node", "22", CADDY),
    "node-astro": (web_app(ASTRO, "astro", **{"astro.config.mjs": "export default {}"}), "node", "22", CADDY),
    "node-astro-static-404": (web_app(ASTRO, "astro", **{"astro.config.mjs": "export default {}"}), "node", "22", CADDY),
    "node-astro-server": (web_app(ASTRO, "astro", "@astrojs/node", **{"astro.config.mjs": "export default { output: 'server' }"}), "node", "22", r"node (\./)?dist/server/entry\.mjs"),
    "node-cra": (web_app({"build": "react-scripts build", "start": "react-scripts start"}, "react-scripts"), "node", "22", CADDY),
    "node-next": (web_app({"build": "next build", "start": "next start"}, "next"), "node", "22", r".*\.next/standalone/server\.js"),
    "node-next-spa": (web_app({"build": "next build", "start": "next start"}, "next", **{"next.config.ts": "export default { output: 'export' }"}), "node", "22", CADDY),
    "node-nuxt": (web_app({"build": "nuxt build"}, "nuxt"), "node", "22", r"node \.output/server/index\.mjs"),
    "node-nx-next": (
        {
            **bare(node(lock=f"{PNPM} 9.0", more={"devDependencies": {"nx": "21"}})), "nx.json": "{}", "pnpm-workspace.yaml": "packages: ['apps/*']",
            "apps/web/package.json": '{"name": "@shape/web", "scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15"}}',
        },
        "node", "22", r".*next start.*",
    ),
    "node-remix": (web_app({"build": "remix vite:build", "start": "remix-serve ./build/server/index.js"}, "@remix-run/serve", "@remix-run/node"), "node", "22", r"remix-serve \./build/server/index\.js"),
    "node-spa-staticfile": (web_app(ASTRO, "astro", **{"astro.config.mjs": "export default {}", "Staticfile": "index_fallback: false\n"}), "node", "22", CADDY),
    "node-svelte-kit": (web_app({"build": "vite build", "prepare": "svelte-kit sync || echo ''"}, more={"devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-auto": "4", "svelte": "5", "vite": "6"}}), "node", "22", "node build"),
    "node-tanstack-start": (web_app({"build": "vite build", "start": "node .output/server/index.mjs"}, "@tanstack/react-start", "nitro", lock="bun.lock"), "node", "22", r"node \.output/server/index\.mjs"),
    "tanstack-nitro-nostart": (web_app({"build": "vite build"}, "@tanstack/react-start", "nitro", lock=""), "node", "22", r"node \.output/server/index\.mjs"),
    "node-turborepo": (
        {
            **bare(node({"build": "turbo run build", "start": "turbo run start"}, lock=3, more={"packageManager": "npm@10.9.2", "workspaces": ["apps/*"], "devDependencies": {"turbo": "2"}})),
            "turbo.json": "{}", "apps/web/package.json": '{"name": "web", "scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15"}}',
        },
        "node", "22", r"sh -c 'cd apps/web && exec next start .*'",
    ),
    "node-vite-custom-caddyfile": (web_app({"build": "vite build"}, lock="bun.lock", **{"index.html": "", "Caddyfile": ":{$PORT:80} {\n\troot * /app/dist\n\tfile_server\n}\n"}), "node", "22", CADDY),
    "node-vite-react": (vite("react"), "node", "22", CADDY),
    "node-vite-react-router-spa": (web_app({"build": "react-router build"}, "react-router", more={"devDependencies": {"@react-router/dev": "7", "vite": "6"}}, **{"react-router.config.ts": "export default { ssr: false }"}), "node", "22", CADDY),
    "node-vite-react-router-ssr": (web_app({"build": "react-router build", "start": "react-router-serve ./build/server/index.js"}, "@react-router/serve", more={"devDependencies": {"@react-router/dev": "7", "vite": "6"}}, lock=f"{PNPM} 9.0"), "node", "22", r"react-router-serve \./build/server/index\.js"),
    "node-vite-svelte": (vite("svelte"), "node", "22", CADDY),
    "node-vite-vanilla": (vite(), "node", "22", CADDY),
    "staticfile-config": ({"Staticfile": "root: dist\nindex_fallback: true\n", "dist/index.html": ""}, "static", "", CADDY),
    "staticfile-index": ({"index.html": ""}, "static", "", CADDY),
    # Python
    "python-bot-only": ({"bot.py": "print(1)\n"}, "python", "3.13", r"python bot\.py"),
    "python-compiled": ({**SETTINGS, "pyproject.toml": '[project]\nname = "shape"\nversion = "0.1.0"\n', "mise.toml": '[tools]\npython = "3.7"\n'}, "python", "3.7", r"python main\.py"),
    "python-fastapi": ({**pyproject(requires=">=3.11", **{"uv.lock": "version = 1\n"}), "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}, "python", "3.13", r"uvicorn main:app .*"),
    "python-fasthtml": ({"main.py": "from fasthtml.common import *\nimport sys\nif __name__ == '__main__': sys.exit('no')\napp = FastHTML()\nrt = app.route\n", "requirements.txt": "python-fasthtml\nuvicorn\n"}, "python", "3.13", r"uvicorn main:app .*"),
    "python-flask": ({"main.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\ngunicorn\n"}, "python", "3.13", r"gunicorn main:app .*"),
    "python-freethreaded": ({**SETTINGS, "mise.toml": '[tools]\npython = "3.14t"\n'}, "python", "3.14", r"python main\.py"),
    "python-latest": (pyproject(requires=">=3.10", **{"mise.toml": '[tools]\npython = "latest"\n'}), "python", "3.13", r"python main\.py"),
    "python-latest-psycopg": (python("psycopg"), "python", "3.13", r"python main\.py"),
    "python-oldest": (pyproject(requires=">=3.10", **{".python-version": "3.10"}), "python", "3.10", r"python main\.py"),
    "python-pip": ({"app.py": "import numpy\nprint(1)\n", "requirements.txt": "numpy\npandas\n", ".python-version": "3.11.14"}, "python", "3.11", r"python app\.py"),
    "python-playwright": (pyproject(requires=">=3.11", **{"uv.lock": "version = 1\n"}), "python", "3.13", r"python main\.py"),
    "python-psycopg-binary": (python("psycopg[binary]"), "python", "3.13", r"python main\.py"),
    "python-psycopg3": (python("psycopg[c]"), "python", "3.13", r"python main\.py"),
    "python-pycairo": (python("pycairo"), "python", "3.13", r"python main\.py"),
    "python-system-deps": (python("pdf2image", "pydub", "pymovie"), "python", "3.13", r"python main\.py"),
    "python-uv-latest-locked": (pyproject(requires=">=3.10", **{"uv.lock": "version = 1\n", "mise.toml": '[tools]\npython = "latest"\nuv = "latest"\n'}), "python", "3.13", r"python main\.py"),
    "python-uv-workspace": (pyproject('[tool.uv.workspace]\nmembers = ["lib"]\n', requires=">=3.13", **{"uv.lock": "version = 1\n", "lib/pyproject.toml": '[project]\nname = "lib"\nversion = "0.1.0"\n', "lib/src/lib/__init__.py": ""}), "python", "3.13", r"python main\.py"),
    # Ruby, PHP and the compiled languages
    "ruby-3-compile": (ruby("ruby app.rb", **{".ruby-version": "3.3.1"}), "ruby", "3.3", r"ruby app\.rb"),
    "ruby-3-precompiled": (ruby("ruby app.rb", **{"mise.toml": '[tools]\nruby = "3.4"\n', "Gemfile.lock": ""}), "ruby", "3.4", r"ruby app\.rb"),
    "ruby-gemfile-version": ({**SINATRA, "Gemfile": "ruby '3.2.1'\n" + SINATRA["Gemfile"]}, "ruby", "3.2", RACK),
    "ruby-jemalloc": (ruby("ruby app.rb", **{"Gemfile.lock": ""}), "ruby", "3.3", r"ruby app\.rb"),
    "ruby-single-version": (SINATRA, "ruby", "3.3", RACK),
    "ruby-vanilla": (ruby("ruby app.rb", **{"Gemfile.lock": ""}), "ruby", "3.3", r"ruby app\.rb"),
    "php-symfony": ({"composer.json": '{"require": {"php": ">=8.4", "symfony/framework-bundle": "8.*", "symfony/runtime": "8.*"}}', "public/index.php": "<?php", "bin/console": "", "symfony.lock": "{}"}, "php", "8.4", r"(frankenphp|php) .*"),
    "php-vanilla-82": ({"index.php": "<?php", "composer.json": '{"require": {"php": "8.2.*"}}'}, "php", "8.2", r"(frankenphp|php) .*"),
    "go-cmd-dirs": ({"go.mod": "module example.com/shape\n\ngo 1.23\n", "cmd/server/main.go": "package main\n\nfunc main() {}\n"}, "go", "1.24", r"\./bin/server"),
    "go-workspaces": (
        {"go.work": "go 1.23\n\nuse (\n\t./api\n\t./shared\n)\n", "api/go.mod": "module example.com/api\n\ngo 1.23\n", "api/main.go": "package main\n\nfunc main() {}\n", "shared/go.mod": "module example.com/shared\n\ngo 1.23\n", "shared/shared.go": "package shared\n"},
        "go", "1.24", r"\./bin/\w+",
    ),
    "rust-system-deps": ({**RUST, "Cargo.toml": RUST["Cargo.toml"] + '[dependencies]\nopenssl = "0.10"\n'}, "rust", "1", r"\./\S*shape"),
    "java-zulu-version": (
        {"pom.xml": "<project><groupId>a</groupId><artifactId>shape</artifactId><version>1.0-SNAPSHOT</version></project>", "src/main/java/App.java": "class App {}", "railpack.json": json.dumps({"provider": "java", "packages": {"java": "zulu-8.86"}, "steps": {"install": {"commands": ["mvn clean compile", "mvn package"]}}, "deploy": {"startCommand": "java -jar target/shape-1.0-SNAPSHOT.jar"}})},
        "java", "8", r"java -jar target/shape-1\.0-SNAPSHOT\.jar",
    ),
    "dotnet-api": (dotnet("shape", "csproj", True), "dotnet", "6.0", r".*shape.*"),
    "dotnet-cli": (dotnet("shape", "csproj", False), "dotnet", "6.0", r".*shape.*"),
    "elixir-latest": (elixir("~> 1.18"), "elixir", "1.18", r".*shape.*start"),
    "gleam-custom-version": ({"gleam.toml": 'name = "shape"\nversion = "0.1.0"\n', ".tool-versions": "gleam 1.12.0\n", "src/shape.gleam": ""}, "gleam", "1.12.0", r".*entrypoint\.sh run"),
    "gleam-include-source": ({"gleam.toml": 'name = "shape"\nversion = "0.1.0"\n', "manifest.toml": "packages = []\n", "src/shape.gleam": "", "railpack.json": json.dumps({"provider": "gleam", "deploy": {"inputs": ["...", {"local": True, "include": ["."]}]}})}, "gleam", "1.18.1", r".*entrypoint\.sh run"),
    "cpp-cmake": ({"CMakeLists.txt": "cmake_minimum_required(VERSION 3.15)\nproject(shape LANGUAGES CXX)\nadd_executable(shape main.cc)\n", "main.cc": "int main() {}"}, "cpp", "", r"\./\S*shape"),
    "cpp-meson": ({"meson.build": "project('shape', ['cpp'])\n\nexecutable('shape', ['main.cc'])\n", "main.cc": "int main() {}"}, "cpp", "", r"\./\S*shape"),
    "flutter-web": ({"pubspec.yaml": "name: shape\nenvironment:\n  sdk: ^3.5.0\ndependencies:\n  flutter:\n    sdk: flutter\n", "lib/main.dart": "void main() {}", "web/index.html": ""}, "static", "", CADDY),
    # files of railpack's own, scripts
    "config-file": (written("python --version && neofetch $HELLO", **{"mise.toml": '[bootstrap.packages]\n"apt:neofetch" = "latest"\n', **node()}), "node", "22", r"python --version && neofetch \$HELLO"),
    "config-precedence": ({**SHELL, "Procfile": "web: echo from-procfile\n", "railpack.json": '{"provider": "shell", "deploy": {"startCommand": "echo from-file"}}'}, "shell", "", "echo from-file"),
    "dockerignore": (SHELL, "shell", "", SHELL_START),
    "dockerignore-planner": (node(START, lock=3, **{".dockerignore": "docs\nmise.local.toml\n"}), "node", "22", r"node index\.js"),
    "exclude-merge": ({**SHELL, "railpack.json": '{"exclude": ["secret.txt"]}'}, "shell", "", SHELL_START),
    "railpack-env-configuration": ({**SHELL, "run.sh": "#!/bin/bash\necho other\n"}, "shell", "", r"bash run\.sh"),
    "secrets": (
        {"run.sh": "#!/bin/bash\n", "railpack.json": json.dumps({"secrets": ["A"], "steps": {"usesSecrets": {"commands": [{"src": ".", "dest": "."}, "./run.sh A B"], "secrets": ["A"], "variables": {"B": "not secret"}}}, "deploy": {"startCommand": "echo done"}})},
        "shell", "", "echo done",
    ),
    "shell-bash-arrays": (SHELL, "shell", "", SHELL_START),
    "shell-platform-arch": (SHELL, "shell", "", SHELL_START),
    "shell-script": (SHELL, "shell", "", SHELL_START),
    "variables": (SHELL, "shell", "", SHELL_START),
}  # fmt: skip
BY_NIXPACKS = {
    "deno-2": "deno-jsonc", "elixir-ecto": "elixir-ecto", "elixir-phoenix": "elixir-phx-no-ecto", "gleam": "basic_gleam", "go-mod": "go-mod",
    "java-gradle": "java-gradle-8", "java-maven": "java-maven", "java-maven-multimodule": "java-maven-wrapper",
    "php-laravel-11-react": "php-laravel-83", "php-laravel-12-react": "php-laravel-84", "php-vanilla": "php-vanilla",
    "python-django": "python-django", "python-pdm": "python-pdm", "python-pipfile": "python-pipfile", "python-poetry": "python-poetry",
    "python-uv": "python-uv", "python-uv-workspace-postgres": "python-uv",
    "ruby-2": "ruby-2", "ruby-3": "ruby-3", "ruby-no-version": "ruby-no-version", "ruby-rails-api-app": "ruby-rails-api-app",
    "ruby-rails-postgres": "ruby-rails-postgres", "ruby-sinatra": "ruby-sinatra",
    "rust-cargo-workspaces": "rust-cargo-workspaces", "rust-cargo-workspaces-glob": "rust-cargo-workspaces-glob",
    "rust-custom-toolchain": "rust-custom-toolchain", "rust-custom-version": "rust-custom-version", "rust-multiple-bins": "rust-multiple-bins",
    "rust-openssl": "rust-openssl", "rust-ring": "rust-ring", "rust-rocket": "rust-rocket", "zig": "zig",
}  # fmt: skip
"""Examples of both tools that have one shape."""
ROWS: dict[str, Row] = {**SIMPLE, **{name: {**COMPILED, **WEB, **OTHER}[other] for name, other in BY_NIXPACKS.items()}}
