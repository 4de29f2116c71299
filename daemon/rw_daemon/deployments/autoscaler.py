"""Has the number of replicas follow the load, where the file says between which bounds (``[deploy.scale]``)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from rw_daemon.clock import Clock
from rw_daemon.deployments.followed import Followed
from rw_daemon.deployments.guards import Guard
from rw_daemon.deployments.operations import Operations
from rw_daemon.deployments.output import Output
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.replicas import Replicas
from rw_daemon.deployments.router import service_of
from rw_daemon.deployments.scaling import Bounds, Load, wanted
from rw_daemon.deployments.steps import of
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.edge.edge import Edge
from rw_daemon.runtimes.runtime import Release, Sample
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_daemon.tasks import Tasks
from rw_shared.config import DeployConfig, ScaleConfig
from rw_shared.errors import EdgeFailedError, RwError, UnreachableError
from rw_shared.events import ServiceScaled
from rw_shared.models import Deployment, DeploymentStatus


@dataclass
class Watch:
    """What is remembered of one release."""

    at: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    """CPU seconds of each replica at ``at``."""
    loads: list[Load] = field(default_factory=list)


class Autoscaler:
    """Looks at the load of every serving release, and changes its replicas while no operation is at work on its service."""

    def __init__(
        self,
        *,
        store: Store,
        planner: Planner,
        replicas: Replicas,
        operations: Operations,
        targets: Targets,
        output: Output,
        edge: Edge,
        tasks: Tasks,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._store, self._planner, self._replicas, self._operations = store, planner, replicas, operations
        self._targets, self._output, self._edge, self._tasks = targets, output, edge, tasks
        self._clock, self._settings = clock, settings
        self._watched: dict[str, Watch] = {}
        self._guard = Guard("scaling")
        self._followed = Followed(store, planner, lambda deploy: deploy.scale is not None)

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(self._settings.scale_period_seconds)
            await self.look()

    async def look(self) -> None:
        """Take the figures of each release once, and begin what they ask for."""
        followed = await self._followed.read()
        self._watched = {identity: watch for identity, watch in self._watched.items() if identity in followed}
        if not followed:
            return  # no runtime is asked for nothing: every few seconds, that is what an idle daemon would do most
        await asyncio.gather(*(self._look(target, followed) for target in self._targets.known()))  # none waits for another one's answer

    async def _look(self, target: Target, followed: dict[str, Deployment]) -> None:
        with suppress(UnreachableError, EdgeFailedError, TimeoutError):  # what cannot be measured is not scaled; the next look may
            async with asyncio.timeout(self._settings.answer_seconds):
                releases = await target.runtime.releases()
            await self._look_at(releases, followed, target)

    async def _look_at(self, releases: Sequence[Release], followed: dict[str, Deployment], target: Target) -> None:
        for release in releases:
            deployment = followed.get(release.key.deployment)
            running = sum(one.is_running for one in release.instances)
            if deployment is None or running < deployment.replicas:  # an empty place is the supervisor's
                continue
            with self._guard.around(deployment):
                await self._follow(release, deployment, target, running=running)

    async def _follow(self, release: Release, deployment: Deployment, target: Target, *, running: int) -> None:
        deploy = (await self._planner.planned(deployment)).config.deploy
        if deploy.scale is None:
            return
        watch = await self._measured(release, deploy, deploy.scale, target)
        number = wanted(watch.loads, running=running, bounds=self._bounds(deploy.scale))
        if number != running:
            words = words_of(watch.loads, running=running, seconds=self._settings.scale_window_seconds)
            self._tasks.spawn(f"scale {deployment.id}", self._change(deployment, target, running, number, words))

    def _bounds(self, scale: ScaleConfig) -> Bounds:
        return Bounds(scale.least, scale.max, self._settings.scale_window_seconds, self._settings.scale_panic_seconds)

    async def _measured(self, release: Release, deploy: DeployConfig, scale: ScaleConfig, target: Target) -> Watch:
        watch, now = self._watched.setdefault(release.key.deployment, Watch()), self._clock.monotonic()
        samples = await target.runtime.samples(release)
        in_flight = await self._edge.active(release.key.deployment) if scale.requests else 0
        cpu = {one.instance: one.cpu_seconds for one in samples}
        used = sum(max(seconds - watch.cpu[name], 0) for name, seconds in cpu.items() if name in watch.cpu)
        cores = used / (now - watch.at) if now > watch.at else 0.0
        known, watch.at, watch.cpu = bool(watch.cpu) or not scale.cpu, now, cpu
        if known:  # CPU is a difference: the first look says nothing
            watch.loads.append(Load(now, load_of(deploy, scale, cores=cores, samples=samples, in_flight=in_flight)))
        watch.loads = [one for one in watch.loads if one.at >= now - 2 * self._settings.scale_window_seconds]
        return watch

    async def _change(self, deployment: Deployment, target: Target, before: int, number: int, words: str) -> None:
        async def work() -> None:
            fresh = await self._store.deployment(deployment.id)
            if fresh is None or fresh.status is not DeploymentStatus.ACTIVE:
                return
            try:
                await self._replicas.scale(fresh, target, replicas=number)
            except RwError as error:
                self._output.remark(fresh, f"{before} replicas stay, {number} could not be had: {error.message} {error.why}")
            else:
                self._output.remark(fresh, f"{number} replicas instead of {before}: {words}")
                await self._told(fresh, number, words)
            finally:
                self._watched.pop(deployment.id, None)  # the next change needs a window of its own

        await self._operations.between(service_of(deployment), work)

    async def _told(self, deployment: Deployment, number: int, words: str) -> None:
        await self._store.append(
            ServiceScaled(at=self._clock.now(), **of(deployment), deployment=deployment.id, replicas=number, reason=words)
        )


def load_of(deploy: DeployConfig, scale: ScaleConfig, *, cores: float, samples: Sequence[Sample], in_flight: int) -> float:
    """Return a release's load in replicas that would be at their target: of what the service looks at, the most pressing."""
    loads = [0.0]
    if scale.cpu:
        loads.append(cores / (scale.cpu * (deploy.cpu or 1.0)))
    if scale.memory and deploy.memory_bytes:
        loads.append(sum(one.memory_bytes for one in samples) / (scale.memory * deploy.memory_bytes))
    if scale.requests:
        loads.append(in_flight / scale.requests)
    return max(loads)


def words_of(loads: Sequence[Load], *, running: int, seconds: float) -> str:
    """Return the numbers behind a change in words: of the last ``seconds``."""
    if not loads:
        return "the bounds in deploy.scale are others now"
    highest = max(one.replicas for one in loads if one.at >= loads[-1].at - seconds)
    return f"{loads[-1].replicas / running:.0%} of the target by now, {highest / running:.0%} at most"
