"""Assembly of the command, its error boundary and exit status. Command modules are imported when they are called."""

from __future__ import annotations

import os
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from rw_cli.context.session import TRUTHY, Session
from rw_shared.errors import InternalError, RwError, UsageError

# in the order of the help: the six that a newcomer needs come first
COMMANDS = {
    "up": ("up", "Build and run this folder; ends when it answers, with its URL."),
    "status": ("status", "What runs here, how it does, and where it answers."),
    "logs": ("logs", "What the services print, and what builds printed."),
    "open": ("status", "Open a service in the browser."),
    "deployments": ("deployments", "Attempts so far: list, show, cancel, redeploy, rollback."),
    "down": ("change", "Take everything of this environment down."),
    "rollout": ("rollout", "A release on its way: status, pause, resume, promote, abort, retry."),
    "why": ("why", "What led to a deployment's state, told in order."),
    "prove": ("prove", "Load, while it is redeployed, killed and rolled back: is a request lost?"),
    "plan": ("plan", "What would be built, and why."),
    "sbom": ("sbom", "The packages in a built release: SPDX in JSON."),
    "init": ("init", "Write railway.toml, or begin with a starter."),
    "config": ("config", "The railway file: validate, show, explain, schema."),
    "deploy": ("deploy", "`up` for CI: never asks, exits with the stored state."),
    "run": ("entering", "A command here, with a service's variables."),
    "shell": ("entering", "A shell here, with a service's variables."),
    "exec": ("entering", "A command inside a running replica."),
    "connect": ("entering", "A port here that leads to a replica."),
    "restart": ("change", "Start the serving version of services anew."),
    "scale": ("change", "Change how many replicas run: `rw scale web=3`."),
    "sleep": ("change", "Stop services until somebody asks for them."),
    "wake": ("change", "Start services that sleep."),
    "doctor": ("doctor", "Everything rw needs, each with the command to type."),
    "completion": ("completion", "Commands, flags and live names at the press of Tab."),
    "feedback": ("feedback", "One file for a report, without secrets."),
    "daemon": ("daemon", "The process in the background: start, stop, status, logs."),
    "version": ("version", "The versions of command and daemon."),
}
STREAMS = {
    "up", "deploy", "logs", "restart", "scale", "sleep", "wake", "down",
    ("deployments", "redeploy"), ("deployments", "rollback"), ("rollout", "retry"),
}  # fmt: skip
"""Commands that print rows on --json."""
STARTERS = 6
VALUED = {"--project": "project", "--environment": "environment"}
SWITCHES = {"--json": "is_json", "--no-input": "no_input", "-v": "verbose", "--verbose": "verbose"}
TEXT_FLAGS = {"-m", "--message"}  # their value may look like a flag
PASSING = {"run", "exec"}  # everything from the first word behind them belongs to another command
PASSING_VALUED = {"-s", "--service", "--replica"}
EVERYWHERE = "Everywhere: --json, --project NAME, --environment NAME, --no-input, -v. `rw COMMAND --help` says more."
CLICK_ERROR: type[Any] = typer.BadParameter.__mro__[2]  # ClickException; where it lives differs between versions of Typer


class LazyGroup(TyperGroup):
    """The commands of the table above, each imported when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Click's signature
        """Import and return one command; ``UsageError`` with the nearest name when there is none."""
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, n=3)
            hint = f"Did you mean `rw {near[0]}`?" if near else "Run `rw --help` for the list."
            raise UsageError(f"There is no command {cmd_name!r}.", hint=hint, candidates=near)
        module = import_module(f"rw_cli.commands.{COMMANDS[cmd_name][0]}")
        found = typer.main.get_command(getattr(module, f"{cmd_name}_app"))
        found.name = cmd_name
        return found

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click's signature
        """Write the commands from the table, so that help imports none of them."""
        formatter.write("Usage: rw COMMAND [OPTIONS]\n\nrw turns a folder into running services.\n")
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        for head, part in (("Start here", rows[:STARTERS]), ("More", rows[STARTERS:])):
            with formatter.section(head):
                formatter.write_dl(part)
        formatter.write(f"\n{EVERYWHERE}\n")


app = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@app.callback(invoke_without_command=True)
def _root(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        sys.stdout.write(ctx.get_help() + "\n")


def global_flags(arguments: list[str]) -> tuple[Session, list[str]]:
    """Take the global flags out of ``arguments``, wherever they stand before ``--``; ``UsageError`` when a value is missing."""
    chosen: dict[str, Any] = {
        "is_json": os.environ.get("RW_OUTPUT", "") == "json",
        "no_input": os.environ.get("RW_NO_INPUT", "").lower() in TRUTHY,
        "environment": os.environ.get("RW_ENVIRONMENT") or "production",
    }
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        one = waiting.pop(0)
        name, equals, value = one.partition("=")
        is_anothers = bool(rest) and rest[0] in PASSING and not one.startswith("-") and rest[-1] not in PASSING_VALUED
        if one == "--" or is_anothers:
            return Session(**chosen), [*rest, one, *waiting]
        if one in SWITCHES:
            chosen[SWITCHES[one]] = True
        elif name in VALUED:
            if not equals and not waiting:
                raise UsageError(f"{name} needs a name.", hint=f"Type `{name} NAME`.")
            chosen[VALUED[name]] = value if equals else waiting.pop(0)
        else:
            rest.append(one)
            if one in TEXT_FLAGS and waiting:
                rest.append(waiting.pop(0))
    return Session(**chosen), rest


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status; no traceback leaves this function."""
    session = Session(is_json="--json" in arguments or os.environ.get("RW_OUTPUT", "") == "json")
    try:
        session, rest = global_flags(arguments)
        session.is_stream = bool(rest) and (rest[0] in STREAMS or tuple(rest[:2]) in STREAMS)
        found = typer.main.get_command(app).main(args=rest, prog_name="rw", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed_pipe()
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except typer.Exit as end:
        return end.exit_code
    except BaseException as error:
        return _failed(session, error)
    return found if isinstance(found, int) else 0


def _closed_pipe() -> int:
    """The reader had enough (`rw logs | head`): that is no fault. stdout goes nowhere, so that Python's own flush is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def _failed(session: Session, error: BaseException) -> int:
    if isinstance(error, SystemExit):
        raise error
    known = _known(session, error)
    try:
        session.fail(known)
    except BrokenPipeError:
        _closed_pipe()
    return known.exit_code


def _known(session: Session, error: BaseException) -> RwError:
    if isinstance(error, RwError):
        return error
    if isinstance(error, CLICK_ERROR):
        return UsageError(error.format_message(), hint="Run the command with --help.")
    reference = os.urandom(4).hex()
    file = session.home.root / f"fault-{reference}.log"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text("".join(traceback.format_exception(error)))
    except OSError:
        return InternalError(reference)
    return RwError(f"rw made a mistake (reference {reference}).", why="An unexpected error.", hint=f"Its trace is in {file}.",
                   details={"reference": reference})  # fmt: skip
