"""The caller's environment of each deployment, kept beside the database: proxies and indexes may hold passwords, so no event has it."""

from __future__ import annotations

import json
import os
from pathlib import Path


class Environs:
    """One 0600 file for each key (an operation's or deployment's id)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, key: str, environ: dict[str, str]) -> None:
        """Write ``environ`` under ``key``, all or nothing."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / key
        partial = path.with_suffix(".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(environ, file)
        partial.replace(path)

    def find(self, key: str) -> dict[str, str]:
        """Return what was kept; empty when it is gone."""
        try:
            found = json.loads((self._folder / key).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return {str(name): str(value) for name, value in found.items()}

    def forget(self, key: str) -> None:
        """Remove what was kept."""
        (self._folder / key).unlink(missing_ok=True)
