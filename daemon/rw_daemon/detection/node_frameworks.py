"""Frameworks of Node: what their build leaves behind and how that is served."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from rw_daemon.detection import static_site
from rw_daemon.detection.package_json import Package

ANGULAR_CACHE = ".angular/cache"  # angular.dev/cli/cache; switched off where CI is set, which no build here does
CONFIG_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")


@dataclass(frozen=True)
class Framework:
    """What a build yields.

    :param static: folder of pages to serve, relative to the package; empty for a server.
    :param single_page: a router in the browser answers every path.
    :param page: what such a path gets.
    :param program: npm package that brings the start command, where the project does not.
    :param build: what builds where package.json has no build script.
    :param start: command of the server; empty where the package's own start script is the way.
    :param keep: all that the server needs, relative to the package; empty for everything.
    :param after_build: commands that put the server's files together.
    :param cache: folder in which a build finds what the one before it worked out, relative to the package.
    """

    name: str
    static: str = ""
    single_page: bool = False
    page: str = "index.html"
    program: str = ""
    build: str = ""
    start: str = ""
    keep: tuple[str, ...] = ()
    after_build: tuple[str, ...] = ()
    build_variables: str = ""
    cache: str = ""


DEV_SERVERS = re.compile(
    r"(npx )?(vite|react-scripts start|ng serve|ng s|astro (dev|preview)|next dev|nuxt (dev|preview)|vue-cli-service serve"
    r"|nest start|gatsby (develop|serve)|expo start|vinxi dev|react-router dev"
    r"|docusaurus (start|serve)|(@11ty/)?eleventy\b.*--serve|vitepress (dev|serve|preview)|hexo (server|s))\b"
)
_SERVERS = {"express": "express", "fastify": "fastify", "koa": "koa", "hono": "hono"}
UNBUNDLED = frozenset({"", "nest", *_SERVERS.values()})
"""Frameworks whose code imports its packages when it runs."""


def find(package: Package) -> Framework:
    """Return the framework of a package; one without a name when none is known. The most specific comes first."""
    packages = package.packages
    for name, recipe in _RECIPES:
        if name in packages:
            return recipe(package)
    server = next((title for name, title in _SERVERS.items() if name in packages), "")
    if server:
        return Framework(server)
    if "react-scripts" in packages:
        return Framework("create-react-app", static="build", single_page=True)
    if "@vue/cli-service" in packages:
        return Framework("vue-cli", static="dist", single_page=True)
    if "vite" in packages:
        root = _setting(package, "vite.config", "root")
        folder = _setting(package, "vite.config", "outDir", base=root) or posixpath.join(root, "dist")
        return Framework("vite", static=folder, single_page=True)
    return Framework("")


def _config(package: Package, stem: str) -> str:
    """Return a configuration file's code without comments. It is JavaScript, so only literal settings can be told."""
    path = package.source.first(*(package.at(stem + suffix) for suffix in CONFIG_SUFFIXES))
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", package.source.text(path), flags=re.DOTALL) if path else ""


def _setting(package: Package, stem: str, key: str, *, base: str = "") -> str:
    """Return a folder that a configuration names, relative to ``base``; empty when it is not there, or not below the package."""
    match = re.search(rf"\b{key}\s*:\s*[\"'`]([^\"'`$]+)[\"'`]", _config(package, stem))
    path = posixpath.normpath(posixpath.join(base, match[1])) if match else ""
    return "" if path.startswith(("/", "..")) else path


def _next(package: Package) -> Framework:
    """Next.js: only its standalone server is kept (nextjs.org/docs/app/api-reference/config/next-config-js/output)."""
    output, folder = _setting(package, "next.config", "output"), _setting(package, "next.config", "distDir")
    if output == "export":
        return Framework("next", static=folder or "out", cache=".next/cache")
    if package.folder or folder:
        return Framework("next", start="next start -H $HOST -p $PORT", cache=posixpath.join(folder or ".next", "cache"))
    copies = ["mkdir -p .next/standalone/.next", "cp -R .next/static .next/standalone/.next/"]
    if package.source.has_folder("public"):
        copies.append("cp -R public .next/standalone/")
    return Framework(
        "next",
        start="env HOSTNAME=$HOST node .next/standalone/server.js",
        keep=(".next/standalone",),
        after_build=tuple(copies),
        build_variables="" if output == "standalone" else "NEXT_PRIVATE_STANDALONE=true ",
        cache=".next/cache",
    )


def _astro(package: Package) -> Framework:
    if "@astrojs/node" in package.packages:
        return Framework("astro", start="node dist/server/entry.mjs")
    return Framework("astro", static=_setting(package, "astro.config", "outDir") or "dist")


def _svelte(package: Package) -> Framework:
    if "@sveltejs/adapter-static" in package.packages:
        pages = _setting(package, "svelte.config", "pages") or "build"
        page = _setting(package, "svelte.config", "fallback")
        is_single = page not in {"", "404.html"}  # svelte.dev/docs/kit/single-page-apps
        return Framework("sveltekit", static=pages, single_page=is_single, page=page or "index.html")
    if "@sveltejs/adapter-auto" in package.packages:
        # it chooses by the platform that it sees, and there is one for which it takes Node's server (kit.svelte.dev/docs/adapter-auto)
        return Framework("sveltekit", start="node build", build_variables="GCP_BUILDPACKS=1 ")
    return Framework("sveltekit", start="node build" if "@sveltejs/adapter-node" in package.packages else "")


