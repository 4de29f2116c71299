"""The way into what runs, for a command on the same machine; and the way to kill it, for a proof."""

from __future__ import annotations

from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.targets import Targets
from rw_daemon.runtimes.runtime import Instance, Runtime
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import NotFoundError, ServiceNotFoundError, UsageError
from rw_shared.models import Deployment, Entry, Replica, Scope


class Entries:
    """Tells variables and places of running replicas."""

    def __init__(self, store: Store, targets: Targets, controller: Controller) -> None:
        self._store, self._targets, self._controller = store, targets, controller

    async def read(self, scope: Scope, service: str, *, index: int = 0) -> Entry:
        """Return the way into a replica of a service; of the only one where ``service`` is empty.

        :raises ServiceNotFoundError: there is none of that name, or several and none was named. ``UsageError``: it was never built.
        """
        found, deployment = await self._serving(scope, service)
        spec = await self._controller.spec(deployment)
        entry = Entry(service=found.name, deployment=deployment.id, variables=dict(spec.variables))
        runtime, instance = await self._running(scope, deployment, index)
        if instance is None:
            return entry
        address = f"{instance.host}:{instance.port}" if instance.port else ""
        return entry.model_copy(update={"replica": instance.id, "address": address, **await runtime.entry(spec, instance)})

    async def kill(self, scope: Scope, service: str, *, index: int) -> Replica:
        """Kill a replica of the serving release; the supervisor replaces it like any that ended. Returns what it was.

        :raises ServiceNotFoundError, UsageError: as ``read``. ``NotFoundError``: no such replica runs.
        """
        found, deployment = await self._serving(scope, service)
        runtime, instance = await self._running(scope, deployment, index)
        if instance is None:
            raise NotFoundError("running replica", f"{found.name}.{index}", hint="`rw status` shows which there are.")
        await runtime.kill(instance)
        return Replica(id=instance.id, index=index, deployment=deployment.id, state="exited", started_at=instance.started_at)

    async def _serving(self, scope: Scope, service: str) -> tuple[ServiceRow, Deployment]:
        rows = await self._store.services(scope)
        found = next((row for row in rows if row.name == service or (not service and len(rows) == 1)), None)
        if found is None:
            raise ServiceNotFoundError(service or "(none was named)", candidates=[row.name for row in rows])
        deployment = await self._store.deployment(found.serving) if found.serving else None
        if deployment is None or deployment.artifact is None:
            raise UsageError(f"No version of {found.name} serves.", hint="Run `rw up` first.")
        return found, deployment

    async def _running(self, scope: Scope, deployment: Deployment, index: int) -> tuple[Runtime, Instance | None]:
        kind = (await self._store.environments(scope.project))[scope.environment]
        runtime = (await self._targets.get(kind, {})).runtime
        release = await runtime.release(deployment.id)
        instances = release.instances if release else ()
        return runtime, next((one for one in instances if one.index == index and one.is_running), None)
