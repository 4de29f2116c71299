"""Where requests go: one desired state for the whole edge, made from the store and from what runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rw_daemon.deployments.release import hostname
from rw_daemon.deployments.targets import Targets
from rw_daemon.edge.edge import Edge, Endpoint, HttpRoute, Upstream
from rw_daemon.runtimes.runtime import Instance
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import UnreachableError
from rw_shared.models import Deployment, DeploymentStatus, ServiceKind


class Router:
    """Keeps the edge at what the store says. Calls are serialised, and each one writes the whole state."""

    def __init__(self, store: Store, targets: Targets, edge: Edge) -> None:
        self._store, self._targets, self._edge = store, targets, edge
        self._lock = asyncio.Lock()
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self._shares: dict[str, tuple[str, int]] = {}
        """By service: a release that has a part of its requests, in percent. A new daemon knows of none: the old release has all."""

    @property
    def port(self) -> int:
        """The edge's port; 0 while there is none."""
        return self._edge.port

    def share(self, deployment: Deployment, percent: int) -> bool:
        """Give a release a part of its service's requests from the next ``apply`` on, beside the one that serves; 0 takes it back.

        Returns whether anything is different then.
        """
        key = f"{deployment.project}/{deployment.environment}/{deployment.service}"
        had = self._shares.get(key, ("", 0))
        if percent:
            self._shares[key] = deployment.id, percent
        elif had[0] == deployment.id:
            del self._shares[key]
        return self._shares.get(key, ("", 0)) != had

    async def apply(self, *, switching: ServiceRow | None = None, to: str = "", leaving: set[str] | frozenset[str] = frozenset()) -> None:
        """Bring the edge to the desired state; returns when it is in force.

        :param switching: a service whose requests go to the deployment ``to`` from now on; the store is told by the caller afterwards.
        :param leaving: replicas that get no more requests, since they are about to stop.
        """
        async with self._lock:
            rows = [row for row in await self._store.services() if row.kind is ServiceKind.WEB]
            serving = {id_of(row): await self._serving(row) for row in rows}
            if switching is not None:
                serving[id_of(switching)] = (to, "")
                self._shares.pop(id_of(switching), None)
            running = await self._running(leaving)
            await self._edge.route(tuple(self._route(row, *serving[id_of(row)], running) for row in rows))

    async def _serving(self, row: ServiceRow) -> tuple[str, str]:
        """Return the deployment that requests go to, and what to say where there is none."""
        found = await self._store.deployment(row.serving) if row.serving else None
        if found is None:
            return "", f"{row.name} is not running yet; `rw status` says how it stands."
        if found.status in {DeploymentStatus.CRASHED, DeploymentStatus.COMPLETED}:
            return "", f"{row.name} has {found.status}: {found.reason} `rw logs {row.name}` shows its last words."
        return found.id, ""

    async def _running(self, leaving: set[str] | frozenset[str]) -> dict[str, list[Instance]]:
        found: dict[str, list[Instance]] = {}
        for target in self._targets.known():
            try:
                releases = await target.runtime.releases()
            except UnreachableError:
                continue  # the engine restarts: what was in force stays by the endpoints known last
            for release in releases:
                found[release.key.deployment] = [one for one in release.instances if one.is_running and one.port and one.id not in leaving]
        return found

    def _route(self, row: ServiceRow, serving: str, notice: str, running: dict[str, list[Instance]]) -> HttpRoute:
        names = [row.hostname]
        if row.name == "web":
            names.append(hostname(project=row.project, environment=row.environment, service="web").removeprefix("web."))
        return HttpRoute(
            key=id_of(row),
            hostnames=tuple(names),
            port=row.port,
            upstreams=self._both(id_of(row), serving, running),
            notice=notice or f"{row.name} is not running; `rw status` says why, `rw up` starts it.",
        )

    def _both(self, key: str, serving: str, running: dict[str, list[Instance]]) -> tuple[Upstream, ...]:
        upstreams = self._upstreams(serving, running.get(serving, []))
        release, percent = self._shares.get(key, ("", 0))
        beside = self._upstreams(release, running.get(release, []))
        if not upstreams or not beside:
            return upstreams
        return (*(replace(one, weight=100 - percent) for one in upstreams), *(replace(one, weight=percent) for one in beside))

    def _upstreams(self, serving: str, instances: list[Instance]) -> tuple[Upstream, ...]:
        if not serving:
            return ()
        endpoints = tuple(Endpoint(one.host, one.port) for one in instances)
        if endpoints:
            self._endpoints[serving] = endpoints
        else:  # between two lives of the only replica: requests wait at its last address (an empty cluster would answer 503 at once)
            endpoints = self._endpoints.get(serving, ())
        return (Upstream(serving, endpoints),) if endpoints else ()


def id_of(row: ServiceRow) -> str:
    """Return the route key of a service."""
    return f"{row.project}/{row.environment}/{row.name}"
