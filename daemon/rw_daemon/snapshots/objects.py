"""Bytes by their sha256: written once, by rename, so that a crash leaves nothing half done."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from rw_shared.errors import DiskFullError

CHUNK_BYTES = 1024 * 1024
FICLONE = 0x40049409  # ioctl that shares a file's blocks (btrfs, xfs): linux/fs.h


class Objects:
    """A folder of objects, fanned out by the first two digits."""

    def __init__(self, root: Path) -> None:
        self._root, self._text = root, str(root)

    def path(self, digest: str) -> Path:
        """Return where the object of a digest (64 hexadecimal digits) lies, whether it is there or not."""
        return self._root / digest[:2] / digest[2:]

    def has(self, digest: str, size: int) -> bool:
        """Return whether the object is there, whole: a machine that loses power may keep a new file's name without its bytes."""
        try:
            # text and not Path: asked once for each file of an unchanged tree
            return os.stat(f"{self._text}/{digest[:2]}/{digest[2:]}").st_size == size  # noqa: PTH116
        except OSError:
            return False

    def keep(self, source: Path) -> tuple[str, int]:
        """Copy a file into the store while it is hashed; return its digest and its size in bytes.

        :raises DiskFullError: no space is left; nothing of it stays.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(prefix="partial-", dir=self._root)
        try:
            hashed, size = hashlib.sha256(), 0
            with os.fdopen(descriptor, "wb") as target, source.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    hashed.update(chunk)
                    target.write(chunk)
                    size += len(chunk)
            digest = hashed.hexdigest()
            self._settle(Path(partial), digest, size)
        except OSError as error:
            raise_disk_full(error, self._root)
            raise
        finally:
            with suppress(FileNotFoundError):
                Path(partial).unlink()
        return digest, size

    def _settle(self, partial: Path, digest: str, size: int) -> None:
        final = self.path(digest)
        final.parent.mkdir(exist_ok=True)
        if not self.has(digest, size):
            partial.chmod(0o400)
            partial.replace(final)

    def sweep(self, kept: set[str]) -> None:
        """Remove every object whose digest is not in ``kept``, and what a crash left half written."""
        for folder in [one for one in self._root.glob("*") if one.is_dir()]:
            for item in folder.iterdir():
                if folder.name + item.name not in kept:
                    item.unlink(missing_ok=True)
        for partial in self._root.glob("partial-*"):
            partial.unlink(missing_ok=True)


def copy(source: Path, target: Path, *, mode: int) -> None:
    """Copy one file with ``mode``, sharing its blocks where the file system can."""
    with source.open("rb") as file, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as copied:
        if not _cloned(file.fileno(), copied.fileno()):
            shutil.copyfileobj(file, copied, CHUNK_BYTES)


def _cloned(source: int, target: int) -> bool:
    try:
        import fcntl  # lazy: not on every system

        fcntl.ioctl(target, FICLONE, source)
    except (ImportError, OSError):
        return False
    return True


def raise_disk_full(error: OSError, where: Path) -> None:
    """Raise ``DiskFullError`` when that is what ``error`` means."""
    if full := DiskFullError.of(error, str(where)):
        raise full from error
