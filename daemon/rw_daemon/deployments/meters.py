"""Measures an app's own metrics: scrapes its replicas, or runs a command on the target. What it says is judged elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rw_daemon.clock import Clock
from rw_daemon.deployments.judgements import Verdict
from rw_daemon.deployments.metrics import Figure, Measured, Scrape, figure_of, outcome_of
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.release import asking
from rw_daemon.deployments.scrapes import ScrapeError, fetch, values_of
from rw_daemon.deployments.targets import Target
from rw_daemon.edge.edge import Endpoint, Traffic
from rw_daemon.runtimes.runtime import Instance, JobLostError, JobSpec, Line, Release, ReleaseSpec
from rw_daemon.settings import Settings
from rw_shared.config import MetricConfig
from rw_shared.errors import RwError
from rw_shared.models import Deployment
from rw_shared.selectors import Selector, parse

LINES_KEPT = 20


@dataclass(frozen=True)
class Gauged:
    """A release whose own metrics are looked at.

    :param before: the old release's deployment id, where both are compared in the same window; else empty.
    """

    deployment: Deployment
    target: Target
    metrics: Sequence[MetricConfig]
    before: str = ""


@dataclass(frozen=True)
class Start:
    """A window's beginning: when it was, and what both releases gave then."""

    at_seconds: float
    new: Scrape
    old: Scrape


class Meters:
    """Measures. Never raises for a release that cannot be measured: that is one of the answers."""

    def __init__(self, *, spec: Callable[[Deployment], Awaitable[ReleaseSpec]], output: Output, clock: Clock, settings: Settings) -> None:
        """:param spec: what the runtime starts for a deployment."""
        self._spec, self._output, self._clock, self._settings = spec, output, clock, settings

    async def start(self, gauged: Gauged) -> Start:
        """Begin a window: counters are compared with what they were then."""
        new, old = await asyncio.gather(self._scrape(gauged, gauged.deployment.id), self._scrape(gauged, gauged.before))
        return Start(self._clock.monotonic(), new, old)

    async def end(self, gauged: Gauged, start: Start, traffic: tuple[Traffic, Traffic] | None) -> list[Measured]:
        """Return what each metric was in the window; ``traffic``: what the edge saw of both, ``None`` when it cannot be read."""
        if not gauged.metrics:
            return []
        now = await self.start(gauged)
        return [await self._measured(gauged, one, start, now, traffic) for one in gauged.metrics]

    async def _measured(
        self, gauged: Gauged, metric: MetricConfig, start: Start, now: Start, traffic: tuple[Traffic, Traffic] | None
    ) -> Measured:
        is_compared = metric.max_ratio is not None and bool(gauged.before)
        if metric.command:
            new = await self._run(gauged, metric, gauged.deployment.id)
            return Measured(metric, new, await self._run(gauged, metric, gauged.before) if is_compared else None)
        seconds, (new_traffic, old_traffic) = now.at_seconds - start.at_seconds, traffic or (None, None)

        def figure(before: Scrape, after: Scrape, seen: Traffic | None) -> Figure:
            return figure_of(metric, before, after, seconds=seconds, requests=None if seen is None else seen.requests)

        return Measured(metric, figure(start.new, now.new, new_traffic), figure(start.old, now.old, old_traffic) if is_compared else None)

    # --- scraping

    async def _scrape(self, gauged: Gauged, deployment: str) -> Scrape:
        """Return what every replica of a release gives: each path is asked for once."""
        wanted = [one for one in gauged.metrics if one.metric and (deployment == gauged.deployment.id or one.max_ratio is not None)]
        if not wanted or not deployment:
            return Scrape()
        instances = await self._instances(gauged.target, deployment)
        if isinstance(instances, str):
            return Scrape(troubles={one.name: instances for one in wanted})
        paths = {path: {one.name: parse(one.metric or "") for one in wanted if one.path == path} for path in {one.path for one in wanted}}
        values: dict[str, dict[str, float]] = {one.id: {} for one in instances}
        troubles: dict[str, str] = {}

        async def read(instance: Instance, path: str, selectors: dict[str, Selector]) -> None:
            endpoint = Endpoint(instance.host, instance.port)
            try:
                text = await fetch(endpoint, path, timeout_seconds=self._settings.probe_timeout_seconds)
                values[instance.id] |= await asyncio.to_thread(values_of, text, selectors)
            except ScrapeError as error:
                troubles.update(dict.fromkeys(selectors, str(error)))

        await asyncio.gather(*(read(instance, path, selectors) for instance in instances for path, selectors in paths.items()))
        return Scrape(values, troubles)

    async def _instances(self, target: Target, deployment: str) -> list[Instance] | str:
        """Return the replicas of a release that run, or why none is known."""
        try:
            release = await target.runtime.release(deployment)
        except RwError as error:
            return error.message
        return [one for one in (release.instances if release else ()) if one.is_running] or "no replica of it runs"

    # --- commands

    async def _run(self, gauged: Gauged, metric: MetricConfig, deployment: str) -> Figure:
        """Return what a command says of a release. It runs in the new artifact, whichever release it asks."""
        instances = await self._instances(gauged.target, deployment)
        if isinstance(instances, str):
            return Figure(Verdict.UNKNOWN, words=instances)
        spec = asking(await self._spec(gauged.deployment), Release(instances[0].key, tuple(instances)))
        place = next(place for place, one in enumerate(gauged.metrics) if one is metric)
        job = JobSpec(f"{gauged.deployment.id}-metric-{place}", spec, metric.command or "")
        try:
            async with asyncio.timeout(self._settings.metric_seconds):
                return outcome_of(metric, *await self._job(gauged, metric, job))
        except TimeoutError:
            return Figure(Verdict.UNKNOWN, words=f"it took longer than {self._settings.metric_seconds:g} s")
        except RwError as error:
            return Figure(Verdict.UNKNOWN, words=error.message)

    async def _job(self, gauged: Gauged, metric: MetricConfig, job: JobSpec) -> tuple[int | None, list[str]]:
        """Return a command's exit code, ``None`` when nobody knows it, and its last lines. Nothing of it stays, however it ends."""
        lines: list[str] = []

        def show(line: Line) -> None:
            self._output.job(gauged.deployment, line, step=f"metric {metric.name}")
            if line.stream == "stdout":
                lines.append(line.text)
                del lines[:-LINES_KEPT]

        runtime = gauged.target.runtime
        await runtime.drop_job(job)  # one that a daemon before this one left
        try:
            return await runtime.run_job(job, output=show), lines
        except JobLostError:
            return None, lines
        finally:
            await runtime.drop_job(job)
