"""Lines of builds and apps, by page and as a stream."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, WebSocket

from rw_daemon.api import errors
from rw_daemon.api.pages import Page
from rw_daemon.api.rooms import Behind, Rooms
from rw_daemon.api.scopes import OptionalName, check_scope
from rw_daemon.api.streams import pump
from rw_daemon.deployments.lookup import find_deployment, served_before
from rw_daemon.logs.expressions import LONGEST, parse
from rw_daemon.logs.query import STAMP, LogQuery
from rw_shared.errors import DeploymentNotFoundError, RwError
from rw_shared.models import DEFAULT_ENVIRONMENT, LogRecord, LogSource, Name, Scope

router = APIRouter(tags=["logs"])
PREVIOUS = "previous"
LINES = 100  # as many as a screen holds, when the client names no number


def _query(
    project: Annotated[Name, Query()],
    environment: OptionalName = DEFAULT_ENVIRONMENT,
    service: Annotated[list[Name], Query()] = [],  # noqa: B006 - FastAPI copies it
    deployment: str = "",
    source: LogSource | None = None,
    n: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    level: Literal["", "debug", "info", "warn", "error"] = "",
    since: datetime | None = None,
    until: datetime | None = None,
    q: Annotated[str, Query(max_length=LONGEST)] = "",
) -> LogQuery:
    return LogQuery(
        project=project, environment=environment or DEFAULT_ENVIRONMENT, services=tuple(service),
        deployments=(deployment,) if deployment else (),
        source=source, n=n, after=after, level=level, since=_stamp(since), until=_stamp(until), expression=q,
    )  # fmt: skip


def _stamp(at: datetime | None) -> str:
    """Return a moment as kept lines have it; one without a zone is in UTC."""
    if at is None:
        return ""
    try:
        whole = at.astimezone(UTC) if at.tzinfo else at
    except OverflowError:  # the first or last day of the calendar
        whole = at
    return whole.strftime(STAMP).rjust(27, "0")


Asked = Annotated[LogQuery, Depends(_query)]


async def _checked(rooms: Rooms, query: LogQuery) -> LogQuery:
    """Return the query with the whole id of its deployment; raises what ``check_scope``, ``find_deployment`` and ``parse`` raise."""
    parse(query.expression)
    scope = Scope.of(query)
    await check_scope(rooms.store, scope, services=query.services)
    if not query.deployments:
        return query
    if query.deployments == (PREVIOUS,):
        rows = [row for row in await rooms.store.services(scope) if not query.services or row.name in query.services]
        found = [one for row in rows if (one := await served_before(rooms.store, scope, row.name, before=row.serving))]
        if not found:
            raise DeploymentNotFoundError(PREVIOUS)
        return replace(query, deployments=tuple(one.id for one in found))
    service = query.services[0] if len(query.services) == 1 else ""
    named = [await find_deployment(rooms.store, name, scope=scope, service=service) for name in query.deployments]
    return replace(query, deployments=tuple(one.id for one in named))


@router.get("/v1/logs")
async def read_logs(query: Asked, rooms: Behind) -> Page[LogRecord]:
    """Return the last ``n`` lines (100 when not said), oldest first; with ``after``, the first ``n`` after that cursor."""
    checked = await _checked(rooms, query if query.n is not None else replace(query, n=LINES))
    return Page(items=tuple(await rooms.logs.read(checked)))


@router.websocket("/v1/logs/stream")
async def stream_logs(websocket: WebSocket, query: Asked, rooms: Behind) -> None:
    """Send lines as they come: after ``after``, or the last ``n`` first. A slow reader gets ``{"type":"gap","missed":N}``."""
    try:
        checked = await _checked(rooms, query)
    except RwError as error:
        await errors.close(websocket, error)
        return
    await pump(websocket, rooms.logs.follow(checked))
