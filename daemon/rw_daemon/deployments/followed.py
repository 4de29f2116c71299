"""The serving web releases whose file asks for something (to be scaled, to sleep): looked for again and again, cheaply."""

from __future__ import annotations

from collections.abc import Callable

from rw_daemon.deployments.planner import Planner
from rw_daemon.store.store import Store
from rw_shared.config import DeployConfig
from rw_shared.models import Deployment, DeploymentStatus, ServiceKind


class Followed:
    """Remembers which releases do not ask for it, since that never changes: they are not read again."""

    def __init__(self, store: Store, planner: Planner, wants: Callable[[DeployConfig], bool]) -> None:
        self._store, self._planner, self._wants = store, planner, wants
        self._known: dict[str, bool] = {}

    async def read(self) -> dict[str, Deployment]:
        """Return those that are active now, by id."""
        found, rows = {}, await self._store.services()
        self._known = {row.serving: self._known[row.serving] for row in rows if row.serving in self._known}
        for row in rows:
            if not row.serving or row.kind is not ServiceKind.WEB or not self._known.get(row.serving, True):
                continue
            deployment = await self._store.deployment(row.serving)
            if deployment is not None and deployment.status is DeploymentStatus.ACTIVE:
                self._known[deployment.id] = self._wants(await self._planner.deploy_of(deployment))
                if self._known[deployment.id]:
                    found[deployment.id] = deployment
        return found
