"""What going back to an earlier release would change: told before it is done."""

from __future__ import annotations

from rw_daemon.deployments.controller import Controller
from rw_daemon.deployments.lookup import find_source
from rw_daemon.deployments.ongoing import Ongoing
from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.targets import Targets
from rw_daemon.deployments.why import Why
from rw_daemon.store.store import Store
from rw_shared.errors import ServiceNotFoundError
from rw_shared.models import Deployment, OperationKind, Scope
from rw_shared.rollouts import Rollback


class Rollbacks:
    """Looks at the way back."""

    def __init__(self, store: Store, planner: Planner, controller: Controller, targets: Targets, why: Why, ongoing: Ongoing) -> None:
        self._store, self._planner, self._controller, self._targets, self._why = store, planner, controller, targets, why
        self._ongoing = ongoing

    async def preview(self, scope: Scope, service: str, to: str) -> Rollback:
        """Return what a rollback of a service would do; ``to`` as in the order: ``vN``, an id, or empty for the one before.

        :raises ServiceNotFoundError: or ``DeploymentNotFoundError``, ``RolloutGoingOnError``, ``NothingToRollBackError``.
        """
        rows = {row.name: row for row in await self._store.services(scope)}
        if service not in rows:
            raise ServiceNotFoundError(service, candidates=sorted(rows))
        row = rows[service]
        if error := await self._ongoing.refused(OperationKind.ROLLBACK, scope, {service}):
            raise error
        source = await find_source(self._store, scope, row, to)
        serving = await self._store.deployment(row.serving) if row.serving else None
        kind = (await self._store.environments(scope.project))[scope.environment]
        return Rollback(
            service=service,
            serving_version=serving.version if serving else 0,
            version=source.version,
            deployment=source.id,
            artifact=source.artifact,
            is_warm=await self._controller.is_warm(source, await self._targets.get(kind, {})),
            replicas=row.replicas,
            changes=tuple(await self._why.differences(source, serving)) if serving else (),
            not_undone=await self._commands_since(scope, source, serving) if serving else (),
        )

    async def _commands_since(self, scope: Scope, source: Deployment, serving: Deployment) -> tuple[str, ...]:
        """Return the pre-deploy commands of the releases after ``source``: what they did to data stays done."""
        found: dict[str, None] = {}
        for one in await self._store.deployments(scope, service=serving.service, limit=100):
            if source.version < one.version <= serving.version and one.artifact is not None:
                commands = (await self._planner.planned(one)).service(one.service).pre_deploy
                found |= {f"v{one.version}: {command}": None for command in commands}
        return tuple(found)
