"""What runs, as it is: the store's word on what should be, the runtime's on what is."""

from __future__ import annotations

from rw_daemon.deployments import explain
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.router import Router
from rw_daemon.deployments.targets import Target, Targets
from rw_daemon.deployments.vacancies import Vacancies
from rw_daemon.deployments.verdicts import said_of, standing
from rw_daemon.edge.edge import Edge
from rw_daemon.runtimes.runtime import Instance, Release
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import EnvironmentNotFoundError, ProjectNotFoundError, UnreachableError
from rw_shared.models import DEFAULT_ENVIRONMENT, EnvironmentStatus, Replica, Scope, Service, ServiceKind, TargetKind


class Status:
    """Answers ``rw status``."""

    def __init__(self, store: Store, planner: Planner, targets: Targets, router: Router, edge: Edge, vacancies: Vacancies) -> None:
        self._store, self._planner, self._targets, self._router, self._edge = store, planner, targets, router, edge
        self._vacancies = vacancies

    async def read(self, scope: Scope, *, is_live: bool = True) -> EnvironmentStatus:
        """Return the environment as it is now.

        :param is_live: whether the target and the edge are asked; else replicas and edge are left out, and the store's word is all.
        :raises ProjectNotFoundError: no such project. ``EnvironmentNotFoundError``: it has no such environment.
        """
        projects = [project.name for project in await self._store.projects()]
        if scope.project not in projects:
            raise ProjectNotFoundError(scope.project, candidates=projects)
        environments = await self._store.environments(scope.project)
        if scope.environment not in environments and scope.environment != DEFAULT_ENVIRONMENT:
            raise EnvironmentNotFoundError(scope.environment, candidates=sorted(environments))
        kind = environments.get(scope.environment)
        releases, is_reachable = await self._releases(kind) if is_live else ({}, True)
        rows = await self._store.services(scope)
        services = [await self._service(row, releases, is_reachable=is_reachable) for row in rows]
        edge = "" if not rows or not is_live else "running" if await self._edge.check() else "down"
        return EnvironmentStatus(project=scope.project, environment=scope.environment, target=kind, services=tuple(services), edge=edge)

    async def _releases(self, kind: TargetKind | None) -> tuple[dict[str, tuple[Release, Target]], bool]:
        if kind is None:
            return {}, True
        try:
            target = await self._targets.get(kind, {})
            return {release.key.deployment: (release, target) for release in await target.runtime.releases()}, True
        except UnreachableError:
            return {}, False

    async def _service(self, row: ServiceRow, releases: dict[str, tuple[Release, Target]], *, is_reachable: bool) -> Service:
        scope = Scope.of(row)
        newest = next(iter(await self._store.deployments(scope, service=row.name, limit=1)), None)
        serving = await self._store.deployment(row.serving) if row.serving else None
        shown = serving or newest
        found = releases.get(row.serving)
        stands = standing(newest, await said_of(self._store, newest.id)) if newest else ""
        partly = self._vacancies.told(found[0], wanted=row.replicas) if found else ""
        reason = partly or ((shown.reason or (stands if shown == newest else "")) if shown else "")
        scale = (await self._planner.deploy_of(serving)).scale if serving else None
        return Service(
            name=row.name,
            kind=row.kind,
            status=shown.status if shown else None,
            reason=reason if is_reachable else "The target cannot be reached: what runs is not known.",
            serving=row.serving,
            version=serving.version if serving else 0,
            newest=newest.id if newest else "",
            newest_status=newest.status if newest else None,
            newest_reason=(newest.reason or stands) if newest else "",
            replicas_wanted=row.replicas,
            replicas_min=scale.min if scale else None,
            replicas_max=scale.max if scale else None,
            replicas=await self._replicas(*found) if found else (),
            port=row.port,
            **self._urls(row),
        )

    async def _replicas(self, release: Release, target: Target) -> tuple[Replica, ...]:
        samples = {sample.instance: sample for sample in await target.runtime.samples(release)}
        return tuple(
            _replica(instance, cpu=sample.cpu_seconds if sample else None, memory=sample.memory_bytes if sample else None)
            for instance in release.instances
            for sample in [samples.get(instance.id)]
        )

    def _urls(self, row: ServiceRow) -> dict[str, object]:
        if row.kind is not ServiceKind.WEB or not self._router.port:
            return {}
        url = f"http://{row.hostname}:{self._router.port}"
        return {"url": url, "urls": (url,) if self._router.is_held(row) else (url, f"http://127.0.0.1:{row.port}")}


def _replica(instance: Instance, *, cpu: float | None, memory: int | None) -> Replica:
    return Replica(
        id=instance.id,
        index=instance.index,
        deployment=instance.key.deployment,
        state="running" if instance.is_running else "exited",
        address=f"{instance.host}:{instance.port}" if instance.port else "",
        exit=explain.ending(instance.exit) if instance.exit else "",
        started_at=instance.started_at,
        cpu_seconds=cpu,
        memory_bytes=memory,
    )
