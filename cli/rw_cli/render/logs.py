"""Log lines as text."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from rw_cli.render.text import line

COLORS = (36, 32, 33, 35, 34, 96, 92, 93)


def name_of(row: dict[str, Any]) -> str:
    """Return who printed a line: the service, and the replica where it is not the first."""
    return str(row["service"]) if row.get("replica", -1) <= 0 else f"{row['service']}.{row['replica']}"


def log_text(row: dict[str, Any], *, colored: bool, broad: int = 0) -> str:
    """Return one line, its service first; a gap says how much is missing.

    :param broad: columns for the name, so that lines of several services stand below each other.
    """
    if row.get("type") == "gap":
        return f"… {row['missed']} lines were too fast for this reader; `rw logs -n` has them"
    name = name_of(row).ljust(broad)
    if colored:
        name = f"\x1b[{COLORS[crc32(row['service'].encode()) % len(COLORS)]}m{name}\x1b[0m"
    return f"{name} | {line(row['message'])}"
