"""Asks every serving web replica again and again whether it lives, and misses those that somebody removed.

A look only looks: what is to be done about a replica is a task of the supervisor's, so that one that takes a minute to come back keeps
nobody from being looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence, Set
from dataclasses import dataclass

from rw_daemon.clock import Clock
from rw_daemon.deployments.guards import Guard
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.supervisor import Supervisor
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.edge import health
from rw_daemon.edge.edge import Endpoint
from rw_daemon.runtimes.runtime import Instance
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_shared.errors import UnreachableError
from rw_shared.models import Deployment, DeploymentStatus, TargetKind

PROBES_AT_ONCE = 32  # each is a socket; hundreds of replicas shall not cost hundreds of them


@dataclass(frozen=True)
class Question:
    """A replica that is to be asked, and at which path."""

    deployment: Deployment
    instance: Instance
    path: str


class Liveness:
    """Counts the probes that fail in a row, and tells the supervisor of who does not answer any more."""

    def __init__(
        self,
        *,
        store: Store,
        planner: Planner,
        replicas: Replicas,
        supervisor: Supervisor,
        targets: Targets,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._store, self._planner, self._replicas, self._supervisor = store, planner, replicas, supervisor
        self._targets, self._clock, self._settings = targets, clock, settings
        self._failures: dict[str, int] = {}
        """By replica: probes that failed in a row."""
        self._slots = asyncio.Semaphore(PROBES_AT_ONCE)
        self._guard = Guard("liveness")

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(self._settings.liveness_period_seconds)
            await self.look()

    async def look(self) -> None:
        """Look at everything once, side by side: neither a target nor a replica waits for another one's answer."""
        serving = await self._serving()
        # a target on which nothing serves is not asked for nothing
        found = await asyncio.gather(*(self._questions(one, serving[one.kind]) for one in self._targets.known() if one.kind in serving))
        questions = [one for each in found for one in each]
        asked = {one.instance.id for one in questions}
        self._failures = {identity: count for identity, count in self._failures.items() if identity in asked}
        await asyncio.gather(*(self._ask(one) for one in questions))

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

    async def _questions(self, target: Target, serving: Set[str]) -> list[Question]:
        """Return the replicas on a target that are to be asked; none while it is away, the next look may find it back."""
        found: list[Question] = []
        with contextlib.suppress(UnreachableError):
            for identity in serving:
                deployment = await self._store.deployment(identity)
                if deployment is None or deployment.status is not DeploymentStatus.ACTIVE:
                    continue  # the runtime is not asked for what sleeps
                with self._guard.around(deployment):
                    found += await self._of(deployment, target)
        return found

    async def _of(self, deployment: Deployment, target: Target) -> Sequence[Question]:
        release = await target.runtime.release(deployment.id)
        instances = release.instances if release else ()
        if {one.index for one in instances} < set(range(await self._replicas.wanted(deployment))):
            self._supervisor.fill(deployment, target)
        path = await self._planner.health_path(deployment)
        return [Question(deployment, one, path) for one in instances if one.is_running and one.port and self._is_settled(one)]

    def _is_settled(self, instance: Instance) -> bool:
        """Return whether a replica should answer: a new one has its own time to become healthy, one that leaves or hangs is known to."""
        is_changing = self._replicas.is_being_proven(instance) or self._replicas.is_leaving(instance)
        return not is_changing and not self._supervisor.is_at_work_on(instance)

    async def _ask(self, question: Question) -> None:
        instance = question.instance
        async with self._slots:
            lives = await health.live(
                Endpoint(instance.host, instance.port), path=question.path, timeout_seconds=self._settings.probe_timeout_seconds
            )
        self._failures[instance.id] = 0 if lives else self._failures.get(instance.id, 0) + 1
        if self._failures[instance.id] >= self._settings.liveness_failures:
            self._failures[instance.id] = 0
            self._supervisor.hangs(question.deployment, instance)
