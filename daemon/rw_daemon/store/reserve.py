"""Space that is put by while there is some, so that a full disk cannot keep an end from being written."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 4 * 1024**2
"""Some hundred operations' worth of events."""


class Reserve:
    """A file of nothing beside the database."""

    def __init__(self, path: Path, *, size_bytes: int = RESERVE_BYTES) -> None:
        self._path, self._size = path, size_bytes

    def fill(self) -> bool:
        """Put the space by where it is not yet; return whether it is there."""
        if self._path.exists():
            return True
        try:
            if shutil.disk_usage(self._path.parent).free < 2 * self._size:
                return False
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self.spend()
            return False
        return True

    def spend(self) -> bool:
        """Give the space back to whoever writes next; return whether there was any."""
        with suppress(OSError):
            self._path.unlink()
            return True
        return False
