"""Secrets blacked out of what programs print. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from rw_daemon.plans.check import SECRET_NAME

SHORTEST = 6
"""Characters: shorter values would black out ordinary words."""
MASK = "***"


def secrets_of(variables: Mapping[str, str]) -> set[str]:
    """Return the values that must not stand in a log: those whose name says so, and the passwords in addresses."""
    found = {value for name, value in variables.items() if SECRET_NAME.search(name)}
    for value in variables.values():
        if "://" in value and (password := _password(value)):
            found |= {password, unquote(password)}
    return found


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


class Mask:
    """Replaces values wherever they occur in a line; each line of a value of several lines is one."""

    def __init__(self, values: Iterable[str]) -> None:
        parts = {part for value in values for part in value.splitlines() if len(part) >= SHORTEST}
        self._parts = sorted(parts, key=len, reverse=True)  # a value that contains another one goes first

    def __call__(self, text: str) -> str:
        """Return ``text`` without the values."""
        for part in self._parts:
            if part in text:
                text = text.replace(part, MASK)
        return text
