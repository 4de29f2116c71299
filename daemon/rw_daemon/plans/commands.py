"""How a start command becomes what a shell runs: the app takes the shell's place, so that SIGTERM reaches it."""

from __future__ import annotations

import re

_SIMPLE = re.compile(r"(?!exec\s)[^\s=;&|<>`(){}!]+(?:\s|$)")
_OPERATORS = re.compile(r"&&|\|\||[;|&\n]")


def shell_text(command: str) -> str:
    """Return the text for ``sh -c``: ``exec`` in front of a simple command; a compound one is left as its author wrote it."""
    command = command.strip()
    if (
        _SIMPLE.match(command)
        and not _OPERATORS.search(_without_quotes(command))
        and not command.startswith(("cd ", "set ", "export ", ". "))
    ):
        return f"exec {command}"
    return command


def _without_quotes(command: str) -> str:
    return re.sub(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", "", command)
