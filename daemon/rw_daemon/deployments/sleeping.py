"""Puts services to sleep that nobody asks for, where their file says so, and wakes them when somebody does.

While a service sleeps its requests are held at the edge, which asks where they go (``lead``): the first one has the release started from
its kept artifact and proven; then all of them go on. Its status says first what is about to be done, so that a daemon that is killed on the
way leaves a service that wakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from rw_daemon.clock import Clock
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.followed import Followed
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.proving import OF_THE_APP
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import Router, id_of, service_of
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.deployments.watches import Watches
from rw_daemon.edge.edge import Edge, Lead, Use
from rw_daemon.edge.held import HELD_SECONDS
from rw_daemon.settings import Settings
from rw_daemon.store.store import ServiceRow, Store
from rw_daemon.tasks import Tasks
from rw_shared.errors import EdgeFailedError, RwError, ServiceNotFoundError
from rw_shared.models import Deployment, DeploymentStatus, Scope


@dataclass(frozen=True)
class Quiet:
    """How long nobody has asked for a release: ``since`` is a moment of a clock that never jumps, ``requests`` its counter then."""

    since: float
    requests: int


def heard(before: Quiet | None, use: Use, *, at: float) -> Quiet:
    """Return since when it is quiet, by what is seen ``at`` this moment. While a request is open (a WebSocket, a stream), it is not."""
    if before is None or use.in_flight or use.requests != before.requests:
        return Quiet(at, use.requests)
    return before


class Sleeping:
    """Lays down and wakes. Of one service only one of the two happens at a time."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        planner: Planner,
        controller: Controller,
        operations: Operations,
        router: Router,
        retirer: Retirer,
        watches: Watches,
        targets: Targets,
        output: Output,
        edge: Edge,
        starting: Mapping[str, asyncio.Lock],
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._store, self._recorder, self._planner, self._controller, self._operations = store, recorder, planner, controller, operations
        self._router, self._retirer, self._watches, self._targets, self._output = router, retirer, watches, targets, output
        self._edge, self._tasks, self._clock, self._settings = edge, tasks, clock, settings
        self._followed = Followed(store, planner, lambda deploy: deploy.sleeps)
        self._quiet: dict[str, Quiet] = {}
        self._starting = starting
        self._waking: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, RwError] = {}
        """Why services that still sleep could not be woken the last time."""
        self._ready = asyncio.Event()

    # --- falling asleep

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(self._settings.sleep_period_seconds)
            await self.look()

    async def look(self) -> None:
        """Ask the edge once, and begin to lay down what nobody has asked for long enough."""
        followed = await self._followed.read()
        self._quiet = {identity: quiet for identity, quiet in self._quiet.items() if identity in followed}
        if not followed:
            return
        try:
            used = await self._edge.use(*followed)
        except EdgeFailedError:
            return  # what cannot be seen is not quiet
        for identity, deployment in followed.items():
            at = self._clock.monotonic()
            quiet = self._quiet[identity] = heard(self._quiet.get(identity), used[identity], at=at)
            seconds = (await self._planner.planned(deployment)).config.deploy.sleep_after_seconds
            if at - quiet.since >= seconds and identity not in self._watches.going_on(Scope.of(deployment)):
                del self._quiet[identity]  # should it come to nothing, it is quiet anew
                words = f"Nobody asked for it for {seconds:g} s."
                self._tasks.keep(f"sleep {identity}", partial(self.nap, deployment, words))

    async def nap(self, deployment: Deployment, words: str) -> None:
        """Lay a release down, unless an operation is at work on its service."""
        await self._operations.between(service_of(deployment), partial(self.lay_down, deployment, words))

    async def lay_down(self, deployment: Deployment, words: str) -> None:
        """Hold a serving release's requests and stop it. It stays awake while a request is open, or where the edge does not hold them.

        To be called while no operation changes its service. May be called again after a failure.
        :param words: why, for people.
        """
        service = service_of(deployment)
        async with self._starting[service]:
            deployment = await self._recorder.read(deployment.id)
            if deployment.status is DeploymentStatus.ACTIVE and not await self._edge.active(deployment.id):
                words = f"{words} The next request wakes it."
                await self._router.record(self._recorder.moved(deployment, DeploymentStatus.SLEEPING, reason=words))
                await self._hold(deployment)
            await self._stop(await self._recorder.read(deployment.id), service)

    async def _hold(self, deployment: Deployment) -> None:
        try:
            await self._router.apply()
        except EdgeFailedError as error:
            await self._recorder.move(deployment.id, DeploymentStatus.ACTIVE, reason=f"It stays awake: {error.message} {error.why}")

    async def _stop(self, deployment: Deployment, service: str) -> None:
        """Stop what runs of a release that sleeps, unless somebody asks for it or does not let go of it."""
        if deployment.status is not DeploymentStatus.SLEEPING:
            return
        await self._retirer.emptied(deployment.id)
        if service in self._waking:
            return  # it gets up from where it is
        if await self._edge.active(deployment.id):
            await self._rise(deployment, "A request was still open.")
            return
        await (await self._target(deployment)).runtime.stop(key_of(deployment))
        self._output.remark(deployment, f"asleep: {deployment.reason}")

    # --- waking

    async def lead(self, service: str) -> Lead:
        """Return where a held request goes, once it can: has its service woken, if it sleeps. ``service``: as ``id_of``."""
        name = service.rpartition("/")[2]
        try:
            async with asyncio.timeout(HELD_SECONDS):
                await self._ready.wait()
                await self._led(service)
        except TimeoutError:
            return Lead(words=f"{name} is starting; that takes longer than {HELD_SECONDS:.0f} s. `rw logs {name}` shows what it prints.")
        found, error = self._router.lead(service), self._refused.get(service)
        words = f"{error.message} {error.why} {error.hint}" if error else "`rw status` says how it stands."
        return found or Lead(words=f"{name} sleeps and could not be woken. {words}")

    async def _led(self, service: str) -> None:
        """Return once a service's requests are held no longer, or it could not be woken."""
        while True:
            changed = self._router.changing()
            if self._router.lead(service) is None:
                await asyncio.shield(self._begin_to_wake(service))
            if self._router.lead(service) is not None or service in self._refused:
                return
            await changed.wait()  # one release stops for another: either of them will have the requests

    async def wake(self, row: ServiceRow) -> None:
        """Return once a service does not sleep any more. Raises what it could not be woken for; it may have crashed by that."""
        service = id_of(row)
        await asyncio.shield(self._begin_to_wake(service))
        if error := self._refused.get(service):
            raise error

    def _begin_to_wake(self, service: str) -> asyncio.Task[None]:
        """Return the one task that wakes a service, however many ask for it."""
        known = self._waking.get(service)
        if known is None:
            known = self._waking[service] = self._tasks.spawn(f"wake {service}", self._wake(service))
            known.add_done_callback(lambda _: self._waking.pop(service))
        return known

    async def _wake(self, service: str) -> None:
        async with self._starting[service]:
            self._refused.pop(service, None)
            try:
                row = await self._row(service)
                target = await self._target(row)
                deployment = await self._store.deployment(row.serving) if row.serving else None
                if deployment is not None and deployment.status is DeploymentStatus.SLEEPING:
                    await self._start(row, deployment, target)
            except RwError as error:
                self._refused[service] = error

    async def _start(self, row: ServiceRow, deployment: Deployment, target: Target) -> None:
        began = self._clock.monotonic()
        try:
            words = await self._controller.start_again(deployment, target, replicas=max(row.replicas, 1))
        except OF_THE_APP as error:
            await self._fail(deployment, target, error)
            raise
        await self._rise(deployment, f"Woken in {self._clock.monotonic() - began:.1f} s: {words}.")
        if (await self._recorder.read(deployment.id)).status not in {DeploymentStatus.ACTIVE, DeploymentStatus.SLEEPING}:
            await target.runtime.stop(key_of(deployment), grace_seconds=0)  # another one took its place meanwhile: nothing came here

    async def _rise(self, deployment: Deployment, words: str) -> None:
        """Send requests to a release that slept, and say so; nothing of both where it does not serve any more."""
        event = self._recorder.moved(deployment, DeploymentStatus.ACTIVE, reason=words)

        def serves() -> bool:
            return self._router.lead(service_of(deployment)) == Lead(deployment.id)

        await self._router.apply(awake={deployment.id}, record=lambda: (event,) if serves() else ())
        if serves():
            self._output.remark(deployment, f"awake: {words}")

    async def _fail(self, deployment: Deployment, target: Target, error: RwError) -> None:
        if (await self._recorder.read(deployment.id)).status is DeploymentStatus.SLEEPING:
            words = f"It could not be woken: {error.message}"
            await self._router.record(self._recorder.moved(deployment, DeploymentStatus.CRASHED, reason=words, error=error))
        await target.runtime.stop(key_of(deployment), grace_seconds=0)
        await self._router.apply()

    # --- after the daemon's start

    async def begin(self) -> None:
        """Answer for held requests from now on, and stop what a daemon before this one did not come to."""
        self._ready.set()
        for row in await self._store.services():
            deployment = await self._store.deployment(row.serving) if row.serving else None
            if deployment is not None and deployment.status is DeploymentStatus.SLEEPING:
                self._tasks.keep(f"sleep {deployment.id}", partial(self._lie_still, deployment))

    async def _lie_still(self, deployment: Deployment) -> None:
        release = await (await self._target(deployment)).runtime.release(deployment.id)
        if release is not None and release.instances:
            async with self._starting[service_of(deployment)]:
                await self._stop(await self._recorder.read(deployment.id), service_of(deployment))

    # --- what belongs to a service

    async def _row(self, service: str) -> ServiceRow:
        """Return a service; ``ServiceNotFoundError`` when it was taken down."""
        for row in await self._store.services():
            if id_of(row) == service:
                return row
        raise ServiceNotFoundError(service)

    async def _target(self, place: Deployment | ServiceRow) -> Target:
        kind = (await self._store.environments(place.project))[place.environment]
        return await self._targets.get(kind, {})
