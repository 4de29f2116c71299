"""What old releases leave behind is removed: artifacts and snapshots that no rollback would go back to."""

from __future__ import annotations

from rw_daemon.clock import Clock
from rw_daemon.deployments.targets import Targets
from rw_daemon.settings import Settings
from rw_daemon.snapshots import Snapshots
from rw_daemon.store.store import Store
from rw_shared.models import Artifact, Deployment, DeploymentStatus, Scope

MAY_RUN = {DeploymentStatus.ACTIVE, DeploymentStatus.REMOVING, DeploymentStatus.SLEEPING, DeploymentStatus.CRASHED}
LOOKED_AT = 200  # newest deployments of an environment; older ones were swept when they were this new


class Sweeper:
    """Keeps the artifacts of the newest few releases of each service and the snapshots of some more."""

    def __init__(self, store: Store, targets: Targets, snapshots: Snapshots, clock: Clock, settings: Settings) -> None:
        self._store, self._targets, self._snapshots, self._clock, self._settings = store, targets, snapshots, clock, settings
        self._is_due = False

    async def soon(self) -> None:
        """Sweep when there was time to come to rest, once for all who ask meanwhile."""
        if self._is_due:
            return
        self._is_due = True
        try:
            await self._clock.sleep(self._settings.calm_seconds)
        finally:
            self._is_due = False
        await self.sweep()

    async def sweep(self) -> None:
        """Remove what nothing needs, in every environment. What is in use is never removed."""
        snapshots: set[str] = set()
        kept: set[str] = set()
        old: list[tuple[Deployment, Artifact]] = []
        for scope in await self._scopes():
            by_service: dict[str, list[Deployment]] = {}
            for deployment in await self._store.deployments(scope, limit=LOOKED_AT):
                by_service.setdefault(deployment.service, []).append(deployment)
            for newest_first in by_service.values():
                for rank, deployment in enumerate(newest_first):
                    needed = not deployment.status.is_settled or deployment.status in MAY_RUN
                    if needed or rank < self._settings.kept_releases:
                        snapshots.add(deployment.snapshot)
                    if deployment.artifact is not None:
                        if needed or rank < self._settings.kept_artifacts:
                            kept.add(deployment.artifact.reference)
                        else:
                            old.append((deployment, deployment.artifact))
        await self._remove([pair for pair in old if pair[1].reference not in kept])
        await self._snapshots.keep_only(snapshots)

    async def _scopes(self) -> list[Scope]:
        return [
            Scope(project=project.name, environment=environment)
            for project in await self._store.projects()
            for environment in await self._store.environments(project.name)
        ]

    async def _remove(self, old: list[tuple[Deployment, Artifact]]) -> None:
        kinds = {target.kind: target for target in self._targets.known()}
        for deployment, artifact in old:
            kind = (await self._store.environments(deployment.project)).get(deployment.environment)
            if kind in kinds:
                await kinds[kind].builder.remove(artifact)
