"""``rw restart``, ``scale``, ``sleep``, ``wake`` and ``down``: orders about what already runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rw_cli.context.following import follow, last_cursor, order
from rw_cli.context.session import Session
from rw_shared.errors import UsageError

restart_app = typer.Typer(rich_markup_mode=None, add_completion=False)
scale_app = typer.Typer(rich_markup_mode=None, add_completion=False)
sleep_app = typer.Typer(rich_markup_mode=None, add_completion=False)
wake_app = typer.Typer(rich_markup_mode=None, add_completion=False)
down_app = typer.Typer(rich_markup_mode=None, add_completion=False)
Services = Annotated[list[str] | None, typer.Argument(help="Default: all.")]


def _run(session: Session, place: str, body: dict[str, Any]) -> None:
    cursor = last_cursor(session.client, place)
    raise typer.Exit(follow(session, place, order(session, place, body), cursor=cursor).exit_code)


@restart_app.command()
def restart(ctx: typer.Context, services: Services = None) -> None:
    """Start the serving version of services anew: `rw restart web`."""
    _run(ctx.obj, ctx.obj.place(), {"kind": "restart", "services": services or []})


@scale_app.command()
def scale(ctx: typer.Context, wanted: Annotated[list[str], typer.Argument(metavar="SERVICE=N…")]) -> None:
    """Change how many replicas run: `rw scale web=3`. The next `rw up` goes by the file again."""
    _run(ctx.obj, ctx.obj.place(), {"kind": "scale", "scale": dict(_pair(one) for one in wanted)})


@sleep_app.command()
def sleep(ctx: typer.Context, services: Services = None) -> None:
    """Stop services until somebody asks for them: `rw sleep web`. The next request waits until they run again."""
    _run(ctx.obj, ctx.obj.place(), {"kind": "sleep", "services": services or []})


@wake_app.command()
def wake(ctx: typer.Context, services: Services = None) -> None:
    """Start services that sleep before somebody asks for them: `rw wake web`."""
    _run(ctx.obj, ctx.obj.place(), {"kind": "wake", "services": services or []})


def _pair(text: str) -> tuple[str, int]:
    name, _, count = text.partition("=")
    if not name or not count.isdecimal() or int(count) > 50:
        raise UsageError(f"{text!r} is not SERVICE=N with N from 0 to 50.", hint="Type for example `rw scale web=3`.")
    return name, int(count)


@down_app.command()
def down(ctx: typer.Context, yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False) -> None:
    """Take everything of this environment down: `rw down --yes`."""
    session: Session = ctx.obj
    place = session.place()
    if not yes and not session.confirm(f"Take everything of {place.split('/')[3]} ({session.environment}) down?", flag="--yes"):
        session.say("Nothing was done.")
        return
    _run(session, place, {"kind": "down"})
