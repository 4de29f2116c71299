"""Looks at a folder: what is in it, what is left out and why. Nothing is read but names and metadata."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from rw_daemon.snapshots.ignoring import Ignore, is_virtualenv
from rw_shared.errors import SnapshotTooLargeError, SourceMissingError

NAMED_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A file or link, as the file system described it. Small, since a tree may hold a hundred thousand.

    :param size: bytes.
    :param changed_ns: when its content or its metadata last changed.
    :param fingerprint: what is another when the content is: times in ns, size, inode, mode.
    """

    path: str
    mode: int
    size: int
    changed_ns: int
    fingerprint: str

    @classmethod
    def of(cls, path: str, one: os.stat_result) -> Found:
        """Take from a file's metadata what is needed of it."""
        fingerprint = f"{one.st_mtime_ns} {one.st_ctime_ns} {one.st_size} {one.st_ino} {one.st_mode}"
        return cls(path, one.st_mode, one.st_size, max(one.st_mtime_ns, one.st_ctime_ns), fingerprint)

    @property
    def is_link(self) -> bool:
        """It is a symbolic link."""
        return stat.S_ISLNK(self.mode)


@dataclass
class Tree:
    """What a walk found."""

    found: list[Found] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def walk(root: Path, *, only: Collection[str] = (), limit_files: int, limit_bytes: int) -> Tree:
    """Return the files and links of ``root`` that are not ignored, sorted by path; ``only``: those of the root with these names.

    :raises SourceMissingError: ``root`` is not a folder. ``SnapshotTooLargeError``: it is beyond a limit.
    """
    tree, ignore = Tree(), Ignore(root)
    real = os.path.realpath(root)
    pending = [("", str(root))]
    while pending:
        prefix, folder = pending.pop()
        tree.folders.append(prefix.rstrip("/"))
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    if not only or entry.name in only:
                        _look(entry, prefix, real, tree=tree, ignore=ignore, pending=pending)
        except (FileNotFoundError, NotADirectoryError):
            if not prefix:
                raise SourceMissingError(str(root)) from None
            continue  # it went away meanwhile: then it is not part of the tree
        except PermissionError:
            tree.skipped.append(f"{prefix or '.'} (may not be listed)")
    _check_limits(tree, limit_files=limit_files, limit_bytes=limit_bytes)
    tree.found.sort(key=lambda one: one.path)
    tree.folders.sort()
    return tree


def _look(entry: os.DirEntry[str], prefix: str, real: str, *, tree: Tree, ignore: Ignore, pending: list[tuple[str, str]]) -> None:
    path = prefix + entry.name
    try:
        path.encode()
    except UnicodeEncodeError:
        tree.skipped.append(f"{path.encode(errors='replace').decode()} (its name is not UTF-8)")
        return
    is_folder = entry.is_dir(follow_symlinks=False)
    if ignore.decide(path, entry.name, is_folder=is_folder):
        return
    if is_folder:
        folder = Path(entry.path)
        if not is_virtualenv(folder):
            ignore.enter(folder, path + "/")
            pending.append((path + "/", entry.path))
        return
    try:
        metadata = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # it went away meanwhile: the other entries of the folder are still there
    if stat.S_ISLNK(metadata.st_mode):
        if not _stays_inside(entry.path, real):
            tree.skipped.append(f"{path} (a link out of the folder)")
            return
    elif not stat.S_ISREG(metadata.st_mode):
        tree.skipped.append(f"{path} (not a file: a socket, pipe or device)")
        return
    tree.found.append(Found.of(path, metadata))


def _stays_inside(link: str, real: str) -> bool:
    target = Path(link).readlink()
    if target.is_absolute():
        return False
    end = os.path.normpath(os.path.join(os.path.realpath(os.path.dirname(link)), target))  # noqa: PTH118, PTH120 - normpath has no pathlib twin
    return end == real or end.startswith(real + os.sep)


def _check_limits(tree: Tree, *, limit_files: int, limit_bytes: int) -> None:
    largest = sorted(tree.found, key=lambda one: -one.size)[:5]
    names = [f"{one.path} ({one.size / 1e6:.1f} MB)" for one in largest]
    total = sum(one.size for one in tree.found)
    if len(tree.found) > limit_files:
        raise SnapshotTooLargeError(what=f"{len(tree.found):,} files", limit=f"{limit_files:,}", largest=names)
    if total > limit_bytes:
        raise SnapshotTooLargeError(what=f"{total / 1e9:.1f} GB", limit=f"{limit_bytes / 1e9:.1f} GB", largest=names)
