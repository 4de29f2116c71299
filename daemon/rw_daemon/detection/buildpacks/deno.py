"""Deno: packages and compiled modules lie in the app's folder, so that a start downloads nothing."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Any

from rw_daemon.detection import scripts
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.package_json import NAME as PACKAGE
from rw_daemon.detection.package_json import Package
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Origin, ServicePlan, Step

MANIFESTS = ("deno.json", "deno.jsonc")
LOCK = "deno.lock"
SUFFIXES = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs")
ENTRIES = tuple(
    f"{folder}{stem}{suffix}" for stem in ("main", "server", "index", "app", "mod") for folder in ("", "src/") for suffix in SUFFIXES
)
FOREIGN = (PACKAGE, "requirements.txt", "pyproject.toml", "Pipfile", "go.mod", "Cargo.toml", "Gemfile", "composer.json", "mix.exs")
WORKSPACE_FILES = ("/deno.json", "/deno.jsonc", "/package.json")
CACHE_FOLDER = ".deno"
KEPT, KEPT_PATH = "RW_DENO_KEPT", "/root/.cache/deno"
# Deno's own cache would be every app's, and nothing in it says what is whose. So what an app's last build installed is kept, with the lines
# of its lock file: where each of them is there again, all of it is needed again, and only the rest has to be downloaded
_AT = f"kept=${{{KEPT}:-{KEPT_PATH}}}"
_LOCKED = f"tr -d , < {LOCK} | sort -u"
TAKE = f'{_AT}; mkdir -p {CACHE_FOLDER}; [ -n "$({_LOCKED} | comm -23 "$kept/lock" - 2>&1)" ] || cp -a "$kept/modules/." {CACHE_FOLDER}'
KEEP = f'{_AT}; rm -rf "$kept/lock" "$kept/modules" && cp -a {CACHE_FOLDER} "$kept/modules" && {_LOCKED} > "$kept/lock"'
ADDRESS = "env DENO_SERVE_ADDRESS=tcp:$HOST:$PORT "  # docs.deno.com/runtime/reference/env_variables
_IMPORTS = re.compile(r"""^[ \t]*(?:import|export)\b[^'";]*["'](?:https?://|jsr:|npm:)""", re.MULTILINE)
_CALLS = re.compile(r"(?<![\w.])Deno\.\w")
_SERVES = re.compile(r"(?<![\w.])Deno\.serve\s*\(")
_EXPORTS = re.compile(r"^export\s+default\s*\{[^;]*?\bfetch\b", re.MULTILINE)
_ALIAS = re.compile(r"deno\s+task\s+([\w:.-]+)")


@dataclass(frozen=True)
class Start:
    """What to run: ``entry`` is the module whose imports are fetched while building; empty where none can be told."""

    command: str = ""
    place: str = ""
    entry: str = ""


class DenoBuildpack:
    """Detects deno.json, and a Deno program without one."""

    name = "deno"
    recognises = "Deno: deno.json, deno.jsonc, or a main.ts that imports from URLs, jsr: or npm: or calls Deno"
    looked_for = ("tasks.start in deno.json", "main, server, index, app or mod with .ts, .tsx, .js, in the root or src/")
    programs = frozenset({"deno"})

    def detect(self, source: Source) -> str | None:
        """Return the manifest. Beside a package.json that says how to start, it is Deno's only with a start task of its own."""
        if manifest := source.first(*MANIFESTS):
            package = Package(source).scripts if source.has(PACKAGE) else {}
            return manifest if "start" in _tasks(source) or not {"start", "build"} & package.keys() else None
        if source.first(*FOREIGN):
            return None
        return next((path for path in ENTRIES if source.has(path) and _is_deno(source.text(path))), None)

    def plan(self, request: Request) -> BuildPlan:
        """Describe a cache filled from the manifests, and the program's own imports on top."""
        source = request.source
        own = [Wanted(source.text(".deno-version").strip(), ".deno-version"), Wanted(source.text(".dvmrc").strip(), ".dvmrc")]
        version = choose("deno", source, own=own, manifests=[], variables=request.variables)
        start = _start(source)
        base = f"denoland/deno:debian-{version.version}"
        origins = {"start": Origin.model_validate({"value": start.command, "from": start.place})} if start.command else {}
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="deno",
            framework="fresh" if _is_fresh(source) else "",
            bases=Bases(build=base, run=base),
            steps=_steps(source, start, is_first=version.version == "1"),
            services=(ServicePlan(name="web", start=start.command),),
            tools={"deno": version.allowed},
            environment={"DENO_DIR": CACHE_FOLDER, "DENO_NO_UPDATE_CHECK": "1"},
            origins={"version": version.origin, **origins},
            warnings=version.notices,
        )


def _is_deno(text: str) -> bool:
    return bool(_IMPORTS.search(text) or _CALLS.search(text))


