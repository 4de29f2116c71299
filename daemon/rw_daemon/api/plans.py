"""Plans: what would be built and why."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.rooms import Behind
from rw_shared.models import Place, PlaceOrder, PlanAnswer, PlanOrder

router = APIRouter(tags=["plans"])


@router.post("/v1/places")
async def find_place(order: PlaceOrder, rooms: Behind) -> Place:
    """Find the workspace that a folder is a member of."""
    return await rooms.planner.place(order.path)


@router.post("/v1/plans")
async def make_plan(order: PlanOrder, rooms: Behind) -> PlanAnswer:
    """Plan a snapshot; nothing is built."""
    return await rooms.planner.plan(order)
