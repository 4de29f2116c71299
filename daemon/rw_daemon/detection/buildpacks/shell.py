"""A folder that brings a start script and nothing else that is recognised, or a Procfile alone."""

from __future__ import annotations

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Origin, ServicePlan, Step

SCRIPTS = ("start.sh", "run.sh")
PROCFILE = "Procfile"


def start_script(source: Source, script: str) -> str:
    """Return the command that runs a script: with the shell that its first line names."""
    first = next(iter(source.text(script).splitlines()), "")
    return f"{'bash' if first.startswith('#!') and 'bash' in first else 'sh'} {script}"


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
        script = request.source.first(*SCRIPTS)
        start = start_script(request.source, script) if script else ""
        origins = {"start": Origin.model_validate({"value": start, "from": script})} if script else {}
        return BuildPlan(
            buildpack=self.name,
            bases=Bases(build="debian:trixie-slim", run="debian:trixie-slim"),
            steps=(Step(name="sources", commands=(), inputs=(".",)),),
            services=(ServicePlan(name="web", start=start),),
            origins=origins,
        )
