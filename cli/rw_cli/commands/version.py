"""``rw version``."""

from __future__ import annotations

import typer

from rw_cli import launcher
from rw_cli.context.session import Session
from rw_shared.version import VERSION

version_app = typer.Typer(rich_markup_mode=None, add_completion=False)


@version_app.command()
def version(ctx: typer.Context) -> None:
    """Print the versions of command and, when it runs, daemon: `rw version`."""
    session: Session = ctx.obj
    daemon = session.client.once("GET", "/v1/daemon")["version"] if launcher.answers(session.home) else None
    session.result({"version": VERSION, "daemon": daemon}, f"rw {VERSION}\ndaemon {daemon or 'not running'}")
