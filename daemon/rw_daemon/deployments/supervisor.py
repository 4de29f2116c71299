"""Keeps what should run running: restarts with backoff within a budget, then says that it crashed and why."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from hashlib import blake2b

from rw_daemon.clock import Clock
from rw_daemon.deployments import explain
from rw_daemon.deployments.exits import Exits
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.router import Router, service_of
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.targets import AWAY_LOOK_SECONDS, Target, Targets
from rw_daemon.edge import health
from rw_daemon.edge.edge import Edge, Endpoint
from rw_daemon.runtimes.runtime import Exit, Instance
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_shared.config import DeployConfig, RestartPolicy
from rw_shared.errors import EdgeFailedError, RwError, UnreachableError
from rw_shared.events import InstanceChanged
from rw_shared.models import Deployment, DeploymentStatus, ServiceKind, TargetKind

DOUBLINGS = 16  # of a pause: beyond any longest one, and no number that a day of trying makes too large


@dataclass
class Budget:
    """Restarts that are left to one replica, and when it last began."""

    used: int = 0
    since: float = 0.0
    failures: int = field(default=0)
    """Liveness probes that failed in a row."""


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
        edge: Edge,
    ) -> None:
        self._store, self._recorder, self._planner, self._replicas, self._router = store, recorder, planner, replicas, router
        self._targets, self._output, self._tasks, self._clock, self._settings = targets, output, tasks, clock, settings
        self._edge, self._operations = edge, operations
        self._budgets: dict[tuple[str, int], Budget] = {}
        self._busy: set[str] = set()
        self._exits = exits

    def ended(self, instance: Instance) -> None:
        """Take note that a replica ended that nobody stopped on purpose, as far as the store knows."""
        name = f"revive {instance.id}"
        if name not in self._busy:
            self._busy.add(name)
            self._tasks.spawn(name, self._revive(instance, name))

    async def _revive(self, instance: Instance, name: str) -> None:
        try:
            deployment = await self._store.deployment(instance.key.deployment)
            if deployment is not None and deployment.status is DeploymentStatus.ACTIVE and instance.exit is not None:
                await self._without(deployment)
                await self._again(deployment, instance, instance.exit)
        finally:
            self._busy.discard(name)

    async def _without(self, deployment: Deployment) -> None:
        """Send requests to the other replicas: one that was a container leaves an address that nobody refuses for a while."""
        if deployment.kind is ServiceKind.WEB:
            with contextlib.suppress(EdgeFailedError):
                await self._router.apply()

    async def _again(self, deployment: Deployment, instance: Instance, exit_: Exit) -> None:
        budget = self._budget(deployment, instance)
        await self._clock.sleep(self._pause(instance, budget.used))
        if not await self._is_there(deployment, instance):
            return  # rw itself put an end to it: a restart, fewer replicas, a new one in its place
        await self._told(deployment, instance, exit_, budget)
        if exit_.with_host:
            self._output.remark(deployment, f"{explain.ending(exit_)}; it starts again", replica=instance.index)
            await self._insist(deployment, instance, restarts=budget.used)
            return
        self._exits.trouble(instance)
        deploy = (await self._planner.planned(deployment)).config.deploy
        limit = self._settings.restart_budget if deploy.restart_policy_max_retries is None else deploy.restart_policy_max_retries
        if not wants_restart(deploy, exit_):
            await self._over(deployment, exit_)
        elif budget.used >= limit:
            await self._crashed(deployment, exit_, restarts=budget.used)
        else:
            budget.used += 1
            words = f"{explain.ending(exit_)}; restart {budget.used} of {limit}"
            self._output.remark(deployment, words, replica=instance.index)
            await self._insist(deployment, instance, restarts=budget.used)

    async def _is_there(self, deployment: Deployment, instance: Instance) -> bool:
        while True:
            target = await self._reached(deployment)
            with contextlib.suppress(UnreachableError):
                release = await target.runtime.release(deployment.id)
                return release is not None and any(one.id == instance.id for one in release.instances)

    async def _insist(self, deployment: Deployment, instance: Instance, *, restarts: int) -> None:
        """Renew until it is done: an engine that is away for a while must not leave a place empty for ever."""
        tries = 0
        while not await self._renew(deployment, instance, restarts=restarts):
            await self._clock.sleep(self._pause(instance, tries))
            tries += 1
            await self._reached(deployment)
            if await self._is_filled(deployment, instance):
                return

    def _pause(self, instance: Instance, restarts: int) -> float:
        return pause_before(
            restarts, name=instance.id, first=self._settings.restart_first_seconds, last=self._settings.restart_last_seconds
        )

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

    def _budget(self, deployment: Deployment, instance: Instance) -> Budget:
        """Return the replica's budget, full again after it has lived long enough."""
        now = self._clock.monotonic()
        budget = self._budgets.setdefault((deployment.id, instance.index), Budget(since=now))
        if now - budget.since > self._settings.restart_budget_refill_seconds:
            budget.used = 0
        budget.since = now
        return budget

    async def _told(self, deployment: Deployment, instance: Instance, exit_: Exit, budget: Budget) -> None:
        await self._store.append(
            InstanceChanged(
                at=self._clock.now(),
                **of(deployment),
                deployment=deployment.id,
                instance=instance.id,
                index=instance.index,
                state="exited",
                exit=explain.ending(exit_),
                restarts=budget.used,
            )
        )

    async def _over(self, deployment: Deployment, exit_: Exit) -> None:
        status = DeploymentStatus.COMPLETED if exit_.code == 0 else DeploymentStatus.CRASHED
        await self._recorder.move(deployment.id, status, reason=f"It {explain.ending(exit_)}.")
        await self._router.apply()

    async def _crashed(self, deployment: Deployment, exit_: Exit, *, restarts: int) -> None:
        lines = await self._output.last_lines(deployment, 5)
        error = explain.crashed(deployment.service, exit_, lines)
        await self._recorder.move(
            deployment.id, DeploymentStatus.CRASHED, reason=f"It {explain.ending(exit_)} after {restarts} restarts.", error=error
        )
        await (await self._target(deployment)).runtime.stop(key_of(deployment), grace_seconds=self._settings.grace_seconds)
        await self._router.apply()

    async def _target(self, deployment: Deployment) -> Target:
        kind = (await self._store.environments(deployment.project))[deployment.environment]
        return await self._targets.get(kind, {})

    async def _reached(self, deployment: Deployment) -> Target:
        """Return the target as soon as it answers, however long it was away."""
        while True:
            with contextlib.suppress(UnreachableError):
                return await self._target(deployment)
            await self._clock.sleep(AWAY_LOOK_SECONDS)

    # --- the edge

    async def keep_edge(self) -> None:
        """Bring the edge up again whenever it ends, with the routes it had."""
        while True:
            await self._edge.ended()
            await self._edge.resume()
            await self._router.apply()

    # --- liveness

    async def keep_alive(self) -> None:
        """Probe every serving web replica for ever; one that fails several times in a row is replaced. The edge is tended as well."""
        while True:
            await self._clock.sleep(self._settings.liveness_period_seconds)
            await self.tend()
            serving = await self._serving()
            for target in self._targets.known():
                if releases := serving.get(target.kind):  # a target on which nothing serves is not asked for nothing
                    with contextlib.suppress(UnreachableError):  # who is away for a while is looked at the next time
                        await self.look(target, releases)

    async def tend(self) -> None:
        """Look after the edge once; routes that it did not take are handed to it again."""
        await self._edge.tend()
        with contextlib.suppress(EdgeFailedError):
            await self._router.catch_up()

    async def _serving(self) -> dict[TargetKind, set[str]]:
        """Return the releases that serve, by what they run on."""
        found: dict[TargetKind, set[str]] = {}
        kinds: dict[str, dict[str, TargetKind]] = {}
        for row in await self._store.services():
            if row.serving:
                if row.project not in kinds:
                    kinds[row.project] = await self._store.environments(row.project)
                found.setdefault(kinds[row.project][row.environment], set()).add(row.serving)
        return found

    async def look(self, target: Target, serving: set[str]) -> None:
        """Probe each running replica of the releases ``serving`` on ``target`` once, and miss those that somebody removed."""
        for identity in serving:
            deployment = await self._store.deployment(identity)
            if deployment is None or deployment.status is not DeploymentStatus.ACTIVE:
                continue  # the runtime is not asked for what sleeps
            release = await target.runtime.release(identity)
            instances = release.instances if release else ()
            if {one.index for one in instances} < set(range(await self._replicas.wanted(deployment))):
                self._fill(deployment, target)
            path = await self._planner.health_path(deployment)
            for instance in instances:
                if instance.is_running and instance.port:
                    await self._probe(deployment, instance, path)

    def _fill(self, deployment: Deployment, target: Target) -> None:
        """Start replicas that are gone without an end to be told of, unless an operation is at work, which may have its reasons."""
        name = f"fill {deployment.id}"

        async def work() -> None:
            if (await self._recorder.read(deployment.id)).status is DeploymentStatus.ACTIVE:
                self._output.remark(deployment, "a replica was removed by somebody else; another one is started")
                await self._replicas.scale(deployment, target, replicas=await self._replicas.wanted(deployment))

        async def fill() -> None:
            try:
                await self._operations.between(service_of(deployment), work)
            except RwError as error:
                self._output.remark(deployment, f"{error.message} {error.why}")
            finally:
                self._busy.discard(name)

        if name not in self._busy:
            self._busy.add(name)
            self._tasks.spawn(name, fill())

    async def _probe(self, deployment: Deployment, instance: Instance, path: str) -> None:
        budget = self._budgets.setdefault((deployment.id, instance.index), Budget(since=self._clock.monotonic()))
        if await health.live(Endpoint(instance.host, instance.port), path=path, timeout_seconds=self._settings.probe_timeout_seconds):
            budget.failures = 0
            return
        budget.failures += 1
        if budget.failures >= self._settings.liveness_failures:
            budget.failures = 0
            self._exits.trouble(instance)
            self._output.remark(
                deployment,
                f"does not answer any more: failed {self._settings.liveness_failures} probes; it is replaced",
                replica=instance.index,
            )
            if not await self._renew(deployment, instance, restarts=budget.used):
                self._tasks.spawn(f"refill {instance.id}", self._insist(deployment, instance, restarts=budget.used))


def pause_before(restarts: int, *, name: str, first: float, last: float) -> float:
    """Return how long a replica waits for its next start, in seconds: doubling from ``first`` to ``last``, and up to a quarter longer.

    How much longer goes by its ``name``, so that replicas that fell together (their database was away) do not come back together.
    """
    share = int.from_bytes(blake2b(f"{name} {restarts}".encode(), digest_size=4).digest(), "big") / 2**32
    return min(first * 2.0 ** min(restarts, DOUBLINGS), last) * (1 + share / 4)


def wants_restart(deploy: DeployConfig, exit_: Exit) -> bool:
    """Return whether the policy starts a replica again that ended so."""
    if deploy.restart_policy_type is RestartPolicy.NEVER:
        return False
    return deploy.restart_policy_type is RestartPolicy.ALWAYS or exit_.code != 0 or exit_.signal != 0
