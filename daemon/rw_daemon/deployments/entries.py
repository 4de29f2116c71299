"""The way into what runs, for a command on the same machine."""

from __future__ import annotations

from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.targets import Targets
from rw_daemon.store.store import Store
from rw_shared.errors import ServiceNotFoundError, UsageError
from rw_shared.models import Entry, Scope


class Entries:
    """Tells variables and places of running replicas."""

    def __init__(self, store: Store, targets: Targets, controller: Controller) -> None:
        self._store, self._targets, self._controller = store, targets, controller

    async def read(self, scope: Scope, service: str, *, index: int = 0) -> Entry:
        """Return the way into a replica of a service; of the only one where ``service`` is empty.

        :raises ServiceNotFoundError: there is none of that name, or several and none was named. ``UsageError``: it was never built.
        """
        rows = await self._store.services(scope)
        found = next((row for row in rows if row.name == service or (not service and len(rows) == 1)), None)
        if found is None:
            raise ServiceNotFoundError(service or "(none was named)", candidates=[row.name for row in rows])
        deployment = await self._store.deployment(found.serving) if found.serving else None
        if deployment is None or deployment.artifact is None:
            raise UsageError(f"No version of {found.name} serves.", hint="Run `rw up` first.")
        spec = await self._controller.spec(deployment)
        entry = Entry(service=found.name, deployment=deployment.id, variables=dict(spec.variables))
        kind = (await self._store.environments(scope.project))[scope.environment]
        target = await self._targets.get(kind, {})
        for release in await target.runtime.releases():
            for instance in release.instances:
                if release.key == key_of(deployment) and instance.index == index and instance.is_running:
                    address = f"{instance.host}:{instance.port}" if instance.port else ""
                    more = await target.runtime.entry(spec, instance)
                    return entry.model_copy(update={"replica": instance.id, "address": address, **more})
        return entry
