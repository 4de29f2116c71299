"""Haskell: one program, built by Stack or Cabal, dependencies from the manifests alone."""

from __future__ import annotations

import re

from rw_daemon.detection import compiled
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Packages, Step

STACK = Cache(id="stack", path="/root/.stack", variable="STACK_ROOT")
CABAL = Cache(id="cabal", path="/root/.cabal", variable="CABAL_DIR")
# the image's compiler where the resolver asks for that one, else Stack gets another
STACK_TOOL = "stack --system-ghc --install-ghc"
LEFT_OUT = r".*\.(?:cabal|lock)$|stack\.yaml$|package\.yaml$|cabal\.project.*|Setup\.hs$|(?:test|bench|dist-newstyle|out)/"
_EXECUTABLE = re.compile(r"^executable[ \t]+([\w.-]+)", re.MULTILINE | re.IGNORECASE)


class HaskellBuildpack:
    """Detects stack.yaml, cabal.project, package.yaml and NAME.cabal."""

    name = "haskell"
    recognises = "Haskell: stack.yaml, cabal.project or a .cabal file"
    looked_for = ("executables in package.yaml", "executable in the .cabal file")
    programs = frozenset({"stack", "cabal", "runghc", "runhaskell"})

    def detect(self, source: Source) -> str | None:
        """Return the file that says which tool builds."""
        return source.first("stack.yaml", "cabal.project", *_cabal_files(source))

    def plan(self, request: Request) -> BuildPlan:
        """Describe dependencies from the manifests, and the program."""
        source = request.source
        own = [Wanted(source.text(".ghc-version").strip(), ".ghc-version")]
        version = choose("haskell", source, own=own, manifests=[], variables=request.variables)
        tool = "stack" if source.has("stack.yaml") else "cabal"
        name, place = _executable(source)
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager=tool,
            bases=Bases(build=f"haskell:{version.version}-slim", run=compiled.RUN_BASE),
            steps=_stack(source) if tool == "stack" else _cabal(source, name),
            packages=Packages(runtime=("ca-certificates", "libgmp10")),
            tools={tool: ""},
            origins={"version": version.origin},
            warnings=version.notices,
        )
        path = f"{compiled.OUTPUT}/{name}" if name else ""
        return compiled.started(plan, source, path, place=place, code=(".hs", ".lhs", ".hsc"), left_out=LEFT_OUT)


def _cabal_files(source: Source) -> list[str]:
    return [path for path in source.paths if path.endswith(".cabal") and "/" not in path]


def _executable(source: Source) -> tuple[str, str]:
    """Return the program's name and the file that names it."""
    executables = source.yaml("package.yaml").get("executables")
    names = [(compiled.program(name), "package.yaml") for name in executables] if isinstance(executables, dict) else []
    names += [(compiled.program(name), path) for path in _cabal_files(source) for name in _EXECUTABLE.findall(source.text(path))]
    return next((one for one in names if one[0]), ("", ""))


def _manifests(source: Source) -> tuple[str, ...]:
    fixed = ("stack.yaml", "stack.yaml.lock", "package.yaml", "cabal.project", "cabal.project.freeze")
    nested = [path for path in source.paths if path.endswith((".cabal", "/package.yaml")) and "/" in path]
    return tuple(path for path in (*fixed, *_cabal_files(source), *nested) if source.has(path))


def _stack(source: Source) -> tuple[Step, ...]:
    build = f"{STACK_TOOL} build --copy-bins --local-bin-path {compiled.OUTPUT}"
    return (
        Step(name="install", commands=(f"{STACK_TOOL} build --only-dependencies",), inputs=_manifests(source), caches=(STACK,)),
        Step(name="build", commands=(build,), inputs=(".",), caches=(STACK,), variables=("*",)),
    )


def _cabal(source: Source, name: str) -> tuple[Step, ...]:
    copy = f"--install-method=copy --overwrite-policy=always --installdir={compiled.OUTPUT}"
    build = f"cabal install exe:{name} {copy}" if name else "cabal build all"
    return (
        Step(name="install", commands=("cabal update && cabal build --only-dependencies",), inputs=_manifests(source), caches=(CABAL,)),
        Step(name="build", commands=(build,), inputs=(".",), caches=(CABAL,), variables=("*",)),
    )
