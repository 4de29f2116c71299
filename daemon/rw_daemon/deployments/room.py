"""Room for a release that must not run beside the one before it (``recreate``): that one stops first, and comes back if this one fails.

From the first moment to the last requests are held at the edge, which asks where they go: nobody has to know beforehand which of the two
will answer them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from rw_daemon.deployments.proving import OF_THE_APP
from rw_daemon.deployments.release import key_of
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import Router, has_room, id_of
from rw_daemon.deployments.steps import Recorder
from rw_daemon.deployments.targets import Target
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.errors import RwError
from rw_shared.models import Deployment, DeploymentStatus, Scope, StepName

MAY_RUN = {DeploymentStatus.ACTIVE, DeploymentStatus.SLEEPING, DeploymentStatus.REMOVING}


class Room:
    """Stops the release that serves, and brings it back."""

    def __init__(
        self,
        *,
        store: Store,
        recorder: Recorder,
        router: Router,
        retirer: Retirer,
        start_again: Callable[..., Coroutine[Any, Any, str]],
        starting: Mapping[str, asyncio.Lock],
    ) -> None:
        """:param start_again: the controller's ``start_again``. :param starting: as the controller's."""
        self._store, self._recorder, self._router, self._retirer = store, recorder, router, retirer
        self._start_again, self._starting = start_again, starting

    async def make(self, deployment: Deployment, row: ServiceRow, target: Target) -> None:
        """Stop what serves. Nothing where nothing does."""
        if row.serving in {"", deployment.id}:
            return
        async with self._starting[id_of(row)]:  # a request that is waking the old release is waited for, else two would run for a moment
            old = await self._store.deployment(row.serving)
            if old is None or old.status not in MAY_RUN:
                return
            async with self._recorder.step(deployment.id, StepName.STOP) as step:
                await self._router.apply()
                if old.status is not DeploymentStatus.REMOVING:
                    words = f"It stops before v{deployment.version} starts."
                    await self._router.record(self._recorder.moved(old, DeploymentStatus.REMOVING, reason=words))
                await self._retirer.emptied(old.id)
                await target.runtime.stop(key_of(old))
                step.detail = f"v{old.version} first; requests wait"

    async def give_back(self, row: ServiceRow, target: Target) -> None:
        """Bring back a release that stopped for one that came to nothing, and prove it; without one, nothing happens.

        Where it does not come up any more, it has crashed: requests are answered then, by the edge.
        """
        async with self._starting[id_of(row)]:
            old = await self._store.deployment(row.serving) if row.serving else None
            if old is None or old.status is not DeploymentStatus.REMOVING or await self._is_taken(row):
                return
            try:
                proven = await self._start_again(old, target, replicas=max(row.replicas, 1))
            except OF_THE_APP as error:
                await self._lost(old, target, error)
                return
            event = self._recorder.moved(old, DeploymentStatus.ACTIVE, reason=f"The release after it came to nothing. {proven}.")
            await self._router.apply(awake={old.id}, record=lambda: (event,))

    async def _is_taken(self, row: ServiceRow) -> bool:
        unsettled = await self._store.deployments(Scope.of(row), service=row.name, unsettled=True)
        return any(has_room(one) and one.status is DeploymentStatus.DEPLOYING for one in unsettled)

    async def _lost(self, old: Deployment, target: Target, error: RwError) -> None:
        words = f"The release after it came to nothing, and it did not come up again: {error.message}"
        await self._router.record(self._recorder.moved(old, DeploymentStatus.CRASHED, reason=words, error=error))
        await target.runtime.stop(key_of(old), grace_seconds=0)
        await self._router.apply()
