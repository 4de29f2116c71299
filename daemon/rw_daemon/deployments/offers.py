"""What services find in their environment: their own variables, what rw tells them, and what the services they refer to offer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.release import port_of
from rw_daemon.deployments.router import Router
from rw_daemon.store.store import ServiceRow, Store
from rw_daemon.variables.masking import secrets_of
from rw_daemon.variables.provided import provided
from rw_daemon.variables.references import resolve, services_in
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import Deployment, Scope, ServiceKind, TargetKind


class Offers:
    """Puts together the variables of deployments. All values are secrets."""

    def __init__(self, store: Store, planner: Planner, router: Router) -> None:
        self._store, self._planner, self._router = store, planner, router

    async def variables(self, deployment: Deployment) -> dict[str, str]:
        """Return everything that an app finds but its own PORT and HOST. ``ConfigInvalidError``: a reference stands for nothing."""
        planned = await self._planner.planned(deployment)
        return {**planned.plan.environment, **await self._given(deployment), **await self.own(deployment)}

    async def own(self, deployment: Deployment) -> dict[str, str]:
        """Return what the user says, with what references stand for. ``ConfigInvalidError``: one stands for nothing."""
        own = (await self._planner.planned(deployment)).config.variables
        return resolve(own, services=await self._all_offered(deployment, own), shared=own, of=deployment.service)

    async def secrets(self, deployment: Deployment) -> set[str]:
        """Return the values that no log may show, those of services that are referred to among them."""
        own = (await self._planner.planned(deployment)).config.variables
        found = secrets_of(own)
        for offered in (await self._all_offered(deployment, own)).values():
            found |= secrets_of(offered)
        with suppress(ConfigInvalidError):  # a reference that stands for nothing is told where it matters
            found |= secrets_of(await self.own(deployment))
        return found

    async def _all_offered(self, deployment: Deployment, own: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Return what can be referred to, by service."""
        services = {deployment.service: {**own, **await self._given(deployment)}}
        for row in await self._store.services(Scope.of(deployment)) if services_in(own) else ():
            if row.name != deployment.service and (offered := await self._offered(row)) is not None:
                services[row.name] = offered
        return services

    async def _offered(self, row: ServiceRow) -> dict[str, str] | None:
        newest = next(iter(await self._store.deployments(Scope.of(row), service=row.name, limit=1)), None)
        if newest is None or newest.plan is None:
            return None
        planned = await self._planner.planned(newest)
        given = await self._given(newest)
        if row.kind is ServiceKind.WEB:
            is_bridged = await self._target(newest) is not TargetKind.PROCESS
            given["PORT"] = str(port_of(planned, newest) if is_bridged else row.port)
        return {**planned.config.variables, **given}

    async def _given(self, deployment: Deployment) -> dict[str, str]:
        """Return what rw tells a service about itself. On processes others reach it at the edge, in containers by its name."""
        scope = Scope.of(deployment)
        row = next((one for one in await self._store.services(scope) if one.name == deployment.service), None)
        is_process = await self._target(deployment) is TargetKind.PROCESS
        return provided(
            project=deployment.project,
            environment=deployment.environment,
            service=deployment.service,
            deployment=deployment.id,
            snapshot=deployment.snapshot,
            commit=deployment.commit,
            domain=f"{row.hostname}:{self._router.reserved()}" if row and row.port else "",
            private="localhost" if is_process else deployment.service,
        )

    async def _target(self, deployment: Deployment) -> TargetKind | None:
        return (await self._store.environments(deployment.project)).get(deployment.environment)
