"""``rw status`` and ``rw open``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from rw_cli.context.session import Session
from rw_cli.render.status import status_text
from rw_shared.errors import NotFoundError, ServiceNotFoundError

status_app = typer.Typer(rich_markup_mode=None, add_completion=False)
open_app = typer.Typer(rich_markup_mode=None, add_completion=False)
WATCH_SECONDS = 1.0


@status_app.command()
def status(
    ctx: typer.Context, watch: Annotated[bool, typer.Option("-w", "--watch", help="Show each change until Ctrl-C.")] = False
) -> None:
    """Show what runs here: `rw status --watch`."""
    session: Session = ctx.obj
    place, before = session.place(), None
    while True:
        found = session.client.call("GET", place)
        if found != before:
            session.result(found, status_text(found, width=session.width))
        if not watch:
            return
        before = found
        time.sleep(WATCH_SECONDS)


@open_app.command("open")
def open_service(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="Default: the first with a URL.")] = "",
    print_only: Annotated[bool, typer.Option("--print", help="Print the URL instead.")] = False,
) -> None:
    """Open a service in the browser: `rw open web`, `rw open --print`."""
    session: Session = ctx.obj
    services = session.client.call("GET", session.place())["services"]
    urls = {one["name"]: one["url"] for one in services if one["url"]}
    if service and service not in urls:
        raise ServiceNotFoundError(service, candidates=sorted(urls))
    if not urls:
        raise NotFoundError("service with a URL", service, hint="Run `rw up` first.")
    url = urls[service] if service else next(iter(urls.values()))
    if not print_only and session.is_interactive:
        import webbrowser  # lazy: it looks for browsers

        webbrowser.open(url)
    session.result({"url": url}, url)
