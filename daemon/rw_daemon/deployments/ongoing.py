"""What is on its way for services, in words: for those who wait for it, and for those who must not."""

from __future__ import annotations

from collections.abc import Collection

from rw_daemon.deployments.planner import Planner
from rw_daemon.deployments.rollout import has_steps
from rw_daemon.store.store import Store
from rw_shared.errors import RolloutGoingOnError
from rw_shared.models import Deployment, DeploymentStatus, Operation, OperationKind, Pace, Scope, StepName, StepStatus

REFUSED = {OperationKind.ROLLBACK, OperationKind.REDEPLOY, OperationKind.RESTART, OperationKind.SCALE, OperationKind.SLEEP}
"""Orders that do not wait for a rollout: it may be held for a day, and whoever gave them would not expect them any more."""
LOOKED_AT = 100  # deployments of an environment that are on their way


class Ongoing:
    """Looks at the stored state: a rollout is the same one before and after a restart of the daemon."""

    def __init__(self, store: Store, planner: Planner) -> None:
        self._store, self._planner = store, planner

    async def in_steps(self, scope: Scope, services: Collection[str]) -> list[Deployment]:
        """Return the releases of services that are at a step of their rollout, or paused there."""
        found = await self._store.deployments(scope, unsettled=True, limit=LOOKED_AT)
        return [one for one in found if one.service in services and await self._is_in_steps(one)]

    async def refused(self, kind: OperationKind, scope: Scope, services: Collection[str]) -> RolloutGoingOnError | None:
        """Return why an order cannot be carried out now, because a rollout of one of its services is going on."""
        found = await self.in_steps(scope, services) if kind in REFUSED else []
        if not found:
            return None
        [one, *_] = found
        old = await self._old(one)
        return RolloutGoingOnError(
            one.service, version=one.version, serving=old.version if old else 0, share=one.share, is_paused=one.pace is Pace.PAUSED
        )

    async def words(self, operation: Operation, *, has_hints: bool = True) -> str:
        """Return what an operation is about; empty where all its deployments are settled, so that it is as good as over.

        :param has_hints: say what to type where somebody has to decide.
        """
        if not operation.deployments:
            return f"the {operation.kind} of {', '.join(operation.services)}"
        found = [await self._store.deployment(identity) for identity in operation.deployments]
        told = [await self._told(one, has_hints=has_hints) for one in found if one is not None and not one.status.is_settled]
        return " and ".join(told)

    async def _told(self, deployment: Deployment, *, has_hints: bool) -> str:
        name, service = f"v{deployment.version} of {deployment.service}", deployment.service
        if not await self._is_in_steps(deployment):
            return f"{name} ({deployment.status})"
        paused = "paused " if deployment.pace is Pace.PAUSED else ""
        hints = f" (`rw rollout promote {service}` or `rw rollout abort {service}`)"
        return (
            f"{name}: its rollout is {paused}at {deployment.share} %{hints}" if has_hints else f"{name} ({paused}at {deployment.share} %)"
        )

    async def _is_in_steps(self, deployment: Deployment) -> bool:
        shifts = any(one.name is StepName.SHIFT and one.status is StepStatus.RUNNING for one in deployment.steps)
        if deployment.status is not DeploymentStatus.DEPLOYING or not shifts or deployment.pace is Pace.PROMOTED:
            return False
        config = (await self._planner.planned(deployment)).config.deploy.rollout
        return has_steps(config, deployment, await self._old(deployment))

    async def _old(self, deployment: Deployment) -> Deployment | None:
        rows = await self._store.services(Scope.of(deployment))
        serving = next((row.serving for row in rows if row.name == deployment.service), "")
        return await self._store.deployment(serving) if serving else None
