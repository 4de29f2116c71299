"""Installed dependencies, kept by digest and cloned with hard links, so that an edited line installs nothing again.

A virtual environment names its own folder in a few text files (the first lines of scripts, ``pyvenv.cfg``, ``.pth``): those are
copied and rewritten, everything else is linked.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

PLACED = frozenset({"pyvenv.cfg", "direct_url.json"})
PLACED_SUFFIXES = (".pth", ".egg-link")
SCRIPT_FOLDERS = frozenset({"bin", ".bin"})
SCRIPT_BYTES = 65536
OWN_FOLDER = ".rw"
KEPT_LAYERS = 20


def content_digest(path: Path) -> str:
    """Return a digest of a file or folder: names, modes and bytes."""
    digest = hashlib.sha256()
    for one in [path] if path.is_symlink() or not path.is_dir() else [path, *sorted(path.rglob("*"))]:
        relative = one.relative_to(path.parent)
        digest.update(f"{relative}\0{one.lstat().st_mode if one.is_symlink() or one.exists() else 0}\0".encode("utf-8", "surrogateescape"))
        if one.is_symlink():
            digest.update(os.fsencode(one.readlink()))
        elif one.is_file():
            digest.update(hashlib.sha256(one.read_bytes()).digest())
    return digest.hexdigest()


def is_placed(path: Path) -> bool:
    """Tell whether a file may name the folder it was made in."""
    if path.name in PLACED or path.name.endswith(PLACED_SUFFIXES):
        return True
    return path.parent.name in SCRIPT_FOLDERS and path.lstat().st_size < SCRIPT_BYTES


def clone(source: Path, target: Path, *, before: bytes, after: bytes) -> None:
    """Make ``target`` look like ``source``, with ``before`` (a folder's path) replaced by ``after`` where it may stand.

    Files are hard links (copies on another disk): nothing may write into them in place. ``target`` may exist.
    """
    for folder, folders, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(exist_ok=True)
        for name in [*files, *(one for one in folders if (Path(folder) / one).is_symlink())]:
            place(Path(folder) / name, here / name, before=before, after=after)
        folders[:] = [one for one in folders if not (Path(folder) / one).is_symlink()]


def place(source: Path, target: Path, *, before: bytes, after: bytes) -> None:
    """Link, copy or rewrite one file."""
    target.unlink(missing_ok=True)
    if source.is_symlink():
        target.symlink_to(os.fsdecode(os.fsencode(source.readlink()).replace(before, after)))
    elif before and is_placed(source) and before in (content := source.read_bytes()):
        target.write_bytes(content.replace(before, after))
        target.chmod(source.stat().st_mode & 0o7777)
    else:
        try:
            target.hardlink_to(source)
        except OSError:
            shutil.copy2(source, target, follow_symlinks=False)


class Layers:
    """Kept layers, the oldest beyond a count go. Incomplete ones are never found: a layer is renamed into place when whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def restore(self, key: str, app: Path) -> bool:
        """Put a kept layer into ``app``; False when there is none."""
        layer = self._folder / key
        try:
            origin = json.loads((layer / "origin.json").read_text())
        except (OSError, ValueError):
            return False
        clone(layer / "files", app, before=os.fsencode(origin), after=os.fsencode(app))
        os.utime(layer)
        return True

    def keep(self, key: str, app: Path) -> None:
        """Keep what stands in ``app`` now, but for rw's own folder."""
        partial = self._folder / f".{uuid4().hex}"
        partial.mkdir(parents=True)
        try:
            clone(app, partial / "files", before=b"", after=b"")
            shutil.rmtree(partial / "files" / OWN_FOLDER, ignore_errors=True)
            (partial / "origin.json").write_text(json.dumps(str(app)))
            partial.rename(self._folder / key)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)  # kept by another build meanwhile, or no space: a layer is only a saving
        for layer in self._surplus():
            shutil.rmtree(layer, ignore_errors=True)

    def forget(self, key: str) -> None:
        """Remove one layer."""
        shutil.rmtree(self._folder / key, ignore_errors=True)

    def _surplus(self) -> Iterator[Path]:
        kept = sorted((path for path in self._folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.stat().st_mtime)
        yield from kept[:-KEPT_LAYERS]
