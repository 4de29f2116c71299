"""Events: the history, by page and as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket

from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind
from rw_daemon.api.scopes import Cursor, OptionalName
from rw_daemon.api.streams import pump
from rw_shared.events import StoredEvent

router = APIRouter(tags=["events"])


@router.get("/v1/events")
async def list_events(
    rooms: Behind, after: Cursor = 0, operation: str = "", deployment: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Page[StoredEvent]:
    """List kept events in order. ``after``: the ``next`` of the page before, or the last sequence number that was seen."""
    found = await rooms.store.events(after=after, operation=operation, deployment=deployment, limit=limit + 1)
    items = tuple(found[:limit])
    return Page(items=items, next=str(items[-1].sequence) if len(found) > limit else None)


@router.websocket("/v1/events/stream")
async def stream_events(
    websocket: WebSocket,
    rooms: Behind,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    project: OptionalName = "",
    environment: OptionalName = "",
    operation: str = "",
) -> None:
    """Send events as they are committed, after the kept ones when ``after`` is given: none lost, none twice."""
    wanted = {"project": project, "environment": environment, "operation": operation}
    await pump(websocket, _fitting(rooms.store.subscribe(after=after), {name: value for name, value in wanted.items() if value}))


async def _fitting(events: AsyncIterator[StoredEvent], wanted: dict[str, str]) -> AsyncIterator[StoredEvent]:
    async for event in events:
        if all(getattr(event, name) == value for name, value in wanted.items()):
            yield event
