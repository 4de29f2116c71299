"""Rollouts as people see them: which are going on, and what may be said to them."""

from __future__ import annotations

from rw_daemon.clock import Clock
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.rollout import IN_STEPS, Rollout, has_steps, shares_of
from rw_daemon.deployments.router import Router, is_proven, preview_of
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.verdicts import EVERYTHING, said_of
from rw_daemon.deployments.watches import Watches
from rw_daemon.store.store import Store
from rw_shared import rollouts as shared
from rw_shared.config import RolloutConfig
from rw_shared.errors import AlreadySwitchedError, NoRolloutError, NothingToCompareError, OnlyWatchedError
from rw_shared.events import RolloutAborted
from rw_shared.models import Deployment, DeploymentStatus, Pace, Scope

LOOK_SECONDS = 0.05
ABORT_SECONDS = 90.0  # open requests may take 30 s to end, and an app as long to stop


class Rollouts:
    """Answers about rollouts, and passes on what people want of them."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        planner: Planner,
        controller: Controller,
        watches: Watches,
        operations: Operations,
        rollout: Rollout,
        router: Router,
        clock: Clock,
    ) -> None:
        self._store, self._recorder, self._planner, self._controller, self._operations = store, recorder, planner, controller, operations
        self._rollout, self._router, self._watches, self._clock = rollout, router, watches, clock

    async def going_on(self, scope: Scope) -> list[shared.Rollout]:
        """Return the rollouts of an environment that are going on, by service; then the releases that have everything and are watched."""
        found = [await self._told(deployment, config) for deployment, config in await self._going_on(scope)]
        return [*found, *[await self._told(*one) for one in await self._watched(scope)]]

    async def pace(self, scope: Scope, service: str, pace: Pace, *, actor: str) -> shared.Rollout:
        """Pause a service's rollout, have it go on, or skip the rest: of its steps, or of its watch, which never pauses.

        ``NoRolloutError`` when there is none; ``NothingToCompareError`` when it will have no steps; ``OnlyWatchedError`` and
        ``AlreadySwitchedError`` when it has every request.
        """
        deployment, config = await self._one(scope, service)
        if deployment.status is DeploymentStatus.ACTIVE:
            if pace is not Pace.PROMOTED:
                raise OnlyWatchedError(service)
            await self._watches.end(deployment.id, actor=actor)
        else:
            await self._paced(deployment, config, pace, actor)
        return await self._told(await self._recorder.read(deployment.id), config)

    async def _paced(self, deployment: Deployment, config: RolloutConfig, pace: Pace, actor: str) -> None:
        if pace is not Pace.STEPS and not self._rollout.is_heeded(deployment.id) and not await self._has_steps(deployment, config):
            raise NothingToCompareError(deployment.service, version=deployment.version)
        said = await said_of(self._store, deployment.id)
        is_early = pace is Pace.STEPS and not config.auto_promote and said.paced is None  # said before rw itself pauses the first step
        if deployment.pace is not pace or is_early:
            await self._rollout.pace(deployment, pace, actor=actor)
        if pace is Pace.PAUSED:
            await self._check_paused(deployment, is_watched=said.watched is not None)

    async def _check_paused(self, deployment: Deployment, *, is_watched: bool) -> None:
        """Raise what a pause is answered with that came while the release was given every request."""
        while self._rollout.is_switching(deployment.id):
            await self._clock.sleep(LOOK_SECONDS)
        if (await self._recorder.read(deployment.id)).status is DeploymentStatus.ACTIVE:
            raise OnlyWatchedError(deployment.service) if is_watched else AlreadySwitchedError(deployment.service, deployment.version)

    async def _has_steps(self, deployment: Deployment, config: RolloutConfig) -> bool:
        row = await self._controller.row(deployment)
        return has_steps(config, deployment, await self._store.deployment(row.serving) if row.serving else None)

    async def abort(self, scope: Scope, service: str, *, actor: str = "user") -> Deployment:
        """Take a service's new release back; returns once the old one has everything again.

        ``NoRolloutError``; ``AlreadySwitchedError`` when it has every request for good.
        """
        deployment, _ = await self._one(scope, service)
        await self._store.append(RolloutAborted(at=self._clock.now(), **{**of(deployment), "actor": actor}, deployment=deployment.id))
        if deployment.status is DeploymentStatus.ACTIVE:
            await self._watches.abort(deployment.id)
        elif not self._rollout.abort(deployment.id):  # it is being built or proven: nothing of it was asked yet
            await self._operations.cancel(deployment.operation)
        deadline = self._clock.monotonic() + ABORT_SECONDS
        while not (found := await self._recorder.read(deployment.id)).status.is_settled and self._clock.monotonic() < deadline:
            await self._clock.sleep(LOOK_SECONDS)
        return await self._aborted_late(found, scope) if found.status is DeploymentStatus.ACTIVE else found

    async def _aborted_late(self, deployment: Deployment, scope: Scope) -> Deployment:
        """Take back one that was being switched when it was aborted, if it is going to be watched: its old release stays for that."""
        deadline = self._clock.monotonic() + ABORT_SECONDS
        while (await said_of(self._store, deployment.id)).watched and self._clock.monotonic() < deadline:
            if deployment.id in self._watches.going_on(scope):
                await self._watches.abort(deployment.id)
                break
            await self._clock.sleep(LOOK_SECONDS)
        found = await self._recorder.read(deployment.id)
        if found.status is DeploymentStatus.ACTIVE:
            raise AlreadySwitchedError(found.service, found.version)
        return found

    async def _going_on(self, scope: Scope) -> list[tuple[Deployment, RolloutConfig]]:
        found = []
        for deployment in reversed(await self._store.deployments(scope, unsettled=True, limit=100)):  # a newer one waits for its turn
            config = (await self._planner.planned(deployment)).config.deploy.rollout
            if config.strategy in IN_STEPS and deployment.status is not DeploymentStatus.REMOVING:
                found.append((deployment, config))
        return sorted(found, key=lambda one: one[0].service)

    async def _one(self, scope: Scope, service: str) -> tuple[Deployment, RolloutConfig]:
        for deployment, config in [*await self._going_on(scope), *await self._watched(scope)]:
            if deployment.service == service:
                return deployment, config
        raise NoRolloutError(service)

    async def _watched(self, scope: Scope) -> list[tuple[Deployment, RolloutConfig]]:
        found = [await self._recorder.read(identity) for identity in self._watches.going_on(scope)]
        return [(one, (await self._planner.planned(one)).config.deploy.rollout) for one in found]

    async def _told(self, deployment: Deployment, config: RolloutConfig) -> shared.Rollout:
        row, said = await self._controller.row(deployment), await said_of(self._store, deployment.id)
        is_watched = deployment.status is DeploymentStatus.ACTIVE
        before = said.watched.before if is_watched and said.watched else row.serving
        old = await self._store.deployment(before) if before else None
        return shared.Rollout(
            deployment=deployment.id,
            service=deployment.service,
            version=deployment.version,
            serving_version=old.version if old else 0,
            strategy=config.strategy,
            status=deployment.status,
            pace=deployment.pace,
            share=EVERYTHING if is_watched else deployment.share,
            steps=(*shares_of(config), EVERYTHING),
            preview=f"http://{preview_of(deployment, row)}:{self._router.port}" if is_proven(deployment) and not is_watched else "",
            verdict=said.last.verdict if said.last else "",
            words=said.last.words if said.last else "",
        )
