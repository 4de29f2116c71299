"""``rw logs``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from rw_cli.context.session import SCHEMA, Session, path_of
from rw_cli.render.logs import log_text, name_of
from rw_shared.errors import UsageError

logs_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@logs_app.command()
def logs(
    ctx: typer.Context,
    services: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many of the past.", min=0, max=100_000)] = 100,
    build: Annotated[bool, typer.Option("--build", help="What builds printed.")] = False,
    http: Annotated[bool, typer.Option("--http", help="What was requested: method, path, status, duration.")] = False,
    previous: Annotated[bool, typer.Option("--previous", help="Of the release before the serving one.")] = False,
    deploy: Annotated[str, typer.Option(help="Only this deployment: id or vN.")] = "",
    query_text: Annotated[str, typer.Option("-q", "--query", help='Text, "phrases", @status:>=500, @level:error, AND, OR, -not, ().')] = "",
    level: Annotated[str, typer.Option(help="At least this: debug, info, warn, error.")] = "",
    since: Annotated[str, typer.Option(help="From then on: 90s, 15m, 2h, 1d, or 2026-01-31T12:00.")] = "",
    until: Annotated[str, typer.Option(help="Up to then: the same forms.")] = "",
) -> None:
    """Show what services print, interleaved: `rw logs -f -q "timeout OR @status:>=500"`."""
    session: Session = ctx.obj
    if build and http:
        raise UsageError("--build and --http exclude each other.", hint="Ask for one of them.")
    if previous and deploy:
        raise UsageError("--previous and --deploy exclude each other.", hint="Name the deployment, or say --previous.")
    project, environment = path_of(session.place())
    query: dict[str, Any] = {"project": project, "environment": environment, "service": services or [],
                             "deployment": "previous" if previous else deploy,
                             "source": "build" if build else "http" if http else "deploy", "q": query_text, "level": level,
                             "since": moment(since, "--since"), "until": moment(until, "--until")}  # fmt: skip
    past = session.client.call("GET", "/v1/logs", query={**query, "n": max(lines, 1)})["items"]
    if session.is_json:
        session.row({"schema": SCHEMA, "type": "begin", "project": project, "environment": environment})
    write = _Writer(session, past)
    for row in past if lines else ():
        write(row)
    sys.stdout.flush()
    if follow:
        after = past[-1]["cursor"] if past else 0
        for row in session.client.stream("/v1/logs/stream", query={**query, "after": after}, cursor="cursor"):
            write(row)
            sys.stdout.flush()
    elif session.is_json:
        session.row({"schema": SCHEMA, "type": "result", "lines": len(past) if lines else 0})


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(text: str, flag: str) -> str:
    """Return a moment in UTC for ``15m`` (ago) or a date; empty for an empty text. ``UsageError``."""
    if not text:
        return ""
    try:
        if text[-1] in UNITS and text[:-1].isdigit():
            return (datetime.now(UTC) - timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])).isoformat()
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise UsageError(f"{flag} {text!r} is no time.", hint=f"Type {flag} 15m, {flag} 2h, or {flag} 2026-01-31T12:00.") from None


class _Writer:
    """Writes rows; on a terminal the lines of all services begin in the same column."""

    def __init__(self, session: Session, past: Sequence[dict[str, Any]]) -> None:
        self._session, self._colored, self._is_aligned = session, session.colored, bool(session.width)  # asked once, not for each line
        self._broad = 0
        for row in past:
            self._widen(row)

    def __call__(self, row: dict[str, Any]) -> None:
        if self._session.is_json:
            self._session.row(row)
            return
        self._widen(row)
        sys.stdout.write(log_text(row, colored=self._colored, broad=self._broad) + "\n")

    def _widen(self, row: dict[str, Any]) -> None:
        if self._is_aligned and "service" in row:
            self._broad = max(self._broad, len(name_of(row)))
