"""Where requests go: one desired state for the whole edge, made from the store and from what runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace

from rw_daemon.deployments.release import hostname
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.edge.edge import Edge, Endpoint, HttpRoute, Lead, Upstream
from rw_daemon.runtimes.runtime import Instance, Release
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import UnreachableError
from rw_shared.events import Event
from rw_shared.models import Deployment, DeploymentStatus, ServiceKind, StepName, StepStatus

UNSETTLED = 1000
NOTHING: Mapping[str, str] = {}
NOBODY = Endpoint("127.0.0.1", 1)
"""Nobody listens there. It stands for a release whose requests are held."""
NO_SHARES: Mapping[str, int] = {}
EVERY = range(sys.maxsize)
"""The indexes of all replicas that a release may have."""
STOPPED = {DeploymentStatus.SLEEPING, DeploymentStatus.REMOVING}
"""A release that serves and does not run: it is woken by a request, or it stopped for another one (``room.py``)."""


class Router:
    """Keeps the edge at what the store says. Calls are serialised, and each one writes the whole state."""

    def __init__(
        self, store: Store, targets: Targets, edge: Edge, is_sticky: Callable[[Deployment], Awaitable[bool]], *, answer_seconds: float
    ) -> None:
        """:param is_sticky: whether a visitor who has met a release keeps it while its rollout goes on.

        :param answer_seconds: what a target takes longer for is not waited for.
        """
        self._store, self._targets, self._edge, self._is_sticky = store, targets, edge, is_sticky
        self._answer_seconds = answer_seconds
        self._lock = asyncio.Lock()
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self._without: dict[str, Container[int]] = {}
        self._avoided: set[str] = set()
        self._routes: dict[str, HttpRoute] = {}
        self._is_behind = False
        self._changing = asyncio.Event()

    @property
    def port(self) -> int:
        """The edge's port; 0 while there is none."""
        return self._edge.port

    def is_held(self, row: ServiceRow) -> bool:
        """Return whether another program holds a service's own port, so that only its URL leads to it."""
        return row.port in self._edge.held_ports

    def reserved(self) -> int:
        """Return the edge's port, which is chosen now where there was none: apps and builds are told it before the first route."""
        return self._edge.reserve()

    async def apply(
        self,
        *,
        serving: Mapping[str, str] = NOTHING,
        shares: Mapping[str, int] = NO_SHARES,
        awake: Set[str] = frozenset(),
        record: Callable[[], Sequence[Event]] = tuple,
    ) -> None:
        """Bring the edge to the desired state; returns when it is in force.

        :param serving: services, by ``id_of``, whose requests go to another deployment from now on.
        :param shares: releases in a rollout, by deployment, that have another share from now on, in percent.
        :param awake: releases that do not run by the store's word, and are proven again. One that serves no more stays without requests.
        :param record: the events that say so. They are written once it is in force and before anything else changes the edge.
        """
        async with self._lock:
            rows = [row for row in await self._store.services() if row.kind is ServiceKind.WEB]
            unsettled = await self._store.deployments(unsettled=True, limit=UNSETTLED)
            coming = {service_of(one): one for one in unsettled if one.status is DeploymentStatus.DEPLOYING}
            running, is_late = await self._running(rows)
            routes = []
            for row in rows:
                to, notice, is_held = (serving[id_of(row)], "", False) if id_of(row) in serving else await self._serving(row, awake)
                old, trial = self._upstreams(to, running), coming.get(id_of(row))
                new = self._upstreams(trial.id, running) if trial is not None and self._may_be_asked(trial, to, running) else ()
                stops = trial is not None and trial.id != to and has_room(trial)  # for it the old one stopped, or is about to
                if is_held or stops or self._rests(to, running):
                    waits_for = trial.id if trial is not None and stops else to
                    routes.append(replace(self._route(row, (Upstream(waits_for, (NOBODY,)),), ""), is_held=True))
                    routes += [self._preview(trial, row, new)] if trial is not None and new else []
                    continue
                if trial is None or not new:
                    routes.append(self._route(row, old, notice))
                    continue
                share = shares.get(trial.id, trial.share)
                both = (
                    (*_weighing(old, 100 - share, name=await self._name(to)), *_weighing(new, share, name=f"v{trial.version}"))
                    if old
                    else ()
                )
                shared = replace(self._route(row, both, notice), is_sticky=await self._is_sticky(trial))
                routes += [shared, self._preview(trial, row, new)]
            self._is_behind = True
            routes = [replace(route, gone=self._gone(route, running)) for route in routes]
            with self._holding(routes):
                await self._edge.route(tuple(routes))
            self._is_behind = is_late
            self._routes = {route.key: route for route in routes}
            self._changing.set()
            self._changing = asyncio.Event()
            if events := record():
                await self._store.append(*events)

    @contextmanager
    def _holding(self, routes: Sequence[HttpRoute]) -> Iterator[None]:
        """Hold what is about to be held: the edge asks for it as soon as it is, which is before it says so."""
        before = self._routes
        self._routes = before | {route.key: route for route in routes if route.is_held}
        try:
            yield
        except BaseException:
            self._routes = before
            raise

    def learn(self, release: Release) -> None:
        """Take note where a release that has just been started listens: its target may be too slow to say so when requests go there."""
        if endpoints := tuple(Endpoint(one.host, one.port) for one in release.instances if one.port):
            self._endpoints[release.key.deployment] = endpoints

    def endpoints(self, release: str) -> tuple[Endpoint, ...]:
        """Return where a release listens, or did last."""
        return self._endpoints.get(release) or self._edge.last_known(release)

    async def record(self, *events: Event) -> None:
        """Write what becomes of a serving release, never in the middle of a change of the edge that goes by its status."""
        async with self._lock:
            await self._store.append(*events)

    def lead(self, service: str) -> Lead | None:
        """Return where requests for a service (as ``id_of``) go by what is in force; ``None`` while they are held."""
        route = self._routes.get(service)
        if route is None or not route.upstreams:
            return Lead(words=route.notice if route else f"{service.rpartition('/')[2]} is not running; `rw status` says why.")
        return None if route.is_held else Lead(max(route.upstreams, key=lambda one: one.weight).release)

    def changing(self) -> asyncio.Event:
        """Return what is set once the routes that are in force now are replaced."""
        return self._changing

    @contextmanager
    def without(self, deployment: str, indexes: Container[int]) -> Iterator[None]:
        """Keep requests from some replicas of a release while the context lasts, whoever calls ``apply``: not proven yet, about to stop.

        Where no other one runs, they are held; those of a release in a rollout go to the one that serves.
        """
        self._without[deployment] = indexes
        try:
            yield
        finally:
            del self._without[deployment]

    @contextmanager
    def avoiding(self, instance: Instance) -> Iterator[None]:
        """Keep requests from a replica that does not answer while the context lasts, as long as the release has another one."""
        self._avoided.add(instance.id)
        try:
            yield
        finally:
            self._avoided.discard(instance.id)

    async def is_up(self) -> bool:
        """Return whether an edge runs, from now or from the daemon before."""
        return await self._edge.check()

    async def catch_up(self) -> None:
        """Bring the edge to the desired state if it refused it last time, or a target did not say in time what runs.

        :raises EdgeFailedError: it still refuses.
        """
        if self._is_behind:
            await self.apply()

    async def _serving(self, row: ServiceRow, awake: Set[str]) -> tuple[str, str, bool]:
        """Return the deployment that requests go to, what to say where there is none, and whether they have to be held first."""
        found = await self._store.deployment(row.serving) if row.serving else None
        if found is None:
            return "", f"{row.name} is not running yet; `rw status` says how it stands.", False
        if found.status in {DeploymentStatus.CRASHED, DeploymentStatus.COMPLETED}:
            return "", f"{row.name} has {found.status}: {found.reason} `rw logs {row.name}` shows its last words.", False
        return found.id, "", found.status in STOPPED and found.id not in awake

    def _may_be_asked(self, trial: Deployment, serving: str, running: Mapping[str, list[Instance]]) -> bool:
        return trial.id != serving and is_proven(trial) and not self._rests(trial.id, running)

    def _rests(self, release: str, running: Mapping[str, list[Instance]]) -> bool:
        """Return whether requests are kept from every replica that a release has."""
        return release in self._without and not running.get(release)

    async def _name(self, deployment: str) -> str:
        """Return the name that a request may ask for a release by."""
        found = await self._store.deployment(deployment)
        return f"v{found.version}" if found else ""

    async def _running(self, rows: Sequence[ServiceRow]) -> tuple[dict[str, list[Instance]], bool]:
        """Return what runs on the targets that ``rows`` need, and whether one of them did not say so in time."""
        kinds = {(await self._store.environments(project)).get(name) for project, name in {(row.project, row.environment) for row in rows}}
        told = await asyncio.gather(*(self._told(target) for target in self._targets.known() if target.kind in kinds))
        found: dict[str, list[Instance]] = {}
        for release in (one for releases in told for one in releases or ()):
            without = self._without.get(release.key.deployment, ())
            running = [one for one in release.instances if one.is_running and one.port and one.index not in without]
            found[release.key.deployment] = [one for one in running if one.id not in self._avoided] or running
        return found, None in told

    async def _told(self, target: Target) -> list[Release] | None:
        """Return what a target says, ``None`` when it takes too long. Either way, what was in force stays by the endpoints known last."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await target.runtime.releases()
        except UnreachableError:
            return []  # the engine restarts
        except TimeoutError:
            return None

    def _route(self, row: ServiceRow, upstreams: tuple[Upstream, ...], notice: str) -> HttpRoute:
        names = [row.hostname]
        if row.name == "web":
            names.append(hostname(project=row.project, environment=row.environment, service="web").removeprefix("web."))
        return HttpRoute(
            key=id_of(row),
            hostnames=tuple(names),
            port=row.port,
            upstreams=upstreams,
            notice=notice or f"{row.name} is not running; `rw status` says why, `rw up` starts it.",
        )

    def _preview(self, trial: Deployment, row: ServiceRow, upstreams: tuple[Upstream, ...]) -> HttpRoute:
        return HttpRoute(f"v{trial.version}@{id_of(row)}", (preview_of(trial, row),), upstreams=upstreams)

    def _gone(self, route: HttpRoute, running: Mapping[str, list[Instance]]) -> tuple[Upstream, ...]:
        """Return the releases that had the requests of a route before those that have them now.

        A request whose replica has just died waits to be tried again, and Envoy does that within the cluster it chose at first: without
        this it would be refused as soon as the release is taken back. While the routes to it are being replaced, it leads where it did;
        at the next change it leads to those in its place, by which the connections to its own replicas end.
        """
        before = self._routes.get(route.key)
        now = {one.release for one in route.upstreams}
        if before is None or not now:
            return ()
        names = {one.release for one in before.upstreams}
        instead = max(route.upstreams, key=lambda one: one.weight).endpoints
        if names == now:
            return tuple(replace(one, endpoints=instead) for one in before.gone)
        left = {one: tuple(Endpoint(i.host, i.port) for i in running.get(one, ())) for one in sorted(names - now)}
        return tuple(Upstream(one, endpoints or instead) for one, endpoints in left.items())

    def _upstreams(self, release: str, running: Mapping[str, list[Instance]]) -> tuple[Upstream, ...]:
        if not release:
            return ()
        endpoints = tuple(Endpoint(one.host, one.port) for one in running.get(release, []))
        if endpoints:
            self._endpoints[release] = endpoints
        else:  # its engine is away, or the only replica between two lives: requests wait at its last address (else 503 at once)
            endpoints = self.endpoints(release)
        return (Upstream(release, endpoints),) if endpoints else ()


def has_room(deployment: Deployment) -> bool:
    """Return whether the release before stopped first, or is stopping, so that requests wait for this one."""
    return any(one.name is StepName.STOP for one in deployment.steps)


def is_proven(deployment: Deployment) -> bool:
    """Return whether a release that does not serve yet may be asked: it was found healthy, and nothing was decided about it."""
    healthy = any(one.name is StepName.HEALTHCHECK and one.status is StepStatus.DONE for one in deployment.steps)
    return deployment.status is DeploymentStatus.DEPLOYING and (healthy or deployment.share > 0)


def preview_of(deployment: Deployment, row: ServiceRow) -> str:
    """Return the name at the edge where a release alone answers while it does not serve yet."""
    return f"v{deployment.version}.{row.hostname}"


def _weighing(upstreams: tuple[Upstream, ...], percent: int, *, name: str) -> tuple[Upstream, ...]:
    return tuple(replace(one, weight=percent, name=name) for one in upstreams)


def id_of(row: ServiceRow) -> str:
    """Return the route key of a service."""
    return f"{row.project}/{row.environment}/{row.name}"


def service_of(deployment: Deployment) -> str:
    """Return the route key of the service that a deployment belongs to."""
    return f"{deployment.project}/{deployment.environment}/{deployment.service}"
