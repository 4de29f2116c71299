"""At the daemon's start: the store against what runs. Unfinished work goes on, what nobody owns is removed, what ended is started."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial

from rw_daemon.clock import Clock
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.orders import Orders
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.router import Router, id_of
from rw_daemon.deployments.rows import in_rows
from rw_daemon.deployments.sleeping import Sleeping
from rw_daemon.deployments.targets import AWAY_LOOK_SECONDS, Target, Targets
from rw_daemon.deployments.watches import Watches
from rw_daemon.logs.collector import Collector
from rw_daemon.runtimes.runtime import Release
from rw_daemon.store.store import ServiceRow, Store
from rw_daemon.tasks import Tasks
from rw_shared.errors import RwError, UnreachableError
from rw_shared.models import Deployment, DeploymentStatus, Scope, TargetKind

log = logging.getLogger(__name__)
SERVES = {DeploymentStatus.ACTIVE}
MAY_RUN = {DeploymentStatus.ACTIVE, DeploymentStatus.SLEEPING, DeploymentStatus.REMOVING}


class Recovery:
    """Brings store and machine together again."""

    def __init__(
        self,
        *,
        store: Store,
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
        tasks: Tasks,
        clock: Clock,
    ) -> None:
        self._store, self._targets, self._planner, self._controller, self._replicas = store, targets, planner, controller, replicas
        self._operations, self._orders = operations, orders
        self._watches, self._sleeping, self._clock = watches, sleeping, clock
        self._router, self._collector, self._exits, self._tasks = router, collector, exits, tasks

    async def run(self) -> None:
        """Do all of it once. A target that does not answer is left for later; nothing of the others waits for it."""
        with self._operations.resuming():
            await self._run()

    async def _run(self) -> None:
        known = await self._kinds()
        for kind in self._targets.kinds:  # also those that no environment uses: a lost database leaves replicas behind
            try:
                await self._target(await self._targets.get(kind, {}))
            except UnreachableError as error:
                if kind in known:
                    log.warning("target %s cannot be reached: %s", kind, error.why)
                    self._tasks.keep(f"recovery on {kind}", partial(self._later, kind))
        if await self._store.services() or await self._router.is_up():  # a service may be gone whose routes are still there
            try:
                await self._router.apply()
            except RwError as error:
                log.error("the edge could not be brought up: %s %s", error.message, error.why)
        await self._sleeping.begin()
        for operation in await self._store.unsettled_operations():
            await self._orders.resume(operation)

    async def _later(self, kind: TargetKind) -> None:
        """Do a target's part as soon as it answers: an engine often starts after the daemon does."""
        while True:
            await self._clock.sleep(AWAY_LOOK_SECONDS)
            with suppress(UnreachableError):
                await self._target(await self._targets.get(kind, {}))
                await self._router.apply()
                return

    async def _kinds(self) -> set[TargetKind]:
        found: set[TargetKind] = set()
        for project in await self._store.projects():
            found.update((await self._store.environments(project.name)).values())
        return found

    async def _target(self, target: Target) -> None:
        found = {release.key.deployment: release for release in await target.runtime.releases()}
        for identity, release in found.items():
            deployment = await self._store.deployment(identity)
            if deployment is None or (deployment.status.is_settled and deployment.status not in MAY_RUN):
                log.info("removing what is left of %s", identity)
                await target.runtime.stop(release.key, grace_seconds=0)
                continue
            for instance in release.instances:
                self._collector.attach(instance, target.runtime)
        for row, deployment in await self._serving(target):
            if deployment.status is DeploymentStatus.REMOVING:  # proving it may take a minute: nothing else waits for it
                self._tasks.keep(f"give back {deployment.id}", partial(self._controller.room.give_back, row, target))
            if deployment.status in SERVES:
                await self._whole(deployment, found.get(deployment.id), target)
                await self._watches.begin(deployment.id, target)
        await self._retire(target)

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
        except (RwError, ValueError) as error:  # its snapshot is gone: it is told where it matters
            log.warning("what %s refers to is not known: %s", deployment.id, error)
            return set()

    async def _is_on(self, deployment: Deployment, target: Target) -> bool:
        return (await self._store.environments(deployment.project)).get(deployment.environment) is target.kind

    async def _whole(self, deployment: Deployment, release: Release | None, target: Target) -> None:
        """Start what is missing of a release that should serve: one that was being replaced; after a restart of the machine, all of it."""
        there = release.instances if release else ()
        for instance in there:
            self._exits.tell(instance)
        spec = replace(await self._controller.spec(deployment), replicas=await self._replicas.wanted(deployment))
        if {one.index for one in there} < set(range(spec.replicas)):
            log.info("starting %s again", key_of(deployment))
            for instance in (await target.runtime.start(spec)).instances:
                self._collector.attach(instance, target.runtime)

    async def _retire(self, target: Target) -> None:
        for deployment in await self._store.deployments(unsettled=True, limit=1000):
            serves = any(row.serving == deployment.id for row in await self._store.services())  # it stopped for one that is on its way
            if deployment.status is DeploymentStatus.REMOVING and not serves and await self._is_on(deployment, target):
                await self._controller.retire(deployment.id, target)