def _remix(package: Package) -> Framework:
    """Remix: the classic compiler's server lies elsewhere than Vite's, and a single page needs none (v2.remix.run/docs/guides/spa-mode)."""
    if re.search(r"\bssr\s*:\s*false\b", _config(package, "vite.config")):
        return Framework("remix", static="build/client", single_page=True, build="remix vite:build")
    built = "build/index.js" if re.fullmatch(r"remix build.*", package.scripts.get("build", "")) else "build/server/index.js"
    return Framework("remix", start=f"remix-serve {built}" if "@remix-run/serve" in package.packages else "")


def _qwik(package: Package) -> Framework:
    """Qwik: which server it builds is chosen by adding one (qwik.dev/docs/deployments); its script to serve starts that."""
    if package.source.has_folder(package.at("adapters/static")):
        return Framework("qwik", static="dist")
    serve = package.scripts.get("serve", "")
    return Framework("qwik", start=serve if serve.startswith("node ") else "")


def _tanstack(package: Package) -> Framework:
    """TanStack Start without Nitro builds a handler, which srvx serves beside its files (tanstack.com/start, hosting, Node.js)."""
    built = _nitro("tanstack-start", package)
    if built.start:
        return built
    start = "srvx serve --prod --host $HOST --port $PORT -s ../client dist/server/server.js"
    return Framework(built.name, start=start, program="" if "srvx" in package.packages else "srvx@1")


def _react_router(package: Package) -> Framework:
    """React Router as a framework: pages alone where its configuration says so (reactrouter.com/how-to/spa)."""
    if re.search(r"\bssr\s*:\s*false\b", _config(package, "react-router.config")):
        return Framework("react-router", static="build/client", single_page=True, build="react-router build")
    return Framework("react-router", start="react-router-serve build/server/index.js" if "@react-router/serve" in package.packages else "")


def _nest(package: Package) -> Framework:
    """NestJS: what its build leaves is started, as the project itself says it for production."""
    built = package.scripts.get("start:prod", "") or "node dist/main.js"
    return Framework("nest", start=built if "build" in package.scripts else "")


def _nuxt(package: Package) -> Framework:
    if re.search(r"\bnuxi?t? generate\b", package.scripts.get("build", "")):
        return Framework("nuxt", static=".output/public")
    return Framework("nuxt", start="node .output/server/index.mjs", keep=(".output",))


def _nitro(name: str, package: Package) -> Framework:
    """What is built by Nitro or Vinxi leaves a server of its own behind."""
    is_whole = any(one in package.packages for one in ("vinxi", "nitro", "nitropack"))
    return Framework(name, start="node .output/server/index.mjs", keep=(".output",)) if is_whole else Framework(name)


def _angular(package: Package) -> Framework:
    projects = package.source.json(package.at("angular.json")).get("projects")
    listed = list(projects.items()) if isinstance(projects, dict) else []
    apps = [one for one in listed if isinstance(one[1], dict) and one[1].get("projectType", "application") == "application"]
    name, project = next(iter([*apps, *listed]), ("", {}))
    build = project.get("architect", {}).get("build", {}) if isinstance(project, dict) else {}
    output = build.get("options", {}).get("outputPath") or posixpath.join("dist", name)
    base = output.get("base", "dist") if isinstance(output, dict) else output
    if "@angular/ssr" in package.packages and build.get("options", {}).get("outputMode") != "static":
        return Framework("angular", start=f"node {posixpath.normpath(posixpath.join(base, 'server/server.mjs'))}", cache=ANGULAR_CACHE)
    browser = "browser" if str(build.get("builder", "")).endswith(":application") else ""
    return Framework("angular", static=posixpath.normpath(posixpath.join(base, browser)), single_page=True, cache=ANGULAR_CACHE)


def _eleventy(package: Package) -> Framework:
    """Eleventy: the folder is said in one of its configuration files, or by an option (11ty.dev/docs/config)."""
    said = re.search(r"--output[= ]([\w./-]+)", package.scripts.get("build", ""))
    configured = next((found for stem in (".eleventy", "eleventy.config") if (found := _setting(package, stem, "output"))), "")
    return Framework("eleventy", static=posixpath.normpath(said[1]) if said else configured or "_site", build="eleventy")


def _vitepress(package: Package) -> Framework:
    """VitePress: its folder lies where its configuration does, by custom in docs."""
    folder = next((one for one in ("", "docs") if package.source.has_folder(package.at(posixpath.join(one, ".vitepress")))), "docs")
    said = _setting(package, posixpath.join(folder, ".vitepress/config"), "outDir", base=folder)
    return Framework("vitepress", static=said or posixpath.join(folder, ".vitepress/dist"), build=f"vitepress build {folder}".strip())


def _hexo(package: Package) -> Framework:
    said = package.source.yaml(package.at("_config.yml")).get("public_dir")
    return Framework("hexo", static=static_site.folder(said, "public"), build="hexo generate")


_RECIPES = (
    ("@docusaurus/core", lambda _: Framework("docusaurus", static="build", build="docusaurus build")),
    ("vitepress", _vitepress),
    ("@11ty/eleventy", _eleventy),
    ("hexo", _hexo),
    ("next", _next),
    ("nuxt", _nuxt),
    ("@remix-run/serve", _remix),
    ("@remix-run/dev", _remix),
    ("@react-router/dev", _react_router),
    ("@react-router/serve", _react_router),
    ("@solidjs/start", lambda package: _nitro("solid-start", package)),
    ("@tanstack/react-start", _tanstack),
    ("@tanstack/solid-start", _tanstack),
    ("@builder.io/qwik-city", _qwik),
    ("@qwik.dev/router", _qwik),
    ("gatsby", lambda _: Framework("gatsby", static="public", build="gatsby build")),
    ("expo", lambda _: Framework("expo", static="dist", single_page=True, build="expo export --platform web")),
    ("@nestjs/core", _nest),
    ("@sveltejs/kit", _svelte),
    ("astro", _astro),
    ("@angular/core", _angular),
)
