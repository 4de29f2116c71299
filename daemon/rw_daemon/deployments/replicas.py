"""The replicas of a release that serves: one replaced, all restarted, more or fewer of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rw_daemon.clock import Clock
from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.proving import Proving
from rw_daemon.deployments.router import Router
from rw_daemon.deployments.steps import of
from rw_daemon.deployments.targets import Target
from rw_daemon.logs.collector import Collector
from rw_daemon.runtimes.runtime import Instance, Release, ReleaseSpec
from rw_daemon.store.store import Store
from rw_shared.events import InstanceChanged
from rw_shared.models import Deployment, Scope, ServiceKind


class Replicas:
    """Changes what runs of a release without changing the release."""

    def __init__(
        self, *, store: Store, proving: Proving, controller: Controller, router: Router, collector: Collector, clock: Clock
    ) -> None:
        self._store, self._proving, self._controller, self._router = store, proving, controller, router
        self._collector, self._clock = collector, clock
        self._unproven: set[str] = set()
        self._leaving: set[str] = set()

    def is_being_proven(self, instance: Instance) -> bool:
        """Return whether a replica is new and still has time to become healthy."""
        return instance.id in self._unproven

    def is_leaving(self, instance: Instance) -> bool:
        """Return whether a replica is being stopped on purpose: its end needs nobody, and its answers are over before it."""
        return instance.id in self._leaving

    async def wanted(self, deployment: Deployment) -> int:
        """Return how many a serving release should have: what was said last, unless by a newer one that is still on its way."""
        row = await self._controller.row(deployment)
        scope = Scope.of(row)
        newest = (await self._store.deployments(scope, service=row.name, limit=1))[0]
        return row.replicas if newest.id == deployment.id or newest.status.is_settled else deployment.replicas

    async def renew(
        self, deployment: Deployment, target: Target, instance: Instance, *, is_gentle: bool = False, restarts: int = 0
    ) -> None:
        """Put a new replica in the place of ``instance`` and prove it; requests for the only one wait meanwhile.

        :param is_gentle: the old one, which gets no requests, is asked to stop and has its time; else it is killed: it hangs, or has ended.
        """
        spec = await self._controller.spec(deployment)
        fresh = await target.runtime.replace(spec, instance, grace_seconds=spec.grace_seconds if is_gentle else 0)
        self._collector.attach(fresh, target.runtime)
        if not is_gentle:  # else requests were led away before
            await self._route(deployment)
        if spec.kind is ServiceKind.WEB:
            with _among(self._unproven, (fresh,)):
                await self._proving.prove(deployment, Release(fresh.key, (fresh,)), spec, target)
        await self._store.append(
            InstanceChanged(
                at=self._clock.now(),
                **of(deployment),
                deployment=deployment.id,
                instance=fresh.id,
                index=fresh.index,
                state="running",
                restarts=restarts,
            )
        )

    async def restart(self, deployment: Deployment, target: Target) -> None:
        """Renew each replica in turn: no more requests go to it, those it has end, and it is asked to stop.

        Requests for the only one wait from the first moment to the last. One that hangs is not waited for.

        :raises RwError: a new one is not healthy, or none could be had; the replicas after it are as they were.
        """
        release = await target.runtime.release(deployment.id)
        for instance in release.instances if release else ():
            try:
                with self._router.without(deployment.id, {instance.index}), _among(self._leaving, (instance,)):
                    await self.renew(deployment, target, instance, is_gentle=await self._is_quiet(deployment, instance))
            finally:
                await self._route(deployment)

    async def _is_quiet(self, deployment: Deployment, instance: Instance) -> bool:
        """Have a replica finish what it was asked; ``False`` for one that does not answer."""
        if deployment.kind is ServiceKind.WEB:
            if not await self._proving.lives(deployment, instance):
                return False
            await self._route(deployment)
            await self._controller.left((instance,))
        return True

    async def scale(self, deployment: Deployment, target: Target, *, replicas: int) -> None:
        """Make it ``replicas``; new ones are proven before requests go to them, and those that go get none before they stop.

        :raises RwError: a new one is not healthy, or none could be had; there are as many as before then.
        """
        spec = replace(await self._controller.spec(deployment), replicas=replicas)
        before = await target.runtime.release(deployment.id) or Release(spec.key)
        leaving = [one for one in before.instances if one.index >= replicas]
        had = {one.index for one in before.instances}
        try:
            with self._router.without(deployment.id, had ^ set(range(replicas))), _among(self._leaving, leaving):
                if leaving:
                    await self._route(deployment)
                    await self._controller.left(leaving)
                try:
                    await self._make(spec, before, deployment, target)
                except BaseException:  # cancelled as well
                    await target.runtime.scale(replace(spec, replicas=max(had, default=-1) + 1))
                    raise
        finally:
            await self._route(deployment)

    async def _make(self, spec: ReleaseSpec, before: Release, deployment: Deployment, target: Target) -> None:
        """Bring a release to the number in ``spec``, and prove what is new."""
        release = await target.runtime.scale(spec)
        fresh = tuple(one for one in release.instances if one.id not in {old.id for old in before.instances})
        for instance in fresh:
            self._collector.attach(instance, target.runtime)
        if fresh and spec.kind is ServiceKind.WEB:
            with _among(self._unproven, fresh):
                await self._proving.prove(deployment, Release(spec.key, fresh), spec, target)

    async def _route(self, deployment: Deployment) -> None:
        if deployment.kind is ServiceKind.WEB:
            await self._router.apply()


@contextmanager
def _among(identities: set[str], instances: Sequence[Instance]) -> Iterator[None]:
    """Have replicas in a set while the context lasts."""
    own = {one.id for one in instances}
    identities |= own
    try:
        yield
    finally:
        identities -= own
