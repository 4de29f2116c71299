"""What of this machine rw depends on, as far as the daemon sees it."""

from __future__ import annotations

from collections.abc import Mapping

from rw_daemon.deployments.targets import Targets
from rw_daemon.edge.edge import Edge
from rw_daemon.store.store import Store
from rw_shared.errors import RwError
from rw_shared.models import Check


class Checks:
    """Looks at targets and edge; changes nothing."""

    def __init__(self, targets: Targets, edge: Edge, store: Store) -> None:
        self._targets, self._edge, self._store = targets, edge, store

    async def run(self, environ: Mapping[str, str]) -> list[Check]:
        """Return every condition. A target that does not answer is a failure where nothing else could run a service."""
        checks: list[Check] = []
        missing: list[Check] = []
        for kind in self._targets.kinds:
            try:
                checks += await (await self._targets.get(kind, environ)).runtime.diagnose()
            except RwError as error:
                detail = f"{error.message} {error.why}".strip()
                missing.append(Check(id=str(kind), status="warn", detail=detail, fix=error.hint))
        if not checks:
            missing = [one.model_copy(update={"status": "fail"}) for one in missing]
        return [*checks, *missing, await self._edge_check()]

    async def _edge_check(self) -> Check:
        if not any(row.port for row in await self._store.services()):
            return Check(id="edge", status="ok", detail="not needed yet: no service has a URL")
        if await self._edge.check():
            return Check(id="edge", status="ok", detail=f"running on port {self._edge.port}")
        return Check(id="edge", status="fail", detail="it does not answer; the daemon is starting it again", fix="rw daemon logs")
