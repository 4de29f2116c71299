"""After the last shift: a release is compared for a while with what the one before it did, and taken back while that one is still warm."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.judge import Judge, Limits
from rw_daemon.deployments.judgements import Verdict
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.proving import Proving
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.targets import Target
from rw_daemon.deployments.verdicts import EVERYTHING, outcome_of, said_of
from rw_daemon.deployments.windows import Told, Trial, Windows
from rw_daemon.edge.edge import Edge, Traffic
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_shared.config import Strategy
from rw_shared.errors import EdgeFailedError, RolloutFailedError, RwError
from rw_shared.events import RolloutWatched, RolloutWatchEnded
from rw_shared.models import Deployment, DeploymentStatus, Scope, ServiceKind


@dataclass
class Watch:
    """A release that is being watched."""

    service: tuple[str, str, str]
    told: Told = field(default_factory=Told)
    ending: str = "Another release came before the watch was over."
    """Why it ends early, should somebody say so."""
    actor: str = "rw"
    """Who ends it."""
    task: asyncio.Task[None] | None = None


class Watches:
    """Watches releases. What a watch needs is in its event, and each window is one: a new daemon goes on where this one was."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        planner: Planner,
        proving: Proving,
        controller: Controller,
        exits: Exits,
        windows: Windows,
        edge: Edge,
        tasks: Tasks,
    ) -> None:
        self._store, self._recorder, self._controller, self._exits = store, recorder, controller, exits
        self._planner, self._proving = planner, proving
        self._windows, self._edge, self._tasks = windows, edge, tasks
        self._going_on: dict[str, Watch] = {}

    def going_on(self, scope: Scope) -> list[str]:
        """Return the deployments of an environment that are being watched."""
        place = (scope.project, scope.environment)
        return [identity for identity, watch in self._going_on.items() if watch.service[:2] == place]

    async def end(self, identity: str, *, actor: str) -> None:
        """End a watch by hand: the release stays."""
        if watch := self._going_on.get(identity):
            watch.ending, watch.actor = "It was ended by hand.", actor
            await self._word(watch)

    async def abort(self, identity: str) -> None:
        """Take a watched release back by hand; returns once the one before it has everything again."""
        if watch := self._going_on.get(identity):
            watch.told.is_aborted = True
            await self._word(watch)

    async def prepare(self, identity: str) -> None:
        """Before a release starts: end the watch of the one before it, and note what that one did so far, to compare with."""
        deployment = await self._recorder.read(identity)
        await self._end_others(deployment)
        config = (await self._planner.planned(deployment)).config.deploy.rollout
        row = await self._controller.row(deployment)
        old = await self._store.deployment(row.serving) if row.serving not in {"", identity} else None
        if not config.monitor_seconds or deployment.kind is not ServiceKind.WEB or config.strategy is Strategy.RECREATE:
            return  # nothing to compare, or no old release that stays to go back to
        if old is None or old.status is not DeploymentStatus.ACTIVE or (await said_of(self._store, identity)).watched is not None:
            return
        so_far = await self._figures(old.id)
        await self._store.append(
            RolloutWatched(
                at=self._recorder.now(),
                **of(deployment),
                deployment=identity,
                before=old.id,
                seconds=config.monitor_seconds,
                requests=so_far.requests,
                failed=so_far.failed,
                latency_ms=so_far.latency_ms,
            )
        )

    async def begin(self, identity: str, target: Target) -> None:
        """Watch a release that serves, where it is to be watched; go on with a watch that a daemon before this one began."""
        said = await said_of(self._store, identity)
        if said.watched is None or identity in self._going_on or not await self._is_serving(identity):
            return
        deployment = await self._recorder.read(identity)
        watch = self._going_on[deployment.id] = Watch(_service(deployment))
        watch.task = self._tasks.spawn(f"watch {deployment.id}", self._run(deployment, said.watched, watch, target))

    async def _run(self, deployment: Deployment, watched: RolloutWatched, watch: Watch, target: Target) -> None:
        config = (await self._planner.planned(deployment)).config.deploy.rollout
        trial = Trial(
            deployment,
            watched.before,
            config,
            (),  # the supervisor asks whether its replicas live: it knows which ones it stopped itself
            self._exits.alarm(deployment.id),
            lambda one: self._proving.ending(deployment, one),
            target,
            Traffic(watched.requests, watched.failed, watched.latency_ms),
        )
        try:
            outcome, words = await self._judged(trial, watched.seconds, watch)
        except RolloutFailedError as error:
            outcome, words = "bad", await self._taken_back(trial, error, target)
        finally:
            trial.ended.cancel()
            del self._going_on[deployment.id]
        about = {**of(deployment), "actor": watch.actor, "deployment": deployment.id}
        await self._store.append(RolloutWatchEnded(at=self._recorder.now(), **about, outcome=outcome, words=words))

    async def _judged(self, trial: Trial, seconds: float, watch: Watch) -> tuple[str, str]:
        """Look at the windows that are left: counted, so that no clock matters. Two at least in all: one alone never proves anything."""
        length = min(trial.config.step_seconds, seconds / 2) or seconds
        judge = Judge(Limits(trial.config.max_error_rate, trial.config.max_latency_seconds), fixed=trial.before)
        while len(seen := (await said_of(self._store, trial.deployment.id)).watch) < math.ceil(seconds / length):
            found = await self._windows.look(trial, judge, watch.told, share=EVERYTHING, seconds=length)
            if found is None or not await self._is_serving(trial.deployment.id):
                return "ended", watch.ending
            await self._recorder.judged(trial.deployment, EVERYTHING, found)
            if found.verdict is Verdict.BAD:
                raise trial.failed(EVERYTHING, found.words)
        return outcome_of(seen, seconds=seconds)

    async def _taken_back(self, trial: Trial, error: RolloutFailedError, target: Target) -> str:
        """Give everything back to the release before, and say what came of it."""
        deployment, old = trial.deployment, await self._recorder.read(trial.serving)
        if not await self._is_serving(deployment.id):
            return f"{error.why} Something else serves already."
        try:
            if not await self._controller.is_warm(old, target):
                return f"{error.why} v{old.version} does not run any more: `rw deployments rollback v{old.version}` starts it again."
            await self._controller.go_back(old.id, target, operation=deployment.operation, error=error)
        except RwError as trouble:
            return f"{error.why} It could not be taken back: {trouble.message} `rw deployments rollback v{old.version}` tries again."
        return f"{error.why} v{old.version} has every request again."

    async def _end_others(self, deployment: Deployment) -> None:
        for watch in [one for one in self._going_on.values() if one.service == _service(deployment)]:
            await self._word(watch)

    async def _word(self, watch: Watch) -> None:
        watch.told.news.set()
        if watch.task is not None:
            await asyncio.wait({watch.task})  # one that is being taken back is back by then

    async def _is_serving(self, identity: str) -> bool:
        deployment = await self._recorder.read(identity)
        rows = await self._store.services(Scope.of(deployment))
        return deployment.status is DeploymentStatus.ACTIVE and any(row.serving == identity for row in rows)

    async def _figures(self, release: str) -> Traffic:
        try:
            return (await self._edge.samples(release))[release]
        except EdgeFailedError:
            return Traffic()


def _service(deployment: Deployment) -> tuple[str, str, str]:
    return deployment.project, deployment.environment, deployment.service
