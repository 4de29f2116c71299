"""Operations: what commands ask for."""

from __future__ import annotations

from fastapi import APIRouter

from rw_daemon.api.access import Caller
from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import InScope
from rw_shared.models import Operation, OperationOrder

router = APIRouter(tags=["operations"])


@router.post("/v1/projects/{project}/environments/{environment}/operations", status_code=202)
async def create_operation(scope: InScope, order: OperationOrder, caller: Caller, rooms: Behind) -> Operation:
    """Accept an operation; progress arrives as events."""
    return await rooms.operations.start(scope, order, actor=caller.name)


@router.get("/v1/operations/{identity}")
async def read_operation(identity: str, rooms: Behind) -> Operation:
    """Return an operation: the state that exit codes come from."""
    return await rooms.operations.read(identity)


@router.post("/v1/operations/{identity}/cancel")
async def cancel_operation(identity: str, rooms: Behind) -> Operation:
    """End an operation that is not settled; what it made is taken back."""
    return await rooms.operations.cancel(identity)
