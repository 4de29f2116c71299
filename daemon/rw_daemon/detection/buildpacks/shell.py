"""A folder that brings a start script and nothing else that is recognised, or a Procfile alone."""

from __future__ import annotations

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Bases, BuildPlan, Origin, ServicePlan, Step

SCRIPTS = ("start.sh", "run.sh")
PROCFILE = "Procfile"


class ShellBuildpack:
    """Detects start.sh and run.sh."""

    name = "shell"
    recognises = "shell: start.sh, run.sh or a Procfile"
    looked_for = ("start.sh", "run.sh", "a Procfile")

    def detect(self, source: Source) -> str | None:
        """Return the script."""
        return source.first(*SCRIPTS, PROCFILE)

    def plan(self, request: Request) -> BuildPlan:
        """Describe an image that holds the folder and runs the script with sh."""
        script = request.source.first(*SCRIPTS)
        first = request.source.text(script).splitlines()[:1] if script else []
        shell = "bash" if first and "bash" in first[0] else "sh"
        start = f"{shell} {script}" if script else ""
        origins = {"start": Origin.model_validate({"value": start, "from": script})} if script else {}
        return BuildPlan(
            buildpack=self.name,
            bases=Bases(build="debian:trixie-slim", run="debian:trixie-slim"),
            steps=(Step(name="sources", commands=(), inputs=(".",)),),
            services=(ServicePlan(name="web", start=start),),
            origins=origins,
        )
