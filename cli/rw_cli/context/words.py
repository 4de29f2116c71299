"""What may stand where the cursor is: commands, flags, and names that the daemon knows. Read by the shells' completion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rw_cli import launcher
from rw_cli.context.session import Session

FLAGS = ("--json", "--project", "--environment", "--no-input", "--help")
VALUES = {
    "--target": ("process", "docker"), "--level": ("debug", "info", "warn", "error"), "--ci": ("github", "gitlab"),
}  # fmt: skip


def words(session: Session, root: Any, typed: Sequence[str]) -> list[str]:
    """Return the words that fit the last one of ``typed``, which may be empty.

    :param root: the command's tree. No daemon is started for this, and what goes wrong completes nothing.
    """
    *before, last = typed or [""]
    command, path = root, [one for one in before if not one.startswith("-")]
    while path and hasattr(command, "list_commands"):
        try:
            command = command.get_command(None, path.pop(0))
        except Exception:
            return []
        if command is None:
            return []
    if hasattr(command, "list_commands"):
        found = [*command.list_commands(None), *FLAGS]
    elif last.startswith("-"):
        found = [*(name for one in command.params for name in one.opts if name.startswith("--")), *FLAGS]
    else:
        found = _values(session, command, before[-1] if before else "")
    return sorted(word for word in set(found) if word.startswith(last))


def _values(session: Session, command: Any, flag: str) -> list[str]:
    if flag in VALUES:
        return list(VALUES[flag])
    if flag == "--template":
        from rw_cli.context.starters import names

        return names()
    live = {"-s": _services, "--service": _services, "--deploy": _deployments, "--project": _projects, "--environment": _environments}
    if flag in live:
        return _asked(session, live[flag])
    arguments = [one.name for one in command.params if one.param_type_name == "argument"]
    known: dict[str, Callable[[Session], list[str]]] = {
        "services": _services, "service": _services, "wanted": _services, "name": _deployments,
    }  # fmt: skip
    return [word for name in arguments if name in known for word in _asked(session, known[name])]


def _asked(session: Session, ask: Callable[[Session], list[str]]) -> list[str]:
    with suppress(Exception):
        return ask(session) if launcher.answers(session.home) else []
    return []


def _services(session: Session) -> list[str]:
    return [one["name"] for one in session.client.once("GET", session.place())["services"]]


def _deployments(session: Session) -> list[str]:
    items = session.client.once("GET", f"{session.place()}/deployments")["items"]
    return [word for one in items for word in (f"v{one['version']}", one["id"])]


def _environments(session: Session) -> list[str]:
    return [one["name"] for one in session.client.once("GET", f"/v1/projects/{session.linked('.')}/environments")["items"]]


def _projects(session: Session) -> list[str]:
    return [one["name"] for one in session.client.once("GET", "/v1/projects")["items"]]
