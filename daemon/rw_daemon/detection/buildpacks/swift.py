"""Swift packages: one program with the standard library in it. Vapor is told where to listen."""

from __future__ import annotations

import re

from rw_daemon.detection import compiled
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Packages, Step

MANIFEST, LOCK, VERSION_FILE = "Package.swift", "Package.resolved", ".swift-version"
SERVERS = ("Run", "App", "Server", "server")
BUILD = "swift build -c release --static-swift-stdlib"
CACHE = Cache(id="swiftpm", path="/root/.cache/org.swift.swiftpm")
VAPOR = "serve --env production --hostname $HOST --port $PORT"
LEFT_OUT = r"Package(?:@swift-[\d.]+)?\.(?:swift|resolved)$|(?:Tests|out)/"
# module → the Debian package of what it loads: it is in no program, though the standard library is
MODULES = {"FoundationNetworking": "libcurl4t64", "FoundationXML": "libxml2"}
_TOOLS = re.compile(r"//\s*swift-tools-version\s*:\s*(\d+(?:\.\d+)*)", re.IGNORECASE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+(\w+)", re.MULTILINE)
_NAMED = re.compile(r"\.(executable|executableTarget|target)\s*\(\s*name\s*:\s*\"([^\"]+)\"")


class SwiftBuildpack:
    """Detects Package.swift."""

    name = "swift"
    recognises = "Swift: Package.swift"
    looked_for = (".executable or .executableTarget in Package.swift", "a target with main.swift")
    programs = frozenset({"swift"})

    def detect(self, source: Source) -> str | None:
        """Return the manifest."""
        return source.first(MANIFEST)

    def plan(self, request: Request) -> BuildPlan:
        """Describe packages from the manifest, and the program."""
        source, text = request.source, request.source.text(MANIFEST)
        tools = _TOOLS.match(text.lstrip())
        least = [Wanted(f">={tools[1]}", f"swift-tools-version in {MANIFEST}")] if tools else []
        own = [Wanted(source.text(VERSION_FILE).strip(), VERSION_FILE)]
        version = choose("swift", source, own=own, manifests=least, variables=request.variables)
        name, is_vapor = _product(source), "vapor/vapor" in _COMMENT.sub("", text.replace("://", ":"))
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="swiftpm",
            framework="vapor" if is_vapor else "",
            bases=Bases(build=f"swift:{version.version}", run=compiled.RUN_BASE),
            steps=_steps(source, name),
            packages=Packages(runtime=("ca-certificates", "tzdata", *_loaded(source))),
            tools={"swift": version.allowed},
            origins={"version": version.origin},
            warnings=version.notices,
        )
        path = f"{compiled.OUTPUT}/{name}" if name else ""
        return compiled.started(
            plan, source, path, place=MANIFEST, code=(".swift",), left_out=LEFT_OUT, arguments=VAPOR if is_vapor else ""
        )


def _product(source: Source) -> str:
    """Return the program's name. The manifest is code of its own, so only names that stand there can be told."""
    named = _NAMED.findall(_COMMENT.sub("", source.text(MANIFEST).replace("://", ":")))
    products = [name for kind, name in named if kind == "executable"]
    targets = [name for kind, name in named if kind == "executableTarget"]
    mains = [name for kind, name in named if kind == "target" and source.has(f"Sources/{name}/main.swift")]
    found = [name for name in (*products, *targets, *mains) if compiled.program(name)]
    return next((name for name in SERVERS if name in found), next(iter(found), ""))


def _loaded(source: Source) -> list[str]:
    paths = [path for path in source.paths if path.startswith("Sources/") and path.endswith(".swift")]
    imported = {name for path in paths for name in _IMPORT.findall(source.text(path))}
    return [package for module, package in MODULES.items() if module in imported]


def _steps(source: Source, name: str) -> tuple[Step, ...]:
    manifests = tuple(path for path in (MANIFEST, LOCK) if source.has(path))
    commands = [BUILD + (f" --product {name}" if name else "")]
    commands += [f'mkdir -p {compiled.OUTPUT} && cp "$({BUILD} --show-bin-path)/{name}" {compiled.OUTPUT}/'] if name else []
    return (
        Step(name="install", commands=("swift package resolve",), inputs=manifests, caches=(CACHE,)),
        Step(name="build", commands=tuple(commands), inputs=(".",), caches=(CACHE,), variables=("*",)),
    )
