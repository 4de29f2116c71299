"""The way out of an old release: kept warm for an undo, drained, stopped, removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from rw_daemon.clock import Clock, rest
from rw_daemon.deployments.environs import Environs
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.router import Router
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import Target
from rw_daemon.edge.edge import Edge, Endpoint
from rw_daemon.settings import Settings
from rw_daemon.tasks import Tasks
from rw_shared.errors import EdgeFailedError
from rw_shared.models import Deployment, DeploymentStatus

DRAIN_LOOK_SECONDS = 0.05


@dataclass
class Leaving:
    """A release that is on its way out. ``enough``: it need not be kept warm any longer."""

    service: str
    enough: asyncio.Event = field(default_factory=asyncio.Event)


class Retirer:
    """Takes replaced releases out of service; nobody waits for it."""

    def __init__(
        self,
        *,
        recorder: Recorder,
        router: Router,
        edge: Edge,
        environs: Environs,
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
        gone: Callable[[str], None],
    ) -> None:
        self._recorder, self._router, self._edge, self._environs, self._tasks = recorder, router, edge, environs, tasks
        self._clock, self._settings, self._gone = clock, settings, gone
        self._leaving: dict[str, Leaving] = {}
        self._stopping: set[str] = set()

    def retire(self, deployment: Deployment, target: Target, *, warm_seconds: float) -> None:
        """Begin to take ``deployment`` (its status is removing) out of service; older ones of its service are not kept warm any longer."""
        leaving = Leaving(f"{deployment.project}/{deployment.environment}/{deployment.service}")
        for other in self._leaving.values():
            if other.service == leaving.service:
                other.enough.set()
        self._leaving[deployment.id] = leaving
        # again until it is done: an engine that is away for a while must not leave a release on its way out for ever
        self._tasks.keep(f"retire {deployment.id}", partial(self._retire, deployment, target, leaving, warm_seconds=warm_seconds))

    async def _retire(self, deployment: Deployment, target: Target, leaving: Leaving, *, warm_seconds: float) -> None:
        drained = self._drained()
        await rest(self._clock, warm_seconds, unless=leaving.enough)
        if warm_seconds and leaving.enough.is_set():  # another one was replaced in this very moment
            await self._clock.sleep(self._settings.calm_seconds)
        await self.emptied(deployment.id, until=drained)
        if self._leaving.get(deployment.id) is not leaving:
            return
        leaving.enough.set()  # should the rest have to be tried again
        if (await self._recorder.read(deployment.id)).status is DeploymentStatus.REMOVING:  # somebody may have gone back to it
            await self._remove(deployment, target)
        if self._leaving.get(deployment.id) is leaving:
            del self._leaving[deployment.id]

    def keep(self, deployment: str) -> bool:
        """Let a release that was replaced stay after all; ``False`` when it is being stopped already."""
        if self.is_stopping(deployment):
            return False
        if leaving := self._leaving.pop(deployment, None):
            leaving.enough.set()
        return True

    def is_stopping(self, deployment: str) -> bool:
        """Return whether it is too late to keep a release."""
        return deployment in self._stopping

    async def remove(self, deployment: Deployment, target: Target) -> None:
        """Stop a release that no route leads to once its last connection is gone, and say so."""
        self._stopping.add(deployment.id)
        try:
            await self.emptied(deployment.id)
            await self._remove(deployment, target)
        finally:
            self._stopping.discard(deployment.id)

    async def _remove(self, deployment: Deployment, target: Target) -> None:
        self._stopping.add(deployment.id)
        try:
            await target.runtime.stop(key_of(deployment))
            self._gone(deployment.id)
            self._environs.forget(deployment.id)
            if (await self._recorder.read(deployment.id)).status is DeploymentStatus.REMOVING:  # one that was taken back stays so
                await self._recorder.move(deployment.id, DeploymentStatus.REMOVED)
        finally:
            self._stopping.discard(deployment.id)

    async def emptied(self, deployment: str, *, until: float | None = None) -> None:
        """Wait until no request can reach a release that no route leads to any more: then it may be stopped.

        A thread of the edge that gets no processor may still send it one by its old routes, however long ago they were replaced. It closes
        its connections only after it has taken the new ones, so that none being left says more than no request being open.
        :param until: when it has had enough time, by the monotonic clock; without it, after the drain time.
        """
        endpoints = self._router.endpoints(deployment)
        if await self._edge.connected(endpoints):
            with suppress(EdgeFailedError):  # one that is gone sends nothing anywhere
                await self._router.apply()  # what was replaced by the change before loses its connections now
        await self.left(endpoints, until=until)

    async def left(self, endpoints: Sequence[Endpoint], *, until: float | None = None) -> None:
        """Wait until replicas that the edge does not know any more have no connection, at most the drain time, and a little longer."""
        until = self._drained() if until is None else until
        while await self._edge.connected(endpoints) and self._clock.monotonic() < until:
            await self._clock.sleep(DRAIN_LOOK_SECONDS)
        await self._clock.sleep(self._settings.quiet_seconds)

    def _drained(self) -> float:
        """Return until when the requests are waited for that are open now."""
        return self._clock.monotonic() + self._settings.drain_seconds
