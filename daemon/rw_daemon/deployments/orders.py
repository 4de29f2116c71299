"""What each kind of operation does: the front door of the room, which the API calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches

from rw_daemon.clock import Clock
from rw_daemon.deployments.building import Building
from rw_daemon.deployments.claims import Claim
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.drafts import Draft, Drafts
from rw_daemon.deployments.environs import Environs
from rw_daemon.deployments.lookup import find_deployment, find_source
from rw_daemon.deployments.ongoing import Ongoing
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.planner import Planned, Planner
from rw_daemon.deployments.router import service_of
from rw_daemon.deployments.rows import in_rows
from rw_daemon.deployments.running import Running
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.deployments.turns import urgency
from rw_daemon.deployments.watches import Watches
from rw_daemon.plans.plan import ServicePlan
from rw_daemon.store.store import ServiceRow, Store
from rw_daemon.tasks import to_its_end
from rw_daemon.variables.references import references
from rw_shared.errors import (
    CancelledError,
    ConfigInvalidError,
    ProjectNotFoundError,
    RwError,
    ServiceNotFoundError,
    SupersededError,
    UsageError,
)
from rw_shared.events import DeploymentCreated, EnvironmentCreated, Event
from rw_shared.models import Deployment, DeploymentStatus, Operation, OperationKind, OperationOrder, Scope, ServiceKind, TargetKind

CANCEL_ALL_SECONDS = 30.0


class Orders:
    """Accepts orders and carries them out."""

    def __init__(
        self,
        *,
        store: Store,
        operations: Operations,
        building: Building,
        controller: Controller,
        watches: Watches,
        running: Running,
        drafts: Drafts,
        planner: Planner,
        targets: Targets,
        environs: Environs,
        ongoing: Ongoing,
        clock: Clock,
        swept: Callable[[], object],
    ) -> None:
        """``swept`` is called after each deployment that succeeded: old artifacts are looked through then."""
        self._swept, self._watches, self._building = swept, watches, building
        self._store, self._operations, self._controller, self._running, self._drafts = store, operations, controller, running, drafts
        self._planner, self._targets, self._environs, self._clock = planner, targets, environs, clock
        self._ongoing, self._accepting = ongoing, asyncio.Lock()

    async def start(self, scope: Scope, order: OperationOrder, *, actor: str = "user") -> Operation:
        """Accept an order; progress arrives as events.

        What can be known at once is said at once: a plan that cannot be made, an unknown name, a target that does not answer.
        """
        projects = [project.name for project in await self._store.projects()]
        if scope.project not in projects:
            raise ProjectNotFoundError(scope.project, candidates=projects)
        await self._operations.resumed()
        async with self._accepting:  # so that two orders never take the same version or port
            if order.idempotency_key and (earlier := await self._store.operation_by_key(scope, order.idempotency_key)):
                return earlier
            if order.kind in {OperationKind.UP, OperationKind.REDEPLOY}:  # what frees space, or is urgent, goes without
                await self._store.prepare()
            if order.kind is OperationKind.UP:
                return await self._up(scope, order, actor)
            kind = await self._target(scope, order)
            rows = await self._chosen(scope, order)
            if order.kind is OperationKind.WAKE:  # beside a rollout nothing sleeps
                awake = {one.service for one in await self._ongoing.in_steps(scope, [row.name for row in rows])}
                rows = [row for row in rows if row.name not in awake]
            if error := await self._ongoing.refused(order.kind, scope, {row.name for row in rows}):
                raise error
            target = await self._targets.get(kind, order.environ)
            if order.kind in {OperationKind.REDEPLOY, OperationKind.ROLLBACK}:
                return await self._again(scope, order, actor, target, rows)
            await self._may_scale(order, rows)
            return await self._running.start(scope, order, actor, target, rows)

    async def _may_scale(self, order: OperationOrder, rows: Sequence[ServiceRow]) -> None:
        """Refuse a number for a service whose number follows its load: the next look would undo it."""
        for row in rows:
            serving = await self._store.deployment(row.serving) if row.name in order.scale and row.serving else None
            scale = (await self._planner.planned(serving)).config.deploy.scale if serving else None
            if scale is not None and row.kind is ServiceKind.WEB:
                raise UsageError(
                    f"The load decides how many replicas {row.name} has: {scale.min} to {scale.max}.",
                    hint="Change min and max in [deploy.scale], or remove the table, and run `rw up`.",
                )

    async def read(self, identity: str) -> Operation:
        """Return an operation as it is now, also where its end could not be written yet."""
        return await self._operations.read(identity)

    async def cancel(self, identity: str) -> Operation:
        """End an operation that is not settled; what it made is taken back."""
        await self._operations.resumed()
        async with self._accepting:  # one that is being accepted has nobody yet
            operation = await self._operations.read(identity)
            self._operations.adopt(operation, self._give_up(operation))
        return await self._operations.cancel(identity)

    async def cancel_all(self) -> None:
        """End all that is not settled; an engine that is away keeps what it has."""
        ending = [self.cancel(one.id) for one in await self._store.unsettled_operations()]
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_ALL_SECONDS):
                await asyncio.gather(*ending)

    # --- up

    async def _up(self, scope: Scope, order: OperationOrder, actor: str) -> Operation:
        if not order.snapshot:
            raise UsageError("An `up` needs a snapshot.", hint="POST /v1/snapshots first.")
        found = await self._planner.prepare(
            order.snapshot, environment=scope.environment, environ=order.environ, image=order.image, only=order.services
        )
        services = _selected(found, order)
        kind = await self._target(scope, order)
        target = await self._targets.get(kind, order.environ)
        have = {row.name: row.replicas for row in await self._store.services(scope)}
        _check_references(services, known={*have, *(service.name for _, service in services)})
        drafts = [Draft.of_plan(planned, one, order.snapshot, order.commit, before=have.get(one.name, 0)) for planned, one in services]
        changed = [draft for draft in drafts if order.no_cache or order.image or await self._is_changed(scope, draft, target)]
        stale = await self._stale(scope, order, found)
        operation = await self._accept(scope, order, actor, [draft.service for draft in drafts], changed, kind, stale=stale)
        claim = await self._claim(operation, *(row.name for row in stale))
        self._operations.begin(
            operation,
            lambda: self._bring_up(operation, target, stale, no_cache=order.no_cache),
            self._give_up(operation),
            claim=claim,
            queue=found[0].config.deploy.queue,
        )
        return operation

    async def _bring_up(self, operation: Operation, target: Target, stale: Sequence[ServiceRow], *, no_cache: bool) -> None:
        await self._deploy(operation, target, no_cache=no_cache)
        for row in stale:
            await self._running.take_down(row, target, operation.id)

    async def _stale(self, scope: Scope, order: OperationOrder, found: Sequence[Planned]) -> list[ServiceRow]:
        """Return the services that a whole `up` takes down: a process type that is gone from the Procfile, say."""
        if order.services or any(planned.is_part for planned in found):
            return []
        names = {service.name for planned in found for service in planned.plan.services}
        return [row for row in await self._store.services(scope) if row.name not in names]

    async def _target(self, scope: Scope, order: OperationOrder) -> TargetKind:
        remembered = (await self._store.environments(scope.project)).get(scope.environment)
        if remembered is not None and not await self._store.services(scope):
            remembered = None  # everything was taken down: it may come up elsewhere
        return await self._targets.choose(order.target, remembered, order.environ)

    async def _is_changed(self, scope: Scope, draft: Draft, target: Target) -> bool:
        """Return whether anything about a service differs from what serves, or what serves is not whole."""
        if self._operations.is_leaving(f"{scope}/{draft.service}"):
            return True
        row = await self._drafts.row(scope, draft.service)
        serving = await self._store.deployment(row.serving) if row and row.serving else None
        if serving is None or serving.status not in {DeploymentStatus.ACTIVE, DeploymentStatus.SLEEPING}:
            return True
        newest = (await self._store.deployments(scope, service=draft.service, limit=1))[0]
        if newest.id != serving.id and not newest.status.is_settled:
            return True
        if (serving.snapshot, serving.plan, serving.replicas) != (draft.snapshot, draft.plan, draft.replicas):
            return True
        if serving.status is DeploymentStatus.SLEEPING:
            return False
        release = await target.runtime.release(serving.id)
        return sum(one.is_running for one in (release.instances if release else ())) < serving.replicas

    async def _accept(
        self,
        scope: Scope,
        order: OperationOrder,
        actor: str,
        services: Sequence[str],
        drafts: Sequence[Draft],
        kind: TargetKind | None = None,
        stale: Sequence[ServiceRow] = (),
    ) -> Operation:
        """Write an operation with its new deployments, all or nothing."""
        identity = self._operations.new_id()
        events: list[Event] = []
        if kind is not None and (await self._store.environments(scope.project)).get(scope.environment) is not kind:
            events.append(
                EnvironmentCreated(
                    at=self._clock.now(), project=scope.project, environment=scope.environment, operation=identity, actor=actor, target=kind
                )
            )
        names = [row.name for row in stale]
        events.append(self._operations.created(identity, scope, order, services=tuple(services), stale=names, actor=actor))
        for draft in drafts:
            events += await self._drafts.events(scope, draft, operation=identity, message=order.message)
        for event in events:
            if isinstance(event, DeploymentCreated):
                self._environs.keep(event.deployment, order.environ)
        await self._store.append(*events)
        return await self._operations.read(identity)

    async def _claim(self, operation: Operation, *others: str) -> Claim:
        """Return what an operation changes: the services of its deployments, and others.

        What its services refer to is needed where nothing serves there yet: an earlier operation may be about to bring it up.
        """
        made = [await self._store.deployment(identity) for identity in operation.deployments]
        found = [one for one in made if one is not None and not one.status.is_settled]
        scope, names = Scope.of(operation), {*others, *(one.service for one in found)}
        served = {row.name for row in await self._store.services(scope) if row.serving}
        needs: set[str] = set()
        for one in found:
            with suppress(RwError):  # its snapshot is gone: it fails where that matters
                needs |= (await self._planner.planned(one)).needs
        return Claim(frozenset(f"{scope}/{name}" for name in names), frozenset(f"{scope}/{name}" for name in needs - served - names))

    # --- the work of up, redeploy and rollback

    async def _deploy(self, operation: Operation, target: Target, *, no_cache: bool) -> None:
        """Build all; then, service after service that refers to it, run the pre-deploy commands and release all of a row side by side.

        After a crash, those that were settled before it stay as they are: a failure is the operation's as well.
        """
        open_, failures = await self._controller.unsettled(operation.deployments)
        async with self._accepting:
            for one in open_:
                if (deployment := await self._store.deployment(one)) is not None:
                    await self._drafts.configure(deployment)
        goes_back = operation.kind is OperationKind.ROLLBACK
        how = urgency(operation.kind, operation.environment)
        await _all(self._building.build(one, target, urgency=how, no_cache=no_cache) for one in open_)
        for row in await self._rows(open_):
            for one in row:
                await self._controller.waited(one)
                if not goes_back:  # the data may be newer than what its commands know
                    await self._controller.pre_deploy(one, target)
            await _all(self._release(one, target, is_known=goes_back) for one in row)
        for error in failures:
            raise error
        if operation.deployments:
            self._swept()

    async def _rows(self, identities: Sequence[str]) -> list[list[str]]:
        """Return deployments in rows by what their services refer to; those that are not in the first wait from now on."""
        found = {one.service: one for one in [await self._store.deployment(identity) for identity in identities] if one is not None}
        needs = {name: (await self._planner.planned(one)).needs for name, one in found.items()}
        ordered, circle = in_rows(needs)
        for name in circle:
            words = f"{' and '.join(circle)} refer to each other: they start side by side."
            self._controller.remark(found[name], words)
        for row in ordered[1:]:
            for name in row:
                await self._controller.wait(found[name], (needs[name] & found.keys()) - {name})
        return [[found[name].id for name in row] for row in ordered]

    async def _release(self, identity: str, target: Target, *, is_known: bool) -> None:
        try:
            await self._watches.prepare(identity)
            await self._controller.release(identity, target, is_known=is_known)
        except RwError as error:
            # a cancel in the middle would leave what runs: by then the release is settled, and nobody looks at it again
            await to_its_end(self._controller.take_back(identity, target, DeploymentStatus.FAILED, error))
            raise
        finally:  # one that is cancelled too late serves all the same
            await to_its_end(self._watches.begin(identity, target))
            if (found := await self._store.deployment(identity)) is not None and found.status.is_settled:
                self._operations.free(found.operation, service_of(found))

    def _give_up(self, operation: Operation) -> Callable[[RwError], Awaitable[None]]:
        async def give_up(error: RwError) -> None:
            status = DeploymentStatus.CANCELLED if isinstance(error, CancelledError | SupersededError) else DeploymentStatus.FAILED
            kind = (await self._store.environments(operation.project)).get(operation.environment)
            target = next((one for one in self._targets.known() if one.kind is kind), None)
            for identity in operation.deployments:
                await self._controller.take_back(identity, target, status, error)

        return give_up

    async def resume(self, identity: str) -> None:
        """Go on with an operation that the daemon before this one left behind. Nothing for a settled one, or where somebody works on it."""
        async with self._accepting:  # one that is being accepted has nobody yet
            operation = await self._operations.read(identity)
            if not operation.status.is_settled and not self._operations.has(identity):
                await self._take_up(operation)

    async def _take_up(self, operation: Operation) -> None:
        kept = await self._store.request(operation.id)
        names = kept.pop("stale", [])
        request, scope = OperationOrder.model_validate(kept), Scope.of(operation)
        stale = [row for row in await self._store.services(scope) if row.name in names]
        environ = self._environs.find(operation.deployments[0]) if operation.deployments else {}
        kind = (await self._store.environments(operation.project)).get(operation.environment)

        async def work() -> None:
            if kind is None:
                raise CancelledError
            target = await self._targets.get(kind, environ)
            if request.kind is OperationKind.ROLLBACK and not operation.deployments:
                await self._controller.go_back(request.deployment, target, operation=operation.id)
            elif request.kind in {OperationKind.UP, OperationKind.REDEPLOY, OperationKind.ROLLBACK}:
                await self._bring_up(operation, target, stale, no_cache=request.no_cache)
            else:
                rows = [row for row in await self._store.services(scope) if row.name in operation.services]
                await self._running.work(request, operation, target, rows)

        named = () if operation.deployments or request.kind is OperationKind.UP else operation.services
        claim = await self._claim(operation, *named, *names)
        self._operations.begin(operation, work, self._give_up(operation), claim=claim)

    # --- again

    async def _again(self, scope: Scope, order: OperationOrder, actor: str, target: Target, rows: Sequence[ServiceRow]) -> Operation:
        """Deploy an earlier release once more: its snapshot, plan and variables, its artifact where it is still kept."""
        sources = [await self._source(scope, order, row) for row in rows]
        if order.kind is OperationKind.ROLLBACK and len(sources) == 1 and await self._controller.is_warm(sources[0], target):
            exact = order.model_copy(update={"deployment": sources[0].id})  # what it means must not change on the way
            operation = await self._accept(scope, exact, actor, [rows[0].name], [])
            self._operations.begin(
                operation,
                lambda: self._controller.go_back(sources[0].id, target, operation=operation.id),
                self._give_up(operation),
                claim=await self._claim(operation, rows[0].name),
            )
            return operation
        drafts = [Draft.of_earlier(source, replicas=row.replicas) for source, row in zip(sources, rows, strict=True)]
        operation = await self._accept(scope, order, actor, [row.name for row in rows], drafts)
        claim = await self._claim(operation)
        self._operations.begin(
            operation, lambda: self._deploy(operation, target, no_cache=order.no_cache), self._give_up(operation), claim=claim
        )
        return operation

    async def _source(self, scope: Scope, order: OperationOrder, row: ServiceRow) -> Deployment:
        if order.kind is OperationKind.ROLLBACK:
            return await find_source(self._store, scope, row, order.deployment)
        if order.deployment:
            return await find_deployment(self._store, order.deployment, scope=scope, service=row.name)
        serving = await self._store.deployment(row.serving) if row.serving else None
        return serving or (await self._store.deployments(scope, service=row.name, limit=1))[0]

    async def _chosen(self, scope: Scope, order: OperationOrder) -> list[ServiceRow]:
        """Return the services that an order names, all of them when it names none."""
        rows = await self._store.services(scope)
        names = [row.name for row in rows]
        wanted = [*order.services, *order.scale]
        if order.deployment.startswith("dep_") and not wanted:
            wanted = [(await find_deployment(self._store, order.deployment, scope=scope)).service]
        for name in wanted:
            if name not in names:
                raise ServiceNotFoundError(name, candidates=names)
        if not rows and order.kind is not OperationKind.DOWN:
            raise UsageError(f"Nothing runs in {scope}.", hint="Run `rw up` first.")
        return [row for row in rows if not wanted or row.name in wanted]


def _selected(found: Sequence[Planned], order: OperationOrder) -> list[tuple[Planned, ServicePlan]]:
    all_ = {service.name: (planned, service) for planned in found for service in planned.plan.services}
    for name in order.services:
        if name not in all_:
            raise ServiceNotFoundError(name, candidates=[*all_])
    return [one for name, one in all_.items() if not order.services or name in order.services]


def _check_references(services: Sequence[tuple[Planned, ServicePlan]], *, known: Collection[str]) -> None:
    """Refuse what refers to a service that is neither there nor on its way."""
    for planned, service in services:
        for name, reference, other in references(planned.config.variables):
            if other not in known:
                near = get_close_matches(other, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else "`rw up` without -s brings up all services of the file."
                words = f"{name} refers to {reference}, and there is no {other}."
                raise ConfigInvalidError(f"variables of {service.name}", words, hint=hint)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """Await everything; the first error is raised once all are done, so that nothing is left running behind it."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
