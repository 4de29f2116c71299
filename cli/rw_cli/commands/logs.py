"""``rw logs``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from rw_cli.context.session import SCHEMA, Session, path_of
from rw_cli.render.logs import log_text

logs_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@logs_app.command()
def logs(
    ctx: typer.Context,
    services: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many of the past.", min=0, max=100_000)] = 100,
    build: Annotated[bool, typer.Option("--build", help="What builds printed.")] = False,
    deploy: Annotated[str, typer.Option(help="Only this deployment: id or vN.")] = "",
) -> None:
    """Show what services print, interleaved."""
    session: Session = ctx.obj
    project, environment = path_of(session.place())
    query: dict[str, Any] = {"project": project, "environment": environment, "service": services or [], "deployment": deploy,
                             "source": "build" if build else "deploy"}  # fmt: skip
    past = session.client.call("GET", "/v1/logs", query={**query, "n": max(lines, 1)})["items"]
    if session.is_json:
        session.row({"schema": SCHEMA, "type": "begin", "project": project, "environment": environment})
    for row in past if lines else ():
        _write(session, row)
    sys.stdout.flush()
    if follow:
        after = past[-1]["cursor"] if past else 0
        for row in session.client.stream("/v1/logs/stream", query={**query, "after": after}, cursor="cursor"):
            _write(session, row)
            sys.stdout.flush()
    elif session.is_json:
        session.row({"schema": SCHEMA, "type": "result", "lines": len(past) if lines else 0})


def _write(session: Session, row: dict[str, Any]) -> None:
    if session.is_json:
        session.row(row)
    else:
        sys.stdout.write(log_text(row, colored=session.colored) + "\n")
