"""How far something is that takes a while, in words. Pure."""

from __future__ import annotations


def progress_text(had: int, wanted: int, seconds: float) -> str:
    """Return ``12.5 of 130.0 MB, 9 s left`` for bytes had and wanted after so many seconds."""
    left = f", {(wanted - had) * seconds / had:.0f} s left" if had else ""
    return f"{had / 1e6:.1f} of {wanted / 1e6:.1f} MB{left}"
