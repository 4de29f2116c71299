"""Zig: one program. There is no official image; PyPI has the compiler of each release, for every machine."""

from __future__ import annotations

import re

from rw_daemon.detection import compiled
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.python_install import UV_CACHE
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Step

BUILD_FILE, MANIFEST, VERSION_FILE = "build.zig", "build.zig.zon", ".zigversion"
BASE = "python:3.13-slim"
OUTPUT = "zig-out/bin"
CACHE = Cache(id="zig", path="/root/.cache/zig", variable="ZIG_GLOBAL_CACHE_DIR")
LEFT_OUT = r"build\.zig(?:\.zon)?$|(?:zig-out|\.?zig-cache|tests?)/"
_COMMENT = re.compile(r"//[^\n]*")
_NAME = re.compile(r"addExecutable\s*\(\s*(?:\.\{[^;]*?\.name\s*=\s*)?\"([^\"]+)\"", re.DOTALL)
_LEAST = re.compile(r"\.minimum_zig_version\s*=\s*\"(\d+\.\d+\.\d+)")


class ZigBuildpack:
    """Detects build.zig."""

    name = "zig"
    recognises = "Zig: build.zig"
    looked_for = ("addExecutable in build.zig",)
    programs = frozenset({"zig"})

    def detect(self, source: Source) -> str | None:
        """Return the build file."""
        return source.first(BUILD_FILE)

    def plan(self, request: Request) -> BuildPlan:
        """Describe a build by the compiler of the version that is asked for: each one reads its own language."""
        source = request.source
        least = _LEAST.search(source.text(MANIFEST))
        own = [Wanted(source.text(VERSION_FILE).strip(), VERSION_FILE)]
        manifests = [Wanted(least[1], f"minimum_zig_version in {MANIFEST}")] if least else []
        version = choose("zig", source, own=own, manifests=manifests, variables=request.variables)
        code = _COMMENT.sub("", source.text(BUILD_FILE))
        name = next((one for one in _NAME.findall(code) if compiled.program(one)), "")
        # the machine that builds is not the one that runs: no instruction that only the first one knows
        portable = " -Dcpu=baseline" if "standardTargetOptions" in code else ""
        build = f"uv tool run --from 'ziglang=={version.version}' python-zig build -Doptimize=ReleaseSafe{portable}"
        plan = BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="zig",
            bases=Bases(build=BASE, run=compiled.RUN_BASE),
            steps=(Step(name="build", commands=(build,), inputs=(".",), caches=(UV_CACHE, CACHE), variables=("*",)),),
            tools={"uv": "", "python": ""},
            origins={"version": version.origin},
            warnings=version.notices,
        )
        path = f"{OUTPUT}/{name}" if name else ""
        return compiled.started(plan, source, path, place=f"addExecutable in {BUILD_FILE}", code=(".zig",), left_out=LEFT_OUT)
