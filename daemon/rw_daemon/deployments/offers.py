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
        planned, given = await self._planner.planned(deployment), await self._given(deployment)
        own = planned.config.variables
        services = await self._all_offered(deployment, own, given)
        return {**planned.plan.environment, **given, **_resolved(deployment, own, services)}

    async def own(self, deployment: Deployment) -> dict[str, str]:
        """Return what the user says, with what references stand for. ``ConfigInvalidError``: one stands for nothing."""
        own = (await self._planner.planned(deployment)).config.variables
        return _resolved(deployment, own, await self._all_offered(deployment, own, await self._given(deployment)))

    async def secrets(self, deployment: Deployment) -> set[str]:
        """Return the values that no log may show, those of services that are referred to among them."""
        own = (await self._planner.planned(deployment)).config.variables
        services = await self._all_offered(deployment, own, await self._given(deployment))
        found = secrets_of(own).union(*map(secrets_of, services.values()))
        with suppress(ConfigInvalidError):  # a reference that stands for nothing is told where it matters
            found |= secrets_of(_resolved(deployment, own, services))
        return found

    async def _all_offered(self, deployment: Deployment, own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Return what can be referred to, by service."""
        services = {deployment.service: {**own, **given}}
        for row in await self._store.services(Scope.of(deployment)) if services_in(own) else ():
            if row.name != deployment.service and (offered := await self._offered(row)) is not None:
                services[row.name] = offered
        return services

    async def _offered(self, row: ServiceRow) -> dict[str, str] | None:
        newest = next(iter(await self._store.deployments(Scope.of(row), service=row.name, limit=1)), None)
        if newest is None or newest.plan is None:
            return None
        planned, is_process = await self._planner.planned(newest), await self._is_process(newest)
        given = self._told(newest, row, is_process=is_process)
        if row.kind is ServiceKind.WEB:
            given["PORT"] = str(row.port if is_process else port_of(planned, newest))
        return {**planned.config.variables, **given}

    async def _given(self, deployment: Deployment) -> dict[str, str]:
        row = next((one for one in await self._store.services(Scope.of(deployment)) if one.name == deployment.service), None)
        return self._told(deployment, row, is_process=await self._is_process(deployment))

    def _told(self, deployment: Deployment, row: ServiceRow | None, *, is_process: bool) -> dict[str, str]:
        """Return what rw tells a service about itself. On processes others reach it at the edge, in containers by its name."""
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

    async def _is_process(self, deployment: Deployment) -> bool:
        return (await self._store.environments(deployment.project)).get(deployment.environment) is TargetKind.PROCESS


def _resolved(deployment: Deployment, own: Mapping[str, str], services: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return resolve(own, services=services, shared=own, of=deployment.service)
