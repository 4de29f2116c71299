"""``rw run``, ``shell``, ``exec`` and ``connect``: from here into a service."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from rw_cli.client import Json
from rw_cli.context.session import Session
from rw_shared.errors import NotFoundError, UsageError

PLAIN = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""Everything behind the first word belongs to the command that is run."""
run_app = typer.Typer(rich_markup_mode=None, add_completion=False)
shell_app = typer.Typer(rich_markup_mode=None, add_completion=False)
exec_app = typer.Typer(rich_markup_mode=None, add_completion=False)
connect_app = typer.Typer(rich_markup_mode=None, add_completion=False)
Service = Annotated[str, typer.Option("-s", "--service", help="Default: the only one.")]
Replica = Annotated[int, typer.Option("--replica", help="Which replica, from 0.", min=0)]


@run_app.command(context_settings=PLAIN)
def run(ctx: typer.Context, command: Annotated[list[str], typer.Argument()], service: Service = "") -> None:
    """Run a command here, with the service's variables: `rw run -- python manage.py shell`."""
    entry = _entry(ctx.obj, service)
    _become(command, {**os.environ, **entry["variables"]})


@shell_app.command()
def shell(ctx: typer.Context, service: Service = "") -> None:
    """Open a shell here, with the service's variables: `rw shell -s web`."""
    entry = _entry(ctx.obj, service)
    program = os.environ.get("SHELL") or "/bin/sh"
    ctx.obj.say(f"A shell with the variables of {entry['service']}; `exit` leaves it.")
    _become([program], {**os.environ, **entry["variables"], "RW_SHELL": entry["service"]})


@exec_app.command("exec", context_settings=PLAIN)
def execute(
    ctx: typer.Context,
    command: Annotated[list[str], typer.Argument(help="Default: a shell.")] = [],  # noqa: B006 - Typer copies it
    service: Service = "",
    replica: Replica = 0,
) -> None:
    """Run a command inside a running replica: `rw exec -- ls`, `rw exec -s web -- sh`."""
    session: Session = ctx.obj
    entry = _entry(session, service, replica)
    if not entry["replica"]:
        raise NotFoundError(
            "running replica", f"{entry['service']}.{replica}", hint="`rw status` shows which there are; `rw wake` starts what sleeps."
        )
    wanted = command or ["/bin/sh"]
    if entry["container"]:
        from rw_cli.context.container import Container  # lazy: termios and selectors only for this

        place = Container(entry["container"], engine=entry["engine"], api=entry["api"])
        raise typer.Exit(place.execute(wanted, is_terminal=sys.stdin.isatty() and sys.stdout.isatty()))
    os.chdir(entry["folder"])
    _become(wanted, {**entry["environ"], "TERM": os.environ.get("TERM", "dumb")})


@connect_app.command()
def connect(
    ctx: typer.Context,
    port: Annotated[int, typer.Argument(help="The port inside; default: the service's own.", min=0, max=65535)] = 0,
    service: Service = "",
    replica: Replica = 0,
    local: Annotated[int, typer.Option("--local", help="The port here; default: a free one.", min=0, max=65535)] = 0,
) -> None:
    """Lead a port of this machine to a replica until Ctrl-C: `rw connect 5432 -s db`."""
    session: Session = ctx.obj
    entry = _entry(session, service, replica)
    host, _, own = entry["address"].rpartition(":")
    if not host and not port:
        raise UsageError(f"{entry['service']} has no port of its own.", hint="Name one: `rw connect 5432`.")
    from rw_cli.context.forwarding import forward  # lazy: asyncio takes 40 ms

    forward(session, entry["service"], host or "127.0.0.1", port or int(own), local=local)


def _entry(session: Session, service: str, replica: int = 0) -> Json:
    wanted = service or os.environ.get("RW_SERVICE", "")
    return session.client.call("GET", f"{session.place()}/entry", query={"service": wanted, "replica": replica})


def _become(command: Sequence[str], environ: dict[str, str]) -> NoReturn:
    """Replace this process, so that signals and the exit status are the command's own. ``NotFoundError``: it is not there."""
    program = shutil.which(command[0], path=environ.get("PATH", os.defpath))
    if program is None:
        raise NotFoundError("command", command[0], hint="It is looked for in the PATH that the command would get.")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(program, list(command), environ)  # noqa: S606 - this is what the command is for
