"""COBOL: one program, compiled by GnuCOBOL."""

from __future__ import annotations

import posixpath
import shlex

from rw_daemon.detection import compiled
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Packages, Step

ENDINGS = (".cbl", ".cob")
FOLDERS = ("", "src/")
NAMES = ("RW_BUILD_COBOL_APP_NAME", "NIXPACKS_COBOL_APP_NAME")
ARGUMENTS = ("RW_BUILD_COBOL_COMPILE_ARGS", "NIXPACKS_COBOL_COMPILE_ARGS")
DEFAULT_ARGUMENTS = "-x -o"
LEFT_OUT = r"out/"


class CobolBuildpack:
    """Detects COBOL sources in the root or src/."""

    name = "cobol"
    recognises = "COBOL: a .cbl or .cob file in the root or src/"
    looked_for = ("index.cbl in the root or src/",)
    programs = frozenset({"cobcrun"})

    def detect(self, source: Source) -> str | None:
        """Return index.cbl, else the first source."""
        return _program(source, "index") or next((path for path in source.paths if _is_program(path)), None)

    def plan(self, request: Request) -> BuildPlan:
        """Describe the build of the named program. Its arguments end in ``-o``, for the program's name comes behind them."""
        source = request.source
        name, place = next(((request.variables[one], one) for one in NAMES if request.variables.get(one)), ("", ""))
        path = (_program(source, name) if compiled.program(name) else None) or self.detect(source) or ""
        stem = posixpath.splitext(posixpath.basename(path))[0]
        said = next((request.variables[one] for one in ARGUMENTS if request.variables.get(one)), DEFAULT_ARGUMENTS)
        arguments = " ".join(shlex.quote(word) for word in said.split())
        output = f"{compiled.OUTPUT}/{stem}"
        build = f"mkdir -p {compiled.OUTPUT} && cobc {arguments} {shlex.quote(output)} {shlex.quote(path)}"
        plan = BuildPlan(
            buildpack=self.name,
            bases=Bases(build=compiled.RUN_BASE, run=compiled.RUN_BASE),
            steps=(Step(name="build", commands=(build,), inputs=(".",)),),
            packages=Packages(build=("gnucobol3",), runtime=("libcob4t64",)),
            tools={"cobc": ""},
        )
        where = place if stem == name else path
        return compiled.started(plan, source, output, place=where, code=(*ENDINGS, ".cpy"), left_out=LEFT_OUT)


def _program(source: Source, name: str) -> str | None:
    return source.first(*(f"{folder}{name}{ending}" for folder in FOLDERS for ending in ENDINGS))


def _is_program(path: str) -> bool:
    return path.endswith(ENDINGS) and posixpath.dirname(path) in {"", "src"}
