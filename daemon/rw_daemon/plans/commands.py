"""How a start command becomes what a shell runs: the app takes the shell's place, so that SIGTERM and the exit status are its own."""

from __future__ import annotations

import re

# what is no program: reserved words, and commands that only mean something inside the shell
SHELL_WORDS = frozenset(
    {"!", ".", ":", "[[", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then"}
    | {"time", "until", "while", "alias", "bg", "break", "cd", "command", "continue", "eval", "exec", "exit", "export", "fg", "hash"}
    | {"jobs", "local", "read", "readonly", "return", "set", "shift", "source", "times", "trap", "type", "ulimit", "umask", "unalias"}
    | {"unset", "wait"}
)
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_COMPOUND = re.compile(r"[;&|\n`'\"\\]|(?<!\$)\(")  # a quote or a backslash that is left has no partner
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


def shell_text(command: str) -> str:
    """Return the text for ``sh -c``: ``exec`` in front of one simple command, everything else as its author wrote it.

    ``cd x && server`` and ``A=1 server`` are not touched: ``exec`` would break them. Operators inside quotes are no operators.
    """
    text = command.strip()
    bare = _QUOTED.sub("_", text)
    if not text or text.startswith(("#", "<", ">")) or _COMPOUND.search(bare) or _ASSIGNMENT.match(bare):
        return text
    return text if bare.split(maxsplit=1)[0] in SHELL_WORDS else f"exec {text}"
