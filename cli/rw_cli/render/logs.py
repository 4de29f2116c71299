"""Log lines as text."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from rw_cli.render.text import line

COLORS = (36, 32, 33, 35, 34, 96, 92, 93)


def log_text(row: dict[str, Any], *, colored: bool) -> str:
    """Return one line, its service first; a gap says how much is missing."""
    if row.get("type") == "gap":
        return f"… {row['missed']} lines were too fast for this reader; `rw logs -n` has them"
    name = row["service"] if row.get("replica", -1) <= 0 else f"{row['service']}.{row['replica']}"
    if colored:
        name = f"\x1b[{COLORS[crc32(row['service'].encode()) % len(COLORS)]}m{name}\x1b[0m"
    return f"{name} | {line(row['message'])}"
