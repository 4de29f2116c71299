"""Go modules: one static binary and the files that it may read."""

from __future__ import annotations

import posixpath
import re

from rw_daemon.detection import go_work
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.kept_files import kept_files
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, Beat, BuildPlan, Cache, Notice, Origin, Packages, ServicePlan, Step

RUN_BASE = "debian:trixie-slim"
OVERRIDES = ("RW_BUILD_GO_BIN", "NIXPACKS_GO_BIN", "RAILPACK_GO_BIN")
MODULES = ("go.mod", "go.work")
SERVERS = ("server", "web", "api", "app", "main")
BINARY = "bin/server"
CACHES = (
    Cache(id="go-modules", path="/root/go/pkg/mod", variable="GOMODCACHE"),
    Cache(id="go-build", path="/root/.cache/go-build", variable="GOCACHE"),
)
_MAIN = re.compile(r"^package\s+main\s*(?:$|//|/\*)", re.MULTILINE)
_FUNCTION = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_LINE = re.compile(r"^(go|toolchain)\s+(?:go)?(\d+(?:\.\d+)*)", re.MULTILINE)
_NOT_READ = r"vendor/|(?:.*/)?(?:testdata/|go\.(?:mod|sum|work|work\.sum)$)"


class GoBuildpack:
    """Detects go.mod, go.work, and a program without a module."""

    name = "go"
    recognises = "Go: go.mod, with package main in the root or below cmd/; main.go alone"
    looked_for = ("package main in the root folder", "package main below cmd/")
    programs = frozenset({"go"})

    def detect(self, source: Source) -> str | None:
        """Return the module's file, the workspace's, or the program."""
        return source.first(*MODULES, "main.go")

    def plan(self, request: Request) -> BuildPlan:
        """Describe the build of one command."""
        source = request.source
        version = choose("go", source, own=[], manifests=_wanted(source), variables=request.variables)
        package, origin, notices = _package(request)
        start = f"./{BINARY}" if package is not None else ""
        origins = {"version": version.origin} | ({"start": origin} if origin else {})
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="go",
            framework=_framework(source),
            bases=Bases(build=f"golang:{version.version}", run=RUN_BASE),
            steps=_steps(source, package),
            packages=Packages(runtime=("ca-certificates",)),
            services=(ServicePlan(name="web", start=start),),
            tools={"go": version.allowed},
            environment={"CGO_ENABLED": "0"},
            keep=(BINARY, *kept_files(source, code=(".go",), left_out=_NOT_READ)),
            origins=origins,
            warnings=(*version.notices, *notices),
        )


def _wanted(source: Source) -> list[Wanted]:
    """Return what the module says: both lines name the oldest Go that will do (go.dev/doc/toolchain)."""
    path = source.first(*MODULES) or "go.mod"
    said = dict(_LINE.findall(source.text(path)))
    return [Wanted(f">={said[word]}", f"{word} in {path}") for word in ("toolchain", "go") if word in said]


def _mains(source: Source) -> list[str]:
    """Return the folders that hold a command, the root first, then by name."""
    found = set()
    for path in source.paths:
        if path.endswith(".go") and not path.endswith("_test.go") and not re.search(r"(^|/)(vendor|testdata|examples?|[._][^/]*)/", path):
            text = source.text(path)
            if _MAIN.search(text) and _FUNCTION.search(text) and "//go:build ignore" not in text:
                found.add(posixpath.dirname(path))
    return sorted(found)


def _package(request: Request) -> tuple[str | None, Origin | None, tuple[Notice, ...]]:
    """Return the folder of the command to build, where that comes from, and a warning when another could be meant."""
    mains = _mains(request.source)
    module = next(((request.variables[name].strip("/"), name) for name in go_work.MODULES if request.variables.get(name)), None)
    if module:
        mains = [one for one in mains if f"{one}/".startswith(f"{module[0]}/")]
    said = next(((request.variables[name], name) for name in OVERRIDES if request.variables.get(name)), None)
    if said:
        wanted = said[0].removeprefix("./").strip("/")
        chosen = next((one for one in mains if one == wanted or posixpath.basename(one) == wanted), None)
        if chosen is not None:
            return chosen, _origin(chosen, said[1], mains), ()
    if not mains:
        return None, None, ()
    top = module[0] if module else ""
    commands = [one for one in mains if one.startswith(posixpath.join(top, "cmd/"))] or mains
    chosen = top if top in mains else next((one for name in SERVERS for one in commands if posixpath.basename(one) == name), commands[0])
    guessed = len(commands) > 1 and chosen != top and posixpath.basename(chosen) not in SERVERS
    notice = Notice(
        code="SEVERAL_COMMANDS",
        message=f"{len(commands)} commands were found ({', '.join(commands)}); {chosen} is built.",
        fix=f"Set {OVERRIDES[0]} to the one that is meant.",
    )
    return chosen, _origin(chosen, f"package main in {chosen or 'the root'}", mains), (notice,) if guessed else ()


def _origin(chosen: str, place: str, mains: list[str]) -> Origin:
    beat = [
        Beat.model_validate({"value": other or ".", "from": f"package main in {other or 'the root'}"}) for other in mains if other != chosen
    ]
    return Origin.model_validate({"value": f"./{BINARY}", "from": place, "beat": beat})


def _steps(source: Source, package: str | None) -> tuple[Step, ...]:
    target = _quoted("./" + package if package else ".") if source.first(*MODULES) else _loose(source)
    build = f'go build -trimpath -ldflags="-s -w" -o {BINARY} {target}'
    step = Step(name="build", commands=(build,), inputs=(".",), caches=CACHES)
    if source.has("vendor/modules.txt") or source.first(*MODULES) is None:
        return (step,)
    manifests = [path for path in source.paths if posixpath.basename(path) in {"go.mod", "go.sum", "go.work", "go.work.sum"}]
    return (Step(name="install", commands=("go mod download",), inputs=tuple(manifests), caches=CACHES), step)


def _loose(source: Source) -> str:
    """Return the files of a program in the root that has no module: without one Go builds files by name alone."""
    files = [path for path in source.paths if path.endswith(".go") and "/" not in path and not path.endswith("_test.go")]
    return " ".join(map(_quoted, files))


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w./-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def _framework(source: Source) -> str:
    modules = {"github.com/gin-gonic/gin": "gin", "github.com/labstack/echo": "echo", "github.com/gofiber/fiber": "fiber"}
    required = re.findall(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+v\d", source.text("go.mod"), re.MULTILINE)
    return next((name for module, name in modules.items() for one in required if one == module or one.startswith(module + "/")), "")
