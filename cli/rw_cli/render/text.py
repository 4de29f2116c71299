"""Text for terminals and pipes: control bytes made harmless, errors readable, tables aligned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rw_shared.errors import RwError

# escape sequences first (CSI, OSC with its end, two-byte ones), then whatever control byte is left
ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?"
)
GAP = 2
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Return ``text`` without anything a terminal would act on; tab and newline stay."""
    return CONTROLS.sub("", ESCAPES.sub("", text))


def line(text: str) -> str:
    """Return an app's line: cleaned, and of progress drawn with carriage returns the last state."""
    kept = text.rstrip("\r\n").rsplit("\r", 1)[-1]
    return clean(kept).replace("\n", " ")


def error_text(error: RwError) -> str:
    """Return what happened, why, and what to type next."""
    parts = [f"error: {error.message}"]
    if error.why:
        parts += [f"  {row}" for row in error.why.splitlines()]
    for label, key in (("probes", "probes"), ("listening on", "listening"), ("last lines", "lastLines")):
        found = error.details.get(key)
        if found:
            rows = found if isinstance(found, list) else [found]
            if "\n".join(map(str, rows)) == error.why:
                continue  # said already
            parts += [f"  {label}:", *(f"    {_short(row)}" for row in rows)]
    if error.hint:
        parts.append(f"→ {error.hint}")
    return clean("\n".join(parts)) + "\n"


def _short(row: object) -> str:
    return " ".join(f"{key}={value}" for key, value in row.items()) if isinstance(row, dict) else str(row)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, width: int = 0) -> str:
    """Return aligned columns.

    :param width: of the terminal, 0 for none: columns that do not fit stand indented below the others, so that nothing is cut.
    """
    cells = [list(heads), *([clean(cell) for cell in row] for row in rows)]
    sizes = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    fitting = next((count for count in range(len(sizes), 1, -1) if not width or sum(sizes[:count]) + GAP * (count - 1) <= width), 1)
    lines = []
    for row in cells:
        lines.append(_aligned(row[:fitting], sizes[:fitting]))
        if any(row[fitting:]):
            lines.append((" " * GAP + _aligned(row[fitting:], sizes[fitting:])).rstrip())
    return "\n".join(lines)


def _aligned(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return (" " * GAP).join(cell.ljust(size) for cell, size in zip(cells, sizes, strict=True)).rstrip()


def size(count: float) -> str:
    """Return bytes for people."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
