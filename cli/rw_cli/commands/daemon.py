"""``rw daemon``: the process in the background. Services run on without it."""

from __future__ import annotations

import os
from collections import deque
from typing import Annotated

import typer

from rw_cli import launcher
from rw_cli.context import units
from rw_cli.context.session import Session
from rw_cli.render.text import clean
from rw_shared.errors import DaemonUnreachableError

daemon_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@daemon_app.command()
def start(ctx: typer.Context) -> None:
    """Start it, when it does not run: `rw daemon start`."""
    session: Session = ctx.obj
    info = session.client.call("GET", "/v1/daemon")
    session.result(info, f"running, pid {info['pid']}")


@daemon_app.command()
def stop(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--everything", help="Take down all services and the edge as well.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop it; services and URLs stay, unless --everything is given: `rw daemon stop`."""
    session: Session = ctx.obj
    if everything:
        if not yes and not session.confirm("Take every service of every project down?", flag="--yes"):
            return
    elif not launcher.answers(session.home):
        session.result({"stopped": False}, "It does not run.")
        return
    pid = session.client.call("GET", "/v1/daemon")["pid"]
    session.client.call("POST", "/v1/daemon/stop", body={"everything": everything})
    if not launcher.wait_for_end(session.home, pid):
        raise DaemonUnreachableError(why=f"It did not end within {launcher.STOP_SECONDS:.0f} s.", log=str(session.home.daemon_log))
    session.result({"stopped": True}, "Everything is down." if everything else "Stopped; services run on.")


@daemon_app.command()
def install(ctx: typer.Context) -> None:
    """Let the daemon start with the machine, as a unit of your systemd; `rw daemon uninstall` undoes it: `rw daemon install`."""
    session: Session = ctx.obj
    unit = units.write(session.home, os.environ)
    told = units.tell("enable", "--now")
    session.result({"unit": str(unit), "enabled": told}, f"{unit}\n" + ("It starts with the machine." if told else units.BY_HAND))


@daemon_app.command()
def uninstall(ctx: typer.Context) -> None:
    """Take the unit away again; what runs goes on: `rw daemon uninstall`."""
    session: Session = ctx.obj
    told = units.tell("disable")
    removed = units.remove(os.environ)
    session.result({"removed": removed, "disabled": told}, "The unit is gone." if removed else "There was no unit.")


@daemon_app.command()
def status(ctx: typer.Context) -> None:
    """Say whether it runs; starts nothing: `rw daemon status`."""
    session: Session = ctx.obj
    if not launcher.answers(session.home):
        session.result({"running": False, "home": str(session.home.root)}, "not running")
        return
    info = session.client.once("GET", "/v1/daemon")
    session.result({"running": True, **info}, f"running, version {info['version']}, pid {info['pid']}, home {info['home']}")


@daemon_app.command()
def logs(ctx: typer.Context, lines: Annotated[int, typer.Option("-n", help="How many lines.", min=1)] = 50) -> None:
    """Show the end of its log: `rw daemon logs -n 200`."""
    session: Session = ctx.obj
    found: deque[str] = deque(maxlen=lines)
    if session.home.daemon_log.exists():
        with session.home.daemon_log.open(errors="replace") as file:
            found.extend(row.rstrip("\n") for row in file)
    session.result({"items": list(found), "next": None}, clean("\n".join(found)))
