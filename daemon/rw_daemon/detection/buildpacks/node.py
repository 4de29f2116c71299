"""Node and Bun projects: servers, and single pages that are built once and served by Caddy."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import replace

from rw_daemon.detection import (
    browsers,
    node_apps,
    node_assets,
    node_frameworks,
    node_imports,
    node_managers,
    node_nx,
    node_runtime,
    node_scripts,
    node_tasks,
    node_workspaces,
    overrides,
    procfile,
    scripts,
    static_site,
    system_packages,
)
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.node_apps import Choice
from rw_daemon.detection.node_frameworks import Framework
from rw_daemon.detection.node_managers import Manager
from rw_daemon.detection.node_tasks import Recipe
from rw_daemon.detection.package_json import JSON5, NAME, Package
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Origin, ServicePlan, Step
from rw_shared.errors import ConfigInvalidError

NO = ("", "0", "false")
BIN = "node_modules/.bin"
PAGES = ("RW_BUILD_SPA_OUTPUT_DIR", "RAILPACK_SPA_OUTPUT_DIR", "NIXPACKS_SPA_OUT_DIR")
NO_PAGES = ("RW_BUILD_NO_SPA", "RAILPACK_NO_SPA")
SERVES_PAGES = "NIXPACKS_SPA_CADDY"  # its no is their yes
ENTRIES = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "src/server.js", "src/index.js")
BUN_STEMS = ("index", "server", "app", "main", "src/index", "src/server")
BUN_ENTRIES = tuple(stem + suffix for stem in BUN_STEMS for suffix in (".ts", ".tsx", ".js"))
INSTALL_FILES = (".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", node_workspaces.PNPM, "bunfig.toml")
INSTALL_FOLDERS = (".yarn/releases/", ".yarn/plugins/", ".yarn/patches/", "patches/", "prisma/")
REGISTRY_VARIABLES = ("NPM_TOKEN", "NODE_AUTH_TOKEN", "NPM_CONFIG_REGISTRY")
NEXT_START = re.compile(r"(?:npx )?next start\b")


class NodeBuildpack:
    """Detects package.json."""

    name = "node"
    recognises = "Node: package.json"
    looked_for = ("scripts.start in package.json", "main in package.json", *ENTRIES)
    programs = frozenset({"node", "npm", "npx", "pnpm", "yarn", "bun", "bunx", "tsx", "ts-node", "next", "nest", "serve"})

    def detect(self, source: Source) -> str | None:
        """Return package.json, or the package.json5 that only pnpm reads."""
        return source.first(NAME, JSON5)

    def plan(self, request: Request) -> BuildPlan:
        """Describe install, build, and a server or a folder of pages."""
        root = Package(request.source)
        choice = _app(request, root)
        package = choice.package
        recipe = node_tasks.find(root, package, node_managers.find(root), request.variables)
        framework, pages_place = _served(_built_by(recipe, node_frameworks.find(package), package), request)
        start, place = _start(package, framework, node_managers.find(root))
        own = recipe.start or _in_folder(start, package.folder)
        is_static = bool(pages_place) or (bool(framework.static) and _builds(package, framework) and not _own_server(package, framework))
        found = static_site.START if is_static else own
        main = node_scripts.main(request, root, found)
        written = node_scripts.others(request, root, found)
        if is_static and not pages_place and main != found and not main.startswith("caddy "):
            framework, is_static = replace(framework, static=""), False  # what runs is a server, whatever was built
        if written or recipe.start or start != framework.start:  # what these need is not known
            framework = replace(framework, keep=())
        runtime = node_runtime.find(root, node_managers.find(root), main, request.variables)
        version, manager = runtime.version, runtime.manager
        called = manager.name in {word for one in written for word in one.split()} - {"npm", runtime.name}
        added = framework.program if main == found else ""
        programs = [one for one in (node_assets.package_of(manager) if called else "", added) if one]
        names = {**root.packages, **package.packages}
        packages, asked = system_packages.find(system_packages.NODE, () if is_static else names)
        prunes = _prunes(root, package, framework, " ".join((own, *written)))
        steps = _steps(root, package, manager, framework, recipe, prunes=prunes, keeps_all=not is_static)
        plan = BuildPlan(
            buildpack=runtime.name,
            version=version.version,
            package_manager=manager.name,
            framework=framework.name,
            bases=Bases(build=runtime.image, run=runtime.image),
            steps=(Step(name="programs", commands=(node_assets.brought(*programs),)), *steps) if programs else steps,
            packages=packages,
            services=(ServicePlan(name="web", start=own),),
            toolchains=(node_runtime.BUN_PROGRAM,) if runtime.borrows_bun else (),
            tools=runtime.tools,
            environment={"NODE_ENV": "production", **({"YARN_NODE_LINKER": "node-modules"} if manager.is_berry else {})},
            path=tuple(dict.fromkeys((package.at(BIN), BIN, *((f"{node_assets.PROGRAMS}/{BIN}",) if programs else ())))),
            keep=framework.keep or (".",),
            origins={
                "version": version.origin,
                "packageManager": _origin(manager.name, manager.source),
                **({"start": _origin(own, recipe.place if recipe.start else place)} if own else {}),
                **({"app": _origin(package.folder, choice.place)} if choice.place else {}),
                **system_packages.origins(packages, asked, NAME),
            },
            left_out=_left_out(root, choice),
            apps=choice.apps if len(choice.apps) > 1 else (),
            warnings=(*version.notices, *choice.notices, *_added(framework, added)),
        )
        if not is_static:
            return browsers.find(names, request.variables).within(plan)
        pages = posixpath.normpath(package.at(framework.static))
        pages_place = pages_place or f"{framework.name} builds {pages}"
        return static_site.served(plan, request.source, pages, place=pages_place, single_page=framework.single_page, page=framework.page)


def _added(framework: Framework, program: str) -> tuple[Notice, ...]:
    if not program:
        return ()
    name = program.rpartition("@")[0]
    words = f"No server for {framework.name} is among the packages, so {name} is installed beside them."
    return (Notice(code="SERVER_ADDED", message=words, fix=f"Add {name} to dependencies to choose its version."),)


def _served(framework: Framework, request: Request) -> tuple[Framework, str]:
    """Return the framework as the user wants it: a folder of pages that he names (with the name's place), or its server in any case.

    ``ConfigInvalidError``: no folder of the app can be called so.
    """
    if name := next((one for one in PAGES if request.variables.get(one, "").strip()), ""):
        said = request.variables[name].strip()
        if not (folder := static_site.folder(said, "")):
            raise ConfigInvalidError(name, f"a folder below the app's was expected, {said[:60]!r} was found.")
        return replace(framework, static=folder, single_page=True, start="", keep=(), after_build=()), name
    said_no = {one: request.variables.get(one, "").strip().lower() for one in (*NO_PAGES, SERVES_PAGES)}
    if any(said_no[one] not in NO for one in NO_PAGES) or said_no[SERVES_PAGES] in NO[1:]:
        return replace(framework, static="", single_page=False), ""
    return framework, ""


def _origin(value: str, source: str) -> Origin:
    return Origin.model_validate({"value": value, "from": source})


def _left_out(root: Package, choice: Choice) -> tuple[str, ...]:
    """Return the folders of other apps, where it is known for sure what the chosen one needs: Nx reads all projects."""
    if not choice.package.folder or node_nx.is_used(root) or _needs_all(root):
        return ()
    return node_workspaces.unneeded(root.source, choice.package, [one.path for one in choice.apps])


def _needs_all(root: Package) -> bool:
    return any(one.needs_sources_to_install for one in (root, *node_workspaces.members(root.source)))


def _built_by(recipe: Recipe, framework: Framework, package: Package) -> Framework:
    """Return the framework with the folder of pages that a task runner's configuration names."""
    if not recipe.pages:
        return framework
    return replace(framework, static=posixpath.relpath(recipe.pages, package.folder), single_page=True, build=framework.build or "true")


def _app(request: Request, root: Package) -> Choice:
    """Return the package to build and run: the root, or an app of its workspace."""
    manager, framework = node_managers.find(root), node_frameworks.find(root)

    def runs(package: Package) -> bool:
        return _runs(package) or node_tasks.starts(root, package, request.variables)

    is_said = bool(overrides.start_said(request, procfile.read(request.source)))
    root_runs = bool(_start(root, framework, manager)[0] or framework.static)
    return node_apps.choose(root, request.variables, runs=runs, root_runs=root_runs, is_said=is_said)


def _runs(package: Package) -> bool:
    framework = node_frameworks.find(package)
    return "start" in package.scripts or bool(framework.start) or (bool(framework.static) and _builds(package, framework))


def _builds(package: Package, framework: Framework) -> bool:
    return "build" in package.scripts or bool(framework.build)


def _own_server(package: Package, framework: Framework) -> bool:
    """Return whether the start script is a server of the user's own and not a tool's for developing, or one that has no part in pages."""
    script = node_scripts.command(package, "start")
    return bool(script) and not node_frameworks.DEV_SERVERS.match(script) and not (framework.name == "next" and NEXT_START.match(script))


def _start(package: Package, framework: Framework, manager: Manager) -> tuple[str, str]:
    """Return the command and its place. It is the script's own command: ``npm start`` in front of it would keep SIGTERM to itself."""
    script = node_scripts.command(package, "start")
    if framework.start and (not script or NEXT_START.fullmatch(script) or node_frameworks.DEV_SERVERS.match(script)):
        return framework.start, f"{framework.name} in {package.at(NAME)}"
    if script and not (framework.static and node_frameworks.DEV_SERVERS.match(script)):
        before = package.scripts.get("prestart")
        return scripts.plain(f"{before} && exec {script}" if before else script), f"scripts.start in {package.at(NAME)}"
    is_buns = manager.name == node_runtime.BUN
    for path, place in _entries(package, is_buns=is_buns):
        if package.source.has(package.at(path)):
            return f"{'bun run' if is_buns else 'node'} {shlex.quote(path)}", place
    return "", ""


def _entries(package: Package, *, is_buns: bool) -> list[tuple[str, str]]:
    """Return the files that may be the program, and what names them. Bun runs TypeScript as it is, and calls its entry ``module``."""
    found = []
    for key in ("main", "module") if is_buns else ("main",):
        if path := package.text(key):
            path = posixpath.normpath(path)
            found += [(path, f"{key} in {package.at(NAME)}"), (f"{path}.js", f"{key} in {package.at(NAME)}")]
    return [*found, *((one, one) for one in (BUN_ENTRIES if is_buns else ENTRIES))]


def _in_folder(start: str, folder: str) -> str:
    return f"sh -c {shlex.quote(f'cd {shlex.quote(folder)} && exec {start}')}" if start and folder else start


def _prunes(root: Package, package: Package, framework: Framework, start: str) -> bool:
    """Return whether packages for development may go: the start command names none of them, and code that is not bundled needs none."""
    development = {**root.development, **package.development}
    words = {word.rpartition("/")[2] for word in re.split(r"[\s'\"]+", start)}
    if words & {*development, *(name.rpartition("/")[2] for name in development)}:
        return False
    return framework.name not in node_frameworks.UNBUNDLED or not node_imports.imported(package, development)


def _steps(
    root: Package, package: Package, manager: Manager, framework: Framework, recipe: Recipe, *, prunes: bool, keeps_all: bool
) -> tuple[Step, ...]:
    by_default = "" if keeps_all else framework.build
    builder = package if by_default or "build" in package.scripts else root
    builds = by_default or recipe.build or "build" in builder.scripts
    install = Step(
        name="install",
        commands=(manager.install(development=bool(builds) or not prunes),),
        inputs=(".",) if _needs_all(root) else _manifests(root, manager),
        caches=manager.caches,
        variables=REGISTRY_VARIABLES,
    )
    if not builds:
        return (install, Step(name="sources", commands=(), inputs=(".",)))
    alone = f"cd {builder.folder} && {by_default}" if builder.folder else by_default
    commands = list(recipe.build) or [manager.run("build", builder.folder) if "build" in builder.scripts else alone]
    if framework.build_variables:
        commands[-1] = _with_variables(framework.build_variables, commands[-1])
    commands += framework.after_build
    if not framework.keep and keeps_all and prunes and (root.development or package.development) and manager.prune():
        commands.append(manager.prune())
    caches = (*manager.caches, *_build_caches(package, framework))
    return (install, Step(name="build", commands=tuple(commands), inputs=(".",), caches=caches, variables=("*",)))


def _with_variables(said: str, command: str) -> str:
    """Return a command with variables in front of the program that it runs, which may come after a change of folder."""
    folder, found, program = command.rpartition(" && ")
    return f"{folder}{found}{said}{program}"


def _build_caches(package: Package, framework: Framework) -> tuple[Cache, ...]:
    """Return the folder that a framework's builds share, one for each app: none where a script clears folders, which a mount refuses."""
    if not framework.cache or any(overrides.CLEARS.search(package.scripts.get(one, "")) for one in ("prebuild", "build")):
        return ()
    name = re.sub(r"[^a-z0-9]+", "-", (package.text("name") or package.folder).lower()).strip("-")
    return (Cache(id="-".join(filter(None, (framework.name, name))), path=package.at(framework.cache)),)


def _manifests(root: Package, manager: Manager) -> tuple[str, ...]:
    source = root.source
    files = [one for one in (manager.lock, *INSTALL_FILES) if one and source.has(one)]
    folders = [one for one in INSTALL_FOLDERS if source.has_folder(one)]
    local = [one for package in (root, *node_workspaces.members(source)) for one in package.local]
    return (source.first(NAME, JSON5) or NAME, *files, *folders, *node_workspaces.manifests(source), *dict.fromkeys(local))
