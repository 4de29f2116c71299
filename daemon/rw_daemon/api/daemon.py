"""The daemon itself."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind
from rw_shared.models import Check, CheckOrder, DaemonInfo, Model, Order

router = APIRouter(tags=["daemon"])


class Stopping(Model):
    """The daemon ends soon; apps and edge stay."""

    stopping: bool = True


@router.get("/v1/daemon")
async def read_daemon(rooms: Behind) -> DaemonInfo:
    """Say who answers."""
    return rooms.info.model_copy(update={"busy": rooms.busy()})


@router.post("/v1/checks")
async def check(order: CheckOrder, rooms: Behind) -> Page[Check]:
    """Look at targets and edge: each condition with its status and what to type."""
    return Page(items=tuple(await rooms.checks.run(order.environ)))


class StopOrder(Order):
    """How to stop. ``everything``: take down all services and the edge first."""

    everything: bool = False


@router.post("/v1/daemon/stop", status_code=202)
async def stop_daemon(rooms: Behind, order: StopOrder | None = None) -> Stopping:
    """End the daemon once this is answered."""
    if order is not None and order.everything:
        await rooms.everything()
    rooms.stop()
    return Stopping()
