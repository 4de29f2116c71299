"""Node projects of the shapes that nixpacks's examples have."""

from __future__ import annotations

import json
from typing import Any

Files = dict[str, str]
Row = tuple[Files, str, str, str]
"""Files, buildpack, version, pattern of the whole start command; an empty one where nothing can be started."""

PNPM, YARN, BUN = "pnpm-lock.yaml", "yarn.lock", "bun.lockb"
CADDY = r"caddy run .*"
SCRIPT = r"node (--\S+ )*(index|server)\.js"
BUILD = {"build": "node -e 1", "start": "node index.js"}
START = {"start": "node index.js"}
TURBO = {"turbo.json": '{"pipeline": {"build": {}}}'}


def node(
    scripts: dict[str, str] | None = None, *deps: str, lock: str | int = "", engines: str = "", more: Any = None, **files: str
) -> Files:
    """Return a package with an index.js; ``lock`` is npm's lockfileVersion, or the name of another tool's lock file and its text."""
    package: dict[str, Any] = {"name": "shape", "version": "1.0.0"} | ({"scripts": scripts} if scripts else {})
    package |= (
        ({"dependencies": dict.fromkeys(deps, "*")} if deps else {}) | ({"engines": {"node": engines}} if engines else {}) | (more or {})
    )
    found = {"package.json": json.dumps(package), "index.js": "console.log(1)\n", **files}
    if isinstance(lock, int):
        found["package-lock.json"] = json.dumps({"name": "shape", "lockfileVersion": lock, "packages": {}})
    elif lock:
        name, _, text = lock.partition(" ")
        found[name] = text and f"lockfileVersion: '{text}'\n"
    return found


def bare(files: Files) -> Files:
    """Return the files without the index.js, which would be started."""
    return {path: text for path, text in files.items() if path != "index.js"}


def vite(*deps: str) -> Files:
    """Return a front end that Vite builds into files."""
    scripts = {"dev": "vite", "build": "tsc && vite build", "preview": "vite preview"}
    return {
        **node(scripts, *deps, more={"devDependencies": {"vite": "^5.0.0", "typescript": "^5.0.0"}}),
        "index.html": "<script type=module src=/src/main.ts></script>",
        "vite.config.ts": "export default {}",
        "src/main.ts": "",
    }


def prisma(lock: str | int, engines: str = "") -> Files:
    """Return a package with a database schema."""
    scripts = {"build": "prisma generate", "start": "node index.js"}
    return {
        **node(scripts, "@prisma/client", "prisma", lock=lock, engines=engines),
        "prisma/schema.prisma": 'datasource db { provider = "postgresql" }',
    }


def incremental(config: str, **files: str) -> Files:
    """Return a TypeScript package that has a build and nothing to start."""
    return {**bare(node({"build": "tsc"}, "typescript", lock=2, **files)), "tsconfig.json": config, "src/program.ts": "console.log(1)"}


NX = {
    "nx.json": '{"defaultProject": "express-app"}',
    "apps/express-app/project.json": json.dumps(
        {
            "targets": {
                "build": {
                    "executor": "@nrwl/node:webpack",
                    "options": {"outputPath": "dist/apps/express-app", "main": "apps/express-app/src/main.ts"},
                }
            }
        }
    ),
    "apps/express-app/src/main.ts": "",
}
FRAMEWORK = {"build": "react-router build", "start": "react-router-serve ./build/server/index.js"}
ROUTER = {"react-router.config.ts": "export default { ssr: true }", "vite.config.ts": "export default {}"}
KIT = {"build": "vite build", "start": "node build/index.js"}

