"""A folder that brings a start script and nothing else that is recognised, or a Procfile alone."""

from __future__ import annotations

import posixpath
import shlex

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Origin, ServicePlan, Step
from rw_shared.errors import ConfigInvalidError

SCRIPTS = ("start.sh", "run.sh")
NAMED = ("RW_BUILD_SHELL_SCRIPT", "RAILPACK_SHELL_SCRIPT")
PROCFILE = "Procfile"


def start_script(source: Source, script: str) -> str:
    """Return the command that runs a script: with the shell that its first line names."""
    first = next(iter(source.text(script).splitlines()), "")
    return f"{'bash' if first.startswith('#!') and 'bash' in first else 'sh'} {shlex.quote(script)}"


def named(request: Request) -> str:
    """Return the variable that names the script; empty when none does."""
    return next((one for one in NAMED if request.variables.get(one, "").strip()), "")


def script_of(request: Request) -> str | None:
    """Return the script to run; ``None`` without one. ``ConfigInvalidError``: one is named and not there."""
    if not (place := named(request)):
        return request.source.first(*SCRIPTS)
    script = posixpath.normpath(request.variables[place].strip())
    if not request.source.has(script):
        raise ConfigInvalidError(place, f"{script} is not there.", hint="Correct the path.")
    return script


class ShellBuildpack:
    """Detects start.sh and run.sh."""

    name = "shell"
    recognises = "shell: start.sh, run.sh or a Procfile"
    looked_for = ("start.sh", "run.sh", "a Procfile")
    programs: frozenset[str] = frozenset()

    def detect(self, source: Source) -> str | None:
        """Return the script."""
        return source.first(*SCRIPTS, PROCFILE)

    def plan(self, request: Request) -> BuildPlan:
        """Describe an image that holds the folder and runs the script with sh."""
        script = script_of(request)
        start = start_script(request.source, script) if script else ""
        origins = {"start": Origin.model_validate({"value": start, "from": named(request) or script})} if script else {}
        return BuildPlan(
            buildpack=self.name,
            bases=Bases(build="debian:trixie-slim", run="debian:trixie-slim"),
            steps=(Step(name="sources", commands=(), inputs=(".",)),),
            services=(ServicePlan(name="web", start=start),),
            origins=origins,
        )
