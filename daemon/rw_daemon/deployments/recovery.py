"""At the daemon's start: the store against what runs. Unfinished work goes on, what nobody owns is removed, what ended is started."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial

from rw_daemon.clock import Clock
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.orders import Orders
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.parts import Parts
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.room import MAY_RUN
from rw_daemon.deployments.router import Router, id_of
from rw_daemon.deployments.rows import in_rows
from rw_daemon.deployments.sleeping import Sleeping
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import AWAY_LOOK_SECONDS, Target, Targets
from rw_daemon.deployments.watches import Watches
from rw_daemon.logs.collector import Collector
from rw_daemon.runtimes.runtime import Release
from rw_daemon.settings import Settings
from rw_daemon.store.store import ServiceRow, Store
from rw_daemon.tasks import Tasks
from rw_shared.errors import DeploymentFailedError, DiskFullError, EngineUnreachableError, RwError, UnreachableError
from rw_shared.models import Deployment, DeploymentStatus, Scope, TargetKind

log = logging.getLogger(__name__)
SERVES = {DeploymentStatus.ACTIVE}


class Recovery:
    """Brings store and machine together again."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        targets: Targets,
        planner: Planner,
        controller: Controller,
        replicas: Replicas,
        operations: Operations,
        orders: Orders,
        watches: Watches,
        sleeping: Sleeping,
        router: Router,
        collector: Collector,
        exits: Exits,
        output: Output,
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._store, self._targets, self._planner, self._controller, self._replicas = store, targets, planner, controller, replicas
        self._operations, self._orders = operations, orders
        self._watches, self._sleeping, self._clock = watches, sleeping, clock
        self._router, self._collector, self._exits, self._tasks = router, collector, exits, tasks
        self._recorder, self._output, self._settings = recorder, output, settings
        self._begun: set[TargetKind] = set()
        """Targets whose part is done, or goes on by itself."""
        self._is_routed = False

    async def run(self) -> None:
        """Do all of it. May be called again after an error: it then does what is left.

        A target that does not answer in time goes on by itself, and a service that cannot be started says so: nothing waits for either.
        """
        parts = Parts()
        with self._operations.resuming():
            with parts.part("what should run"):
                await self._begin(await self._used())
            self._is_routed = True  # from here on: what is done later than this must not rely on what follows
            with parts.part("the edge could not be brought up"):
                if await self._store.services() or await self._router.is_up():  # a service may be gone whose routes are still there
                    await self._router.apply()
            with parts.part("what sleeps"):
                await self._sleeping.begin()
            with parts.part("what was under way"):
                for operation in await self._store.unsettled_operations():
                    with parts.part(f"{operation.id} cannot go on"):
                        await self._orders.resume(operation.id)
        with parts.part("what nobody uses"):  # a lost database leaves replicas behind; nothing else waits for it
            await self._look_at_the_others(parts)
        parts.end()

    async def _begin(self, kinds: set[TargetKind]) -> None:
        """Do the parts of all targets that are used, side by side; those that take longer go on by themselves."""
        left = [kind for kind in kinds if kind not in self._begun]
        self._begun.update(left)
        working = [self._tasks.keep(f"recovery on {kind}", partial(self._recover, kind)) for kind in left]
        if working:
            await asyncio.wait(working, timeout=self._settings.answer_seconds)

    async def _recover(self, kind: TargetKind) -> None:
        """Do a target's part, or leave it for when it answers."""
        try:
            await self._target(await self._targets.get(kind, {}))
        except UnreachableError as error:
            log.warning("target %s cannot be reached: %s", kind, error.why)
            self._tasks.keep(f"recovery on {kind}, later", partial(self._later, kind))
            return
        if self._is_routed:  # the others did not wait for it
            await self._router.apply()

    async def _look_at_the_others(self, parts: Parts) -> None:
        for kind in self._targets.kinds:
            if kind not in self._begun:
                with parts.part(f"what is left on {kind}"), suppress(UnreachableError):
                    await self._target(await self._targets.get(kind, {}))

    async def _later(self, kind: TargetKind) -> None:
        """Do a target's part as soon as it answers: an engine often starts after the daemon does."""
        while True:
            await self._clock.sleep(AWAY_LOOK_SECONDS)
            with suppress(UnreachableError):
                await self._target(await self._targets.get(kind, {}))
                await self._router.apply()
                return

    async def _used(self) -> set[TargetKind]:
        found: set[TargetKind] = set()
        for project in await self._store.projects():
            found.update((await self._store.environments(project.name)).values())
        return found

    async def _target(self, target: Target) -> None:
        parts = Parts(is_local=True)
        found = {release.key.deployment: release for release in await target.runtime.releases()}
        for release in found.values():
            with parts.part(f"what runs of {release.key.deployment}"):
                await self._attach(release, target)
        for row, deployment in await self._serving(target):
            with parts.part(f"{id_of(row)} is not whole"):
                await self._serve(row, deployment, found.get(deployment.id), target)
        await self._retire(target, parts)
        parts.end()

    async def _attach(self, release: Release, target: Target) -> None:
        """Read what a release prints; stop one that nobody owns."""
        identity = release.key.deployment
        deployment = await self._store.deployment(identity)
        if deployment is None or (deployment.status.is_settled and deployment.status not in MAY_RUN):
            log.info("removing what is left of %s", identity)
            await target.runtime.stop(release.key, grace_seconds=0)
            return
        for instance in release.instances:
            self._collector.attach(instance, target.runtime)

    async def _serve(self, row: ServiceRow, deployment: Deployment, release: Release | None, target: Target) -> None:
        if deployment.status is DeploymentStatus.REMOVING:  # proving it may take a minute: nothing else waits for it
            self._tasks.keep(f"give back {deployment.id}", partial(self._controller.room.give_back, row, target))
        if deployment.status in SERVES:
            await self._whole(deployment, release, target)
            await self._watches.begin(deployment.id, target)

    async def _serving(self, target: Target) -> list[tuple[ServiceRow, Deployment]]:
        """Return what serves on a target, each service after those that it refers to."""
        found: dict[str, tuple[ServiceRow, Deployment]] = {}
        for row in await self._store.services():
            deployment = await self._store.deployment(row.serving) if row.serving else None
            if deployment is not None and await self._is_on(deployment, target):
                found[id_of(row)] = (row, deployment)
        needs = {}
        for name, (_, deployment) in found.items():
            needs[name] = {f"{Scope.of(deployment)}/{one}" for one in await self._needs(deployment)}
        return [found[name] for row in in_rows(needs)[0] for name in row]

    async def _needs(self, deployment: Deployment) -> set[str]:
        try:
            return (await self._planner.planned(deployment)).needs
        except (RwError, OSError, ValueError) as error:  # its snapshot is gone: it is told where it matters
            log.warning("what %s refers to is not known: %s", deployment.id, error)
            return set()

    async def _is_on(self, deployment: Deployment, target: Target) -> bool:
        return (await self._store.environments(deployment.project)).get(deployment.environment) is target.kind

    async def _whole(self, deployment: Deployment, release: Release | None, target: Target) -> None:
        """Start what is missing of a release that should serve: one that was being replaced; after a restart of the machine, all of it."""
        there = release.instances if release else ()
        for instance in there:
            self._exits.tell(instance)
        wanted = await self._replicas.wanted(deployment)
        if {one.index for one in there} >= set(range(wanted)):
            return
        log.info("starting %s again", key_of(deployment))
        try:
            spec = replace(await self._controller.spec(deployment), replicas=wanted)
            started = await target.runtime.start(spec)
        except (RwError, OSError, ValueError) as error:
            await self._missed(deployment, error, is_there=any(one.is_running for one in there))
            return
        for instance in started.instances:
            self._collector.attach(instance, target.runtime)

    async def _missed(self, deployment: Deployment, error: RwError | OSError | ValueError, *, is_there: bool) -> None:
        """Say why a release is not whole. It has crashed, unless some of it runs or what is in the way may pass: the supervisor insists."""
        trouble = DiskFullError.of(error) or error
        if isinstance(trouble, EngineUnreachableError):
            raise trouble
        if not isinstance(trouble, RwError):
            trouble = DeploymentFailedError(
                f"{deployment.service} cannot be started.", why=str(error), hint="Run `rw up` to build it again."
            )
        words = f"It could not be started again: {trouble.message} {trouble.hint}"
        self._output.remark(deployment, f"{words} {trouble.why}".rstrip())
        log.error("%s: %s %s", deployment.id, words, trouble.why)
        if not is_there and not isinstance(trouble, UnreachableError | DiskFullError):
            crashed = self._recorder.moved(deployment, DeploymentStatus.CRASHED, reason=words, error=trouble)
            await self._router.record(crashed)

    async def _retire(self, target: Target, parts: Parts) -> None:
        for deployment in await self._store.deployments(unsettled=True, limit=1000):
            serves = any(row.serving == deployment.id for row in await self._store.services())  # it stopped for one that is on its way
            if deployment.status is DeploymentStatus.REMOVING and not serves and await self._is_on(deployment, target):
                with parts.part(f"retire {deployment.id}"):
                    await self._controller.retire(deployment.id, target)
