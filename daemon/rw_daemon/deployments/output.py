"""Lines that rw itself has to keep: of builds, of jobs, and its own remarks among an app's lines."""

from __future__ import annotations

from rw_daemon.builds.builder import BuildOutput
from rw_daemon.clock import Clock
from rw_daemon.logs.logs import Logs, NewLine
from rw_daemon.runtimes.runtime import Line
from rw_shared.models import Deployment, LogSource


class Output:
    """Hands lines to the logs with the names of the deployment that they belong to."""

    def __init__(self, logs: Logs, clock: Clock) -> None:
        self._logs, self._clock = logs, clock

    def build(self, deployment: Deployment, output: BuildOutput) -> None:
        """Keep a line of a build, or a change of one of its steps (a line of rw's own with ``attrs.state``)."""
        attrs = {"state": output.state, "seconds": round(output.seconds, 2)} if output.state else {}
        self._keep(
            deployment,
            output.text or output.step,
            source=LogSource.BUILD,
            stream="rw" if output.state else output.stream,
            step=output.step,
            attrs=attrs,
        )

    def job(self, deployment: Deployment, line: Line, *, step: str = "pre-deploy") -> None:
        """Keep a line of a command that runs beside the app."""
        self._keep(deployment, line.text, source=LogSource.DEPLOY, stream=line.stream, step=step, attrs={})

    def remark(self, deployment: Deployment, text: str, *, replica: int = -1) -> None:
        """Keep a sentence of rw's own among the app's lines (a restart, say)."""
        self._keep(deployment, text, source=LogSource.DEPLOY, stream="rw", step="", attrs={}, replica=replica)

    def _keep(
        self, deployment: Deployment, text: str, *, source: LogSource, stream: str, step: str, attrs: dict[str, object], replica: int = -1
    ) -> None:
        self._logs.append(
            [
                NewLine(
                    ts=self._clock.now(),
                    project=deployment.project,
                    environment=deployment.environment,
                    service=deployment.service,
                    deployment=deployment.id,
                    version=deployment.version,
                    replica=replica,
                    source=source,
                    stream=stream,
                    message=text,
                    step=step,
                    attrs=attrs,
                )
            ]
        )

    async def last_lines(self, deployment: Deployment, count: int) -> list[str]:
        """Return the last lines that the deployment's app printed."""
        return await self._logs.last_lines(
            deployment.id, count, project=deployment.project, environment=deployment.environment, service=deployment.service
        )
