"""Artifacts: found where they were made before, else built, a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from rw_daemon.builds.builder import SOURCE_DATE_EPOCH, BuildOrder, BuildOutput
from rw_daemon.clock import Clock
from rw_daemon.deployments.deadlines import moving
from rw_daemon.deployments.environs import Environs
from rw_daemon.deployments.offers import Offers
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planned, Planner, digest
from rw_daemon.deployments.release import epoch_of
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.targets import Target
from rw_daemon.deployments.turns import Turns, Urgency
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_shared.events import DeploymentBuilt
from rw_shared.models import Artifact, Deployment, DeploymentStatus, StepName


class Building:
    """The first step of a deployment. May be called again after a crash and then does only what is missing."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        planner: Planner,
        offers: Offers,
        output: Output,
        environs: Environs,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._store, self._recorder, self._planner, self._offers = store, recorder, planner, offers
        self._output, self._environs = output, environs
        self._clock, self._settings = clock, settings
        self._turns = Turns(settings.builds_at_once)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By order: whoever waits for one keeps it."""

    async def build(self, identity: str, target: Target, *, urgency: Urgency, no_cache: bool = False) -> None:
        """Make the artifact, or find it. Equal orders are built once, also when several services ask at the same time."""
        if await self._recorder.is_done(identity, StepName.BUILD):
            return
        deployment = await self._recorder.read(identity)
        order = await self._order(deployment, await self._planner.planned(deployment), no_cache=no_cache)
        lock = self._locks.setdefault(order.key, asyncio.Lock())
        async with lock:
            found = None if no_cache else await target.builder.find(order.key)
            if found is not None:
                await self._step(deployment, lambda: _kept(found))
                return
            async with self._turns.turn(urgency, waits=lambda: self._waits(deployment)):
                await self._step(deployment, lambda: self._built(deployment, order, target))

    async def _step(self, deployment: Deployment, make: Callable[[], Awaitable[Artifact]]) -> None:
        await self._recorder.move(deployment.id, DeploymentStatus.BUILDING)
        async with self._recorder.step(deployment.id, StepName.BUILD) as step:
            artifact = await make()
            step.detail = "reused" if artifact.reused else ""
            event = DeploymentBuilt(at=self._clock.now(), **of(deployment), deployment=deployment.id, artifact=artifact)
            await self._store.append(event)

    async def _waits(self, deployment: Deployment) -> None:
        words = f"As many builds as may run at once are running: {self._settings.builds_at_once} (RW_BUILDS_AT_ONCE)."
        await self._recorder.move(deployment.id, DeploymentStatus.WAITING, reason=words)
        self._output.remark(deployment, f"{words} This one waits for its turn.")

    async def _order(self, deployment: Deployment, planned: Planned, *, no_cache: bool) -> BuildOrder:
        own = await self._offers.own(deployment)
        declared = {name for step in planned.plan.steps for name in step.variables}
        used = own if "*" in declared or planned.plan.as_is else {name: own[name] for name in own.keys() & declared}
        environ = self._environs.find(deployment.id)
        epoch = epoch_of(own, environ)
        if epoch is not None and ("*" in declared or planned.plan.as_is):
            used = {**used, SOURCE_DATE_EPOCH: str(epoch)}
        key = digest([planned.plan.wire(), deployment.snapshot, used, *([] if epoch is None else [epoch])])
        labels = {"rw.project": deployment.project, "rw.environment": deployment.environment, "rw.service": deployment.service}
        return BuildOrder(
            key=key,
            plan=planned.plan,
            snapshot=deployment.snapshot,
            labels=labels,
            commit=deployment.commit,
            variables=used,
            environ=environ,
            epoch=epoch,
            cache=planned.config.build.cache or "",
            no_cache=no_cache,
        )

    async def _built(self, deployment: Deployment, order: BuildOrder, target: Target) -> Artifact:
        """Build under a deadline that every word of progress puts off."""
        async with moving("build", seconds=self._settings.step_deadline_seconds) as moved:

            def show(output: BuildOutput) -> None:
                moved()
                self._output.build(deployment, output)

            return await target.builder.build(order, output=show)


async def _kept(artifact: Artifact) -> Artifact:
    return artifact.model_copy(update={"reused": True})
