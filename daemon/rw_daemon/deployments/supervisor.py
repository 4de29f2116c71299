"""Keeps what should run running: restarts with backoff within a budget, then gives the place up, and says why.

A release has crashed when no place of it is left; until then those of its replicas that run go on serving.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from rw_daemon.clock import Clock
from rw_daemon.deployments import explain
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.restarts import Budget, Budgets, wants_restart
from rw_daemon.deployments.router import Router, service_of
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.targets import AWAY_LOOK_SECONDS, Target, Targets
from rw_daemon.deployments.vacancies import Vacancies, Vacancy
from rw_daemon.runtimes.runtime import Instance, Release
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_shared.errors import EdgeFailedError, RwError, UnreachableError
from rw_shared.events import InstanceChanged
from rw_shared.models import Deployment, DeploymentStatus, ServiceKind


class Supervisor:
    """Looks after the replicas of every serving release."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        planner: Planner,
        operations: Operations,
        replicas: Replicas,
        router: Router,
        targets: Targets,
        exits: Exits,
        output: Output,
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
        vacancies: Vacancies,
    ) -> None:
        self._store, self._recorder, self._planner, self._replicas, self._router = store, recorder, planner, replicas, router
        self._targets, self._output, self._tasks, self._clock = targets, output, tasks, clock
        self._operations, self._exits, self._vacancies = operations, exits, vacancies
        self._budgets = Budgets(clock, settings)
        self._busy: set[str] = set()

    # --- what it is told

    def ended(self, instance: Instance) -> None:
        """Take note that a replica ended that nobody stopped on purpose, as far as the store knows."""
        self._begin(f"revive {instance.id}", lambda: self._revive(instance))

    def hangs(self, deployment: Deployment, instance: Instance) -> None:
        """Take note that a replica runs and does not answer any more."""
        self._begin(f"revive {instance.id}", lambda: self._saying(deployment, self._replace_hanging(deployment, instance)))

    def fill(self, deployment: Deployment, target: Target) -> None:
        """Start replicas that are gone without an end to be told of, unless an operation is at work, which may have its reasons."""

        async def work() -> None:
            if (await self._recorder.read(deployment.id)).status is DeploymentStatus.ACTIVE:
                self._output.remark(deployment, "a replica was removed by somebody else; another one is started")
                await self._replicas.scale(deployment, target, replicas=await self._replicas.wanted(deployment))

        self._begin(f"fill {deployment.id}", lambda: self._saying(deployment, self._operations.between(service_of(deployment), work)))

    def is_at_work_on(self, instance: Instance) -> bool:
        """Return whether something is being done about a replica, or nothing will be any more."""
        return f"revive {instance.id}" in self._busy or self._vacancies.holds(instance)

    def _begin(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Run ``work`` as a task, unless the one of that name is still at it."""

        async def run() -> None:
            try:
                await work()
            finally:
                self._busy.discard(name)

        if name not in self._busy:
            self._busy.add(name)
            self._tasks.spawn(name, run())

    async def _saying(self, deployment: Deployment, work: Awaitable[object]) -> None:
        """Say among the lines of the service what could not be done for it."""
        try:
            await work
        except RwError as error:
            self._output.remark(deployment, f"{error.message} {error.why}")

    # --- a replica that ended or hangs

    async def _revive(self, instance: Instance) -> None:
        deployment = await self._store.deployment(instance.key.deployment)
        if deployment is not None and deployment.status is DeploymentStatus.ACTIVE and instance.exit is not None:
            await self._without(deployment)
            if not self._vacancies.holds(instance):
                await self._saying(deployment, self._again(deployment, instance))

    async def _replace_hanging(self, deployment: Deployment, instance: Instance) -> None:
        with self._router.avoiding(instance):  # the pause before its restart may be minutes
            await self._without(deployment)
            await self._again(deployment, instance)

    async def _without(self, deployment: Deployment) -> None:
        """Send requests to the other replicas: one that was a container leaves an address that nobody refuses for a while."""
        if deployment.kind is ServiceKind.WEB:
            with contextlib.suppress(EdgeFailedError):
                await self._router.apply()

    async def _again(self, deployment: Deployment, instance: Instance) -> None:
        budget = self._budgets.of(instance)
        await self._clock.sleep(self._budgets.pause(instance, budget.used))
        found = await self._there(deployment, instance)
        if found is None or self._replicas.is_leaving(found):
            return  # rw itself puts an end to it: a restart, fewer replicas, a new one in its place
        await self._tell(deployment, found, budget)
        if found.exit is not None and found.exit.with_host:
            self._output.remark(deployment, f"{explain.ending(found.exit)}; it starts again", replica=instance.index)
            await self._insist(deployment, instance, restarts=budget.used)
            return
        self._exits.trouble(found)
        deploy = (await self._planner.planned(deployment)).config.deploy
        limit = self._budgets.limit(deploy)
        if not wants_restart(deploy, found.exit):
            is_done = found.exit is not None and found.exit.code == 0
            await self._give_up(deployment, Vacancy(found, found.exit, restarts=budget.used, is_done=is_done))
        elif budget.used >= limit:
            await self._give_up(deployment, Vacancy(found, found.exit, restarts=budget.used))
        else:
            budget.used += 1
            words = f"{explain.ending(found.exit)}; restart {budget.used} of {limit}"
            self._output.remark(deployment, words, replica=instance.index)
            await self._insist(deployment, instance, restarts=budget.used)
            self._budgets.begun(budget)

    async def _there(self, deployment: Deployment, instance: Instance) -> Instance | None:
        """Return a replica as it is now: one that hung may have ended; ``None`` when it is gone."""
        _, release = await self._release(deployment)
        return next((one for one in release.instances if one.id == instance.id), None)

    async def _release(self, deployment: Deployment) -> tuple[Target, Release]:
        """Return what runs of a deployment, as soon as its target answers."""
        while True:
            target = await self._reached(deployment)
            with contextlib.suppress(UnreachableError):
                return target, await target.runtime.release(deployment.id) or Release(key_of(deployment))

    async def _insist(self, deployment: Deployment, instance: Instance, *, restarts: int) -> None:
        """Renew until it is done: an engine that is away for a while must not leave a place empty for ever."""
        tries = 0
        while not await self._renew(deployment, instance, restarts=restarts):
            await self._clock.sleep(self._budgets.pause(instance, tries))
            tries += 1
            await self._reached(deployment)
            if await self._is_filled(deployment, instance):
                return

    async def _renew(self, deployment: Deployment, instance: Instance, *, restarts: int) -> bool:
        """Return whether there is nothing left to do: a failure that left no replica in the place is to be tried again."""
        if (await self._recorder.read(deployment.id)).status is not DeploymentStatus.ACTIVE:
            return True
        try:
            target = await self._target(deployment)
            await self._replicas.renew(deployment, target, instance, restarts=restarts)
        except RwError as error:
            self._output.remark(deployment, f"{error.message} {error.why}", replica=instance.index)
            return await self._is_filled(deployment, instance)
        if (await self._recorder.read(deployment.id)).status in {DeploymentStatus.ROLLED_BACK, DeploymentStatus.SLEEPING}:  # meanwhile
            await target.runtime.stop(key_of(deployment), grace_seconds=0)
        return True

    async def _is_filled(self, deployment: Deployment, instance: Instance) -> bool:
        """Tell whether another one has taken the replica's place; one that does not answer yet is the probes' business."""
        with contextlib.suppress(RwError):
            release = await (await self._target(deployment)).runtime.release(deployment.id)
            return release is not None and any(one.index == instance.index and one.id != instance.id for one in release.instances)
        return False

    async def _tell(self, deployment: Deployment, instance: Instance, budget: Budget) -> None:
        await self._store.append(
            InstanceChanged(
                at=self._clock.now(),
                **of(deployment),
                deployment=deployment.id,
                instance=instance.id,
                index=instance.index,
                state="exited" if instance.exit else "unhealthy",
                exit=explain.ending(instance.exit),
                restarts=budget.used,
            )
        )

    # --- a place that is given up, and the release with its last one

    async def _give_up(self, deployment: Deployment, vacancy: Vacancy) -> None:
        instance = vacancy.instance
        self._vacancies.leave(vacancy)
        self._budgets.drop(instance)
        wanted = await self._replicas.wanted(deployment)
        target, release = await self._release(deployment)
        left = self._vacancies.of(release)
        if {one.instance.index for one in left} >= set(range(wanted)):
            self._vacancies.forget(deployment.id)  # at once: of two that end together one ends the release
            await self._end(deployment, left, target)
            return
        self._output.remark(deployment, f"{vacancy.words}; the other replicas go on", replica=instance.index)
        if instance.is_running:
            await target.runtime.kill(instance)  # it hangs, and requests go to what runs

    async def _end(self, deployment: Deployment, left: Sequence[Vacancy], target: Target) -> None:
        """Record the end of a release by how its places came to theirs, and stop whatever still runs of it."""
        if (await self._recorder.read(deployment.id)).status is not DeploymentStatus.ACTIVE:
            return  # decided otherwise meanwhile
        failed = [one for one in left if not one.is_done]
        if failed:
            lines = await self._output.last_lines(deployment, 5)
            error = explain.crashed(deployment.service, failed[-1].exit, lines)
            await self._recorder.move(deployment.id, DeploymentStatus.CRASHED, reason=f"It {failed[-1].ending}.", error=error)
            await target.runtime.stop(key_of(deployment))
        else:
            await self._recorder.move(deployment.id, DeploymentStatus.COMPLETED, reason=f"It {left[-1].ending}.")
        await self._router.apply()

    # --- what it runs on

    async def _target(self, deployment: Deployment) -> Target:
        kind = (await self._store.environments(deployment.project))[deployment.environment]
        return await self._targets.get(kind, {})

    async def _reached(self, deployment: Deployment) -> Target:
        """Return the target as soon as it answers, however long it was away."""
        while True:
            with contextlib.suppress(UnreachableError):
                return await self._target(deployment)
            await self._clock.sleep(AWAY_LOOK_SECONDS)
