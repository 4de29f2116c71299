"""Texts that are compared with files in the repository. ``RW_PIN=1 pytest`` writes the files anew: a change there is a decision."""

from __future__ import annotations

import os
from pathlib import Path


def pinned(file: Path, text: str) -> str:
    """Return what ``file`` holds; with ``RW_PIN=1`` that is ``text`` from now on."""
    if os.environ.get("RW_PIN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return file.read_text()
