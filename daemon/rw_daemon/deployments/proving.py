"""Whether a release that was started is fit for requests, and what is known of one that is not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.deployments import explain
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import Target
from rw_daemon.edge import health
from rw_daemon.edge.edge import Endpoint
from rw_daemon.logs.collector import Collector
from rw_daemon.runtimes.runtime import Instance, Release, ReleaseSpec
from rw_daemon.settings import Settings
from rw_shared.errors import ArtifactMissingError, CrashedError, InternalError, NeverHealthyError, RwError, SnapshotMissingError
from rw_shared.models import Deployment, ServiceKind

LAST_LINES = 20
OF_THE_APP = (CrashedError, NeverHealthyError, ArtifactMissingError, SnapshotMissingError)
"""What starting a release again would meet again: the service has crashed. After anything else it may be tried once more."""


class Proving:
    """Waits until replicas answer or end, and says in words which of both it was."""

    def __init__(
        self,
        *,
        recorder: Recorder,
        planner: Planner,
        exits: Exits,
        output: Output,
        collector: Collector,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._recorder, self._planner, self._exits, self._output, self._collector = recorder, planner, exits, output, collector
        self._clock, self._settings = clock, settings

    async def proven(self, release: Release, spec: ReleaseSpec, target: Target, ended: asyncio.Future[Instance]) -> str:
        """Return in a few words how the release was proven; ``CrashedError`` or ``NeverHealthyError`` when it was not."""
        deployment = await self._recorder.read(spec.key.deployment)
        for instance in release.instances:
            self._exits.tell(instance)  # one that ended before anybody listened
        proof = asyncio.ensure_future(self.prove(deployment, release, spec, target))
        try:
            both: set[asyncio.Future[Any]] = {proof, ended}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise await self._crash(deployment, ended.result())
            return await proof
        finally:
            proof.cancel()
            with suppress(asyncio.CancelledError, RwError):
                await proof

    async def prove(self, deployment: Deployment, release: Release, spec: ReleaseSpec, target: Target) -> str:
        """Wait until every replica answers as contracts.md section 7 says. ``NeverHealthyError`` when one does not in time."""
        if spec.kind is ServiceKind.WORKER:
            await self._clock.sleep(self._settings.settle_seconds)
            return f"alive for {self._settings.settle_seconds:.0f} s"
        planned = await self._planner.planned(deployment)
        path, configured = planned.service(deployment.service).health_path, planned.config.deploy.healthcheck_path
        seconds = planned.config.deploy.healthcheck_timeout or self._settings.healthy_seconds
        endpoints = [Endpoint(one.host, one.port) for one in release.instances]
        reminder = asyncio.ensure_future(self._remind(deployment, seconds))
        try:
            outcome = await health.prove(
                endpoints, path=path, is_strict=bool(path or configured), seconds=seconds, clock=self._clock, settings=self._settings
            )
        finally:
            reminder.cancel()
        if outcome.is_healthy:
            return outcome.words
        listeners = [found for one in release.instances for found in await target.runtime.listeners(one)]
        raise explain.never_healthy(
            deployment.service,
            probes=outcome.probes,
            listeners=listeners,
            lines=await self._last_lines(deployment),
            port=spec.port if target.kind == "docker" else endpoints[0].port,
            path=path,
            seconds=seconds,
        )

    async def lives(self, deployment: Deployment, instance: Instance) -> bool:
        """Return whether a replica that was proven once runs and answers."""
        if not instance.is_running or not instance.port:
            return False
        path = await self._planner.health_path(deployment)
        endpoint = Endpoint(instance.host, instance.port)
        return await health.live(endpoint, path=path, timeout_seconds=self._settings.probe_timeout_seconds)

    async def _remind(self, deployment: Deployment, seconds: float) -> None:
        """Say half-way how to give the app longer, while there is still time to read it."""
        await self._clock.sleep(seconds / 2)
        words = f"not healthy after {seconds / 2:.0f} of {seconds:.0f} s; deploy.healthcheckTimeout in railway.toml gives it longer"
        self._output.remark(deployment, words)

    async def _crash(self, deployment: Deployment, instance: Instance) -> RwError:
        await self._collector.drain(deployment.id)
        if instance.exit is None:
            return InternalError(deployment.id)
        return explain.crashed(deployment.service, instance.exit, await self._last_lines(deployment))

    async def ending(self, deployment: Deployment, instance: Instance) -> str:
        """Return in words how a replica of a release that is being judged ended, with its last lines."""
        if instance.exit is None:
            return "A replica of it does not answer any more."
        error = await self._crash(deployment, instance)
        return f"A replica of it {explain.ending(instance.exit)}. {error.hint}\n{error.why}".rstrip()

    async def _last_lines(self, deployment: Deployment) -> list[str]:
        return await self._output.last_lines(deployment, LAST_LINES)