def _manifest(source: Source) -> dict[str, Any]:
    return source.jsonc(source.first(*MANIFESTS) or MANIFESTS[0])


def _tasks(source: Source) -> dict[str, str]:
    """Return task name → command, whether it is written as text or as an object."""
    table = _manifest(source).get("tasks")
    said = {name: one.get("command") if isinstance(one, dict) else one for name, one in table.items()} if isinstance(table, dict) else {}
    return {name: one.strip() for name, one in said.items() if isinstance(one, str) and one.strip()}


def _is_fresh(source: Source) -> bool:
    imports = _manifest(source).get("imports") or source.jsonc(_import_map(source)).get("imports")
    return isinstance(imports, dict) and bool({"$fresh/", "fresh", "@fresh/core"} & imports.keys())


def _import_map(source: Source) -> str:
    """Return the file that holds the imports; empty where they stand in the manifest."""
    path = _manifest(source).get("importMap")
    path = posixpath.normpath(path) if isinstance(path, str) else ""
    return path if source.has(path) else ""


def _start(source: Source) -> Start:
    """Return the start task's own command, for a task runner in front would keep SIGTERM; else the first program that is found."""
    tasks, manifest = _tasks(source), source.first(*MANIFESTS)
    task, seen = "start", set[str]()
    while (alias := _ALIAS.fullmatch(tasks.get(task, ""))) and alias[1] in tasks and task not in seen:
        seen.add(task)
        task = alias[1]
    words = tasks.get(task, "").split()
    if _is_fresh(source) and (not words or {"dev.ts", "./dev.ts"} & set(words)):  # Fresh's start task of old is its development server
        task = "preview" if "preview" in tasks else ""
        words = tasks.get(task, "").split()
    if words:
        named = next((word.removeprefix("./") for word in words if word.endswith(SUFFIXES)), "")
        entry = named if source.has(named) else source.first(*ENTRIES) or ""
        told = ADDRESS if _takes_any_port(source, words, source.text(named)) else ""
        return Start(told + scripts.plain(tasks[task]).removeprefix("env " if told else ""), f"tasks.{task} in {manifest}", entry)
    entry = source.first(*ENTRIES) or ""
    return Start(_program(source, entry), entry, entry) if entry else Start()


def _takes_any_port(source: Source, words: list[str], text: str) -> bool:
    """Return whether a task's program serves where Deno says, which is port 8000 unless it is told another: it reads no port itself."""
    serves = bool(_SERVES.search(text)) or words[:2] == ["deno", "serve"] or _is_fresh(source)
    return serves and "PORT" not in text and not any(word.startswith("--port") for word in words)


def _program(source: Source, path: str) -> str:
    """Return the command that runs a module, and tells it where to listen when it does not read the port."""
    text = source.text(path)
    if _EXPORTS.search(text) and not _SERVES.search(text):
        return f"deno serve --allow-all --host $HOST --port $PORT {shlex.quote(path)}"
    run = f"deno run --allow-all {shlex.quote(path)}"
    return ADDRESS + run if _takes_any_port(source, [], text) else run


def _kept(source: Source) -> Cache:
    """Return the folder for what the last build installed: one for each app that has a name."""
    names = [_manifest(source).get("name"), Package(source).text("name") if source.has(PACKAGE) else ""]
    name = next((one for one in names if isinstance(one, str) and one), "")
    return Cache(id=re.sub(r"[^a-z0-9]+", "-", f"deno-{name}".lower()).strip("-"), path=KEPT_PATH, variable=KEPT, locked=True)


def _steps(source: Source, start: Start, *, is_first: bool) -> tuple[Step, ...]:
    """The lock file and the import map name most of what is fetched; modules that only code names come with the sources.

    :param is_first: Deno 1, whose ``install`` does something else.
    """
    frozen = " --frozen" if source.has(LOCK) and not is_first else ""
    is_workspace = "workspace" in _manifest(source)
    members = [path for path in source.paths if is_workspace and path.endswith(WORKSPACE_FILES) and "node_modules/" not in path]
    manifests = [path for path in (*MANIFESTS, LOCK, _import_map(source), PACKAGE, ".npmrc") if source.has(path)]
    install = Step(name="install", commands=(f"deno install{frozen}",), inputs=(*manifests, *members))
    if frozen:
        install = install.model_copy(update={"commands": (TAKE, *install.commands, KEEP), "caches": (_kept(source),)})
    commands = [f"deno cache{frozen} {shlex.quote(start.entry)}"] if start.entry else []
    commands += ["deno task build"] if "build" in _tasks(source) else []
    build = Step(name="build", commands=tuple(commands), inputs=(".",), variables=("*",) if "build" in _tasks(source) else ())
    return (build,) if is_first or not manifests else (install, build)