ROWS: dict[str, Row] = {
    "nested": ({f"apps/web/{path}": text for path, text in node().items()}, "node", "22", "node index.js"),
    "node": (node(START, lock=2), "node", "22", SCRIPT),
    "node-bun": (node({"start": "bun index.ts"}, lock=BUN, engines="22.x", **{"index.ts": ""}), "bun", "1", r"bun (run )?index\.ts"),
    "node-bun-prisma": ({**prisma(BUN, "22.x")}, "node", "22", SCRIPT),
    "node-bun-web-server": (node({"start": "bun run index.ts"}, lock=BUN, engines="22.x", **{"index.ts": ""}), "bun", "1", r"bun (run )?index\.ts"),
    "node-canvas": (node(START, "canvas", lock=3, engines="20.x"), "node", "20", SCRIPT),
    "node-custom-cache-directories": (bare(node(more={"cacheDirectories": ["hello"]})), "node", "22", ""),
    "node-custom-version": (node(START, lock=2, engines="22.x"), "node", "22", SCRIPT),
    "node-fetch-network": (node(BUILD, "node-fetch", lock=f"{PNPM} 6.0"), "node", "22", SCRIPT),
    "node-legacy-prisma": (prisma(YARN, "14.x"), "node", "14", SCRIPT),
    "node-main-file": ({**node(more={"main": "src/index.js"}), "src/index.js": ""}, "node", "22", r"node src/index\.js"),
    "node-main-file-not-exist": (node(more={"main": "src/absent.js"}), "node", "22", SCRIPT),
    "node-monorepo": (
        {**node(more={"private": True, "workspaces": ["packages/*"]}, lock=YARN), "packages/client/package.json": '{"name": "client", "dependencies": {"next": "13"}}', "packages/client/.rw": ""},
        "node", "22", "echo hello world",
    ),
    "node-moon-monorepo": (
        {**bare(node(lock=3, engines="22.x", more={"workspaces": ["packages/*"]})), ".moon/workspace.yml": "projects: ['packages/*']", "packages/server/package.json": '{"name": "server"}'},
        "node", "22", "",
    ),
    "node-no-scripts": (node(), "node", "22", SCRIPT),
    "node-node-version": (node(START, lock=2, **{".node-version": "v22.12.0"}), "node", "22", SCRIPT),
    "node-npm": (node(BUILD, lock=2), "node", "22", SCRIPT),
    "node-npm-old-lockfile": (node(BUILD, lock=1), "node", "22", SCRIPT),
    "node-npm-v9": (node(BUILD, lock=3), "node", "22", SCRIPT),
    "node-nvmrc": (node(START, lock=2, **{".nvmrc": "v14.18.1"}), "node", "14", SCRIPT),
    "node-nvmrc-invalid-lts": (node(START, lock=2, **{".nvmrc": "some_invalid_version"}), "node", "22", SCRIPT),
    "node-nvmrc-lts": (node(START, lock=2, **{".nvmrc": "lts/iron"}), "node", "20", SCRIPT),
    "node-nx": ({**bare(node(more={"devDependencies": {"nx": "15"}}, lock=2)), **NX}, "node", "22", r"node dist/apps/express-app/main\.js"),
    "node-pnpm-corepack": (node(BUILD, lock=f"{PNPM} 9.0", engines=">=20", more={"packageManager": "pnpm@9.0.3"}), "node", "22", SCRIPT),
    "node-pnpm-monorepo": (
        {
            **bare(node({"build": "turbo build"}, "turbo", lock=f"{PNPM} 9.0", engines=">=18.0.0", more={"packageManager": "pnpm@9.5.0"})),
            **TURBO, "pnpm-workspace.yaml": "packages: ['apps/*']", "apps/web/package.json": '{"name": "web", "scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "14"}}',
        },
        "node", "22", ".*",
    ),
    "node-pnpm-v6": (node(BUILD, lock=f"{PNPM} 5.3"), "node", "22", SCRIPT),
    "node-pnpm-v8": (node(BUILD, lock=f"{PNPM} 6.0"), "node", "22", SCRIPT),
    "node-pnpm-v9": (node(BUILD, lock=f"{PNPM} 9.0", engines="20.x"), "node", "20", SCRIPT),
    "node-prisma-postgres": (prisma(3, "18.x"), "node", "18", SCRIPT),
    "node-prisma-postgres-npm-v9": (prisma(3, "18.x"), "node", "18", SCRIPT),
    "node-puppeteer": (node(START, "puppeteer", engines="16.x"), "node", "16", SCRIPT),
    "node-python": (
        {"package.json": '{"name": "both"}', "start.sh": "", "nixpacks.toml": 'providers = ["node", "python"]\n[start]\ncmd = "echo Node $(node --version) && python --version"\n'},
        "node", "22", r"echo Node \$\(node --version\) && python --version",
    ),
    "node-react-router-v7-framework": ({**node(FRAMEWORK, "@react-router/node", "@react-router/serve", "react-router"), **ROUTER}, "node", "22", r"react-router-serve \./build/server/index\.js"),
    "node-react-router-v7-spa": (
        {**node({"build": "react-router build"}, "react-router", lock=3, more={"devDependencies": {"vite": "6", "@react-router/dev": "7"}}), **ROUTER, "react-router.config.ts": "export default { ssr: false }"},
        "node", "22", CADDY,
    ),
    "node-remix": (node({"build": "remix vite:build", "start": "remix-serve ./build/server/index.js"}, "@remix-run/node", "@remix-run/serve", lock=3, engines=">=20.0.0"), "node", "22", r"remix-serve \./build/server/index\.js"),
    "node-turborepo": (
        {
            **bare(node({"build": "turbo run build"}, "turbo", lock=2, engines=">=18.0.0", more={"packageManager": "npm@8.15.0", "workspaces": ["apps/*"]})),
            **TURBO, "apps/web/package.json": '{"name": "web", "scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "13"}}',
        },
        "node", "22", r".*(next start|server\.js).*",
    ),
    "node-typescript-incremental": (incremental('{"compilerOptions": {"incremental": true}}'), "node", "22", ""),
    "node-typescript-incremental-extends": (incremental('{"extends": "./base.json"}', **{"base.json": '{"compilerOptions": {"incremental": true}}'}), "node", "22", ""),
    "node-typescript-incremental-out-dir": (incremental('{"compilerOptions": {"incremental": true, "outDir": "dist"}}'), "node", "22", ""),
    "node-typescript-incremental-tsbuildinfo-path": (incremental('{"compilerOptions": {"incremental": true, "tsBuildInfoFile": "./x"}}'), "node", "22", ""),
    "node-variables": (node(**{"index.js": "console.log(process.env.NODE_ENV)"}), "node", "22", SCRIPT),
    "node-vite-lit-ts": (vite("lit"), "node", "22", CADDY),
    "node-vite-preact-ts": (vite("preact"), "node", "22", CADDY),
    "node-vite-qwik-ts": (vite("@builder.io/qwik"), "node", "22", CADDY),
    "node-vite-react-ts": (vite("react", "react-dom"), "node", "22", CADDY),
    "node-vite-solid-ts": (vite("solid-js"), "node", "22", CADDY),
    "node-vite-svelte-ts": (vite("svelte"), "node", "22", CADDY),
    "node-vite-sveltekit": (
        {**node(KIT, lock=3, engines="22", more={"devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-node": "5", "vite": "6"}}), "svelte.config.js": "import adapter from '@sveltejs/adapter-node';\nexport default {kit: {adapter: adapter()}};"},
        "node", "22", r"node build(/index\.js)?",
    ),
    "node-vite-vanilla-ts": (vite(), "node", "22", CADDY),
    "node-vite-vue-ts": (vite("vue"), "node", "22", CADDY),
    "node-yarn": (node(BUILD, lock=YARN), "node", "22", SCRIPT),
    "node-yarn-berry": (node(BUILD, lock=YARN, engines="16.x", more={"packageManager": "yarn@3.2.4"}, **{".yarnrc.yml": "nodeLinker: node-modules"}), "node", "16", SCRIPT),
    "node-yarn-custom-node-version": (node(START, lock=YARN, engines="16.x"), "node", "16", SCRIPT),
    "node-yarn-prisma": (prisma(YARN), "node", "22", SCRIPT),
    "overriding-environment-variables": (node(**{"index.js": "console.log(process.env.NODE_ENV)"}), "node", "22", SCRIPT),
    "procfile": (node(BUILD, Procfile="web: echo start from procfile\nrelease: echo release\n"), "node", "22", "echo start from procfile"),
}  # fmt: skip
