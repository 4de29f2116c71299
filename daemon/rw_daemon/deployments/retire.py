"""The way out of an old release: drained, kept warm for an undo, stopped, removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rw_daemon.clock import Clock, rest
from rw_daemon.deployments.environs import Environs
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import Target
from rw_daemon.edge.edge import Edge
from rw_daemon.settings import Settings
from rw_daemon.tasks import Tasks
from rw_shared.models import Deployment, DeploymentStatus

DRAIN_LOOK_SECONDS = 0.05


class Retirer:
    """Takes replaced releases out of service; nobody waits for it."""

    def __init__(
        self,
        *,
        recorder: Recorder,
        edge: Edge,
        environs: Environs,
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
        gone: Callable[[str], None],
    ) -> None:
        self._recorder, self._edge, self._environs, self._tasks = recorder, edge, environs, tasks
        self._clock, self._settings, self._gone = clock, settings, gone
        self._hurry: dict[str, asyncio.Event] = {}

    def retire(self, deployment: Deployment, target: Target, *, warm_seconds: float) -> None:
        """Begin to take ``deployment`` (its status is removing) out of service; older ones of its service are not kept warm any longer."""
        service = f"{deployment.project}/{deployment.environment}/{deployment.service}"
        older = self._hurry.pop(service, None)
        if older is not None:
            older.set()
        hurry = self._hurry[service] = asyncio.Event()
        self._tasks.spawn(f"retire {deployment.id}", self._retire(deployment, target, warm_seconds=warm_seconds, hurry=hurry))

    async def _retire(self, deployment: Deployment, target: Target, *, warm_seconds: float, hurry: asyncio.Event) -> None:
        await self._drained(deployment.id)
        await rest(self._clock, warm_seconds, unless=hurry)
        await self.remove(deployment, target)

    async def remove(self, deployment: Deployment, target: Target) -> None:
        """Stop a release that no route leads to, and say so."""
        await self.quiet(deployment.id)
        await target.runtime.stop(key_of(deployment), grace_seconds=self._settings.grace_seconds)
        self._gone(deployment.id)
        self._environs.forget(deployment.id)
        await self._recorder.move(deployment.id, DeploymentStatus.REMOVED)

    async def quiet(self, deployment: str) -> None:
        """Wait until a release that no route leads to has no open request, and a little longer: then it may be stopped."""
        await self._drained(deployment)
        await self._clock.sleep(self._settings.quiet_seconds)

    async def _drained(self, deployment: str) -> None:
        """Wait for the last open request, at most the drain time."""
        deadline = self._clock.monotonic() + self._settings.drain_seconds
        while await self._edge.active(deployment) and self._clock.monotonic() < deadline:
            await self._clock.sleep(DRAIN_LOOK_SECONDS)
