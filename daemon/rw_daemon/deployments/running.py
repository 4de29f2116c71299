"""Orders that make no new deployment but change what runs: restart, scale, sleep, wake, down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from rw_daemon.clock import Clock
from rw_daemon.deployments.claims import Claim
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import Router, id_of
from rw_daemon.deployments.sleeping import Sleeping
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import ConflictError, DeploymentFailedError, RwError, UnreachableError
from rw_shared.events import RouteChanged, ServiceRemoved, ServiceScaled
from rw_shared.models import Deployment, DeploymentStatus, Operation, OperationKind, OperationOrder, Scope, ServiceKind

RUNS = {DeploymentStatus.ACTIVE, DeploymentStatus.CRASHED, DeploymentStatus.SLEEPING, DeploymentStatus.COMPLETED}
HISTORY = 200  # newest deployments of a service that may still run something


class Running:
    """Carries out such orders, one service after the other."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        operations: Operations,
        replicas: Replicas,
        router: Router,
        retirer: Retirer,
        sleeping: Sleeping,
        clock: Clock,
    ) -> None:
        self._store, self._recorder, self._operations, self._replicas = store, recorder, operations, replicas
        self._router, self._retirer, self._sleeping, self._clock = router, retirer, sleeping, clock

    async def start(self, scope: Scope, order: OperationOrder, actor: str, target: Target, rows: Sequence[ServiceRow]) -> Operation:
        """Accept the order and begin."""
        identity = self._operations.new_id()
        await self._store.append(self._operations.created(identity, scope, order, services=tuple(row.name for row in rows), actor=actor))
        operation = await self._operations.read(identity)

        async def nothing(_: RwError) -> None:
            """Nothing new was made, so that nothing is taken back."""

        claim = Claim(frozenset(id_of(row) for row in rows))
        self._operations.begin(operation, lambda: self.work(order, operation, target, rows), nothing, claim=claim)
        return operation

    async def work(self, order: OperationOrder, operation: Operation, target: Target, rows: Sequence[ServiceRow]) -> None:
        """Do what the order asks for; may be called again after a crash."""
        for row in rows:
            if order.kind is OperationKind.RESTART:
                await self._restart(row, target)
            elif order.kind is OperationKind.SCALE:
                await self._scale(row, order.scale[row.name], operation, target)
            elif order.kind is OperationKind.SLEEP:
                await self._lay_down(row)
            elif order.kind is OperationKind.WAKE:
                await self._awake(row)
            else:
                await self.take_down(row, target, operation.id)

    async def _lay_down(self, row: ServiceRow) -> None:
        found = await self._served(row)
        if found is None or row.kind is not ServiceKind.WEB:
            return  # nothing runs, or nobody could wake it
        await self._sleeping.lay_down(found, "Somebody put it to sleep.")
        if (await self._recorder.read(found.id)).status is DeploymentStatus.ACTIVE:
            raise ConflictError(f"{row.name} stays awake.", why="A request to it is still open.", hint="Try again when it is over.")

    async def _restart(self, row: ServiceRow, target: Target) -> None:
        found = await self._serving(row)
        if found.status is DeploymentStatus.SLEEPING:
            await self._sleeping.wake(row)  # which starts new replicas as well
        else:
            await self._replicas.restart(found, target)

    async def _awake(self, row: ServiceRow) -> Deployment:
        """Return the release that serves, woken if it slept."""
        found = await self._serving(row)
        if found.status is not DeploymentStatus.SLEEPING:
            return found
        await self._sleeping.wake(row)
        return await self._recorder.read(found.id)

    async def _serving(self, row: ServiceRow) -> Deployment:
        found = await self._served(row)
        if found is None:
            raise DeploymentFailedError(f"{row.name} has no release that serves.", hint="Run `rw up`.")
        return found

    async def _served(self, row: ServiceRow) -> Deployment | None:
        """Return the release that serves by now: the operation may have waited since its services were chosen."""
        fresh = next((one for one in await self._store.services(Scope.of(row)) if one.name == row.name), None)  # None: taken down meanwhile
        return await self._store.deployment(fresh.serving) if fresh and fresh.serving else None

    async def _scale(self, row: ServiceRow, replicas: int, operation: Operation, target: Target) -> None:
        deployment = await self._awake(row)
        await self._replicas.scale(deployment, target, replicas=replicas)
        await self._store.append(
            ServiceScaled(
                at=self._clock.now(),
                project=row.project,
                environment=row.environment,
                service=row.name,
                operation=operation.id,
                replicas=replicas,
            )
        )

    async def take_down_everything(self, targets: Targets) -> None:
        """Take down every service of every environment; a target that does not answer keeps what it has."""
        for row in await self._store.services():
            kind = (await self._store.environments(row.project))[row.environment]
            with suppress(UnreachableError):
                await self.take_down(row, await targets.get(kind, {}), "")

    async def take_down(self, row: ServiceRow, target: Target, operation: str) -> None:
        """Lead requests away, stop every release of a service, forget the service; its history stays."""
        known = await self._store.deployments(Scope.of(row), service=row.name, limit=HISTORY)
        leaving = [one for one in known if one.status in RUNS or one.status is DeploymentStatus.REMOVING]
        moved = [
            self._recorder.moved(one, DeploymentStatus.REMOVING, reason="The service was taken down.", operation=operation)
            for one in leaving
            if one.status in RUNS
        ]
        envelope = {
            "at": self._clock.now(),
            "project": row.project,
            "environment": row.environment,
            "service": row.name,
            "operation": operation,
        }
        await self._router.record(*moved, RouteChanged(**envelope, deployment="", before=row.serving), ServiceRemoved(**envelope))
        try:
            await self._router.apply()
            for deployment in leaving:
                await self._retirer.remove(deployment, target)
        except BaseException:  # cancelled as well: the service is forgotten, so nobody could ask again for what is left of it
            for deployment in leaving:
                self._retirer.retire(deployment, target, warm_seconds=0.0)
            raise
