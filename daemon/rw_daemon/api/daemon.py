"""The daemon itself."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.rooms import Behind
from rw_shared.models import DaemonInfo, Model

router = APIRouter(tags=["daemon"])


class Stopping(Model):
    """The daemon ends soon; apps and edge stay."""

    stopping: bool = True


@router.get("/v1/daemon")
async def read_daemon(rooms: Behind) -> DaemonInfo:
    """Say who answers."""
    return rooms.info


@router.post("/v1/daemon/stop", status_code=202)
async def stop_daemon(rooms: Behind) -> Stopping:
    """End the daemon once this is answered."""
    rooms.stop()
    return Stopping()
