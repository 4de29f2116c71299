"""Secrets blacked out of what programs print. Pure."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 6
"""Characters: shorter values would black out ordinary words."""
MASK = "***"


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
