"""Dart: one program, compiled ahead of time."""

from __future__ import annotations

import posixpath
import shlex

from rw_daemon.detection import compiled
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Packages, Step

MANIFEST, LOCK = "pubspec.yaml", "pubspec.lock"
CACHE = Cache(id="dart-pub", path="/root/.pub-cache", variable="PUB_CACHE")
LEFT_OUT = r"pubspec\.(?:yaml|lock)$|analysis_options\.yaml$|(?:test|tool|build|out)/"


class DartBuildpack:
    """Detects pubspec.yaml."""

    name = "dart"
    recognises = "Dart: pubspec.yaml"
    looked_for = ("bin/server.dart, bin/main.dart, or the package's own name, below bin/",)
    programs = frozenset({"dart"})

    def detect(self, source: Source) -> str | None:
        """Return the manifest of a project that Dart alone can build: Flutter's need another toolchain."""
        dependencies = source.yaml(MANIFEST).get("dependencies") if source.has(MANIFEST) else None
        is_flutter = isinstance(dependencies, dict) and "flutter" in dependencies
        return source.first(MANIFEST) if not is_flutter else None

    def plan(self, request: Request) -> BuildPlan:
        """Describe packages from the manifest, and the program."""
        source, manifest = request.source, request.source.yaml(MANIFEST)
        environment = manifest.get("environment")
        wanted = str(environment.get("sdk", "")) if isinstance(environment, dict) else ""
        version = choose("dart", source, own=[], manifests=[Wanted(wanted, f"sdk in {MANIFEST}")], variables=request.variables)
        entry = _entry(source, compiled.program(manifest.get("name")))
        output = f"{compiled.OUTPUT}/{posixpath.basename(entry).removesuffix('.dart')}" if entry else ""
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="pub",
            bases=Bases(build=f"dart:{version.version}", run=compiled.RUN_BASE),
            steps=_steps(source, entry, output),
            packages=Packages(runtime=("ca-certificates",)),
            tools={"dart": version.allowed},
            origins={"version": version.origin},
            warnings=version.notices,
        )
        return compiled.started(plan, source, output, place=entry, code=(".dart",), left_out=LEFT_OUT)


def _entry(source: Source, name: str) -> str:
    """Return the program's file: one that is called like a server, the package's own, the only one."""
    known = source.first("bin/server.dart", *((f"bin/{name}.dart",) if name else ()), "bin/main.dart")
    return known or next((path for path in source.paths if posixpath.dirname(path) == "bin" and path.endswith(".dart")), "")


def _steps(source: Source, entry: str, output: str) -> tuple[Step, ...]:
    """Packages lie in the cache, so the build asks for them again: where they are there nothing is downloaded."""
    get = "dart pub get" + (" --enforce-lockfile" if source.has(LOCK) else "")
    dependencies = source.yaml(MANIFEST).get("dev_dependencies")
    generates = isinstance(dependencies, dict) and "build_runner" in dependencies
    generate = ["dart run build_runner build --delete-conflicting-outputs"] if generates else []
    build = [f"mkdir -p {compiled.OUTPUT} && dart compile exe {shlex.quote(entry)} -o {shlex.quote(output)}"] if entry else []
    manifests = tuple(path for path in (MANIFEST, LOCK) if source.has(path))
    return (
        Step(name="install", commands=(get,), inputs=manifests, caches=(CACHE,)),
        Step(name="build", commands=(" && ".join([get, *generate, *build]),), inputs=(".",), caches=(CACHE,), variables=("*",)),
    )
