"""Takes snapshots and hands out what is in them."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from rw_daemon.detection.source import Source
from rw_daemon.snapshots.archive import tar_stream
from rw_daemon.snapshots.manifest import EXECUTABLE, LINK, PLAIN, Entry, Manifest
from rw_daemon.snapshots.objects import Objects, copy, raise_disk_full
from rw_daemon.snapshots.walking import Found, Tree, walk
from rw_shared.errors import SnapshotChangedError, SnapshotMissingError, SourceMissingError, SourceUnreadableError
from rw_shared.models import FileChange, Snapshot, SnapshotProgress

READS = 3  # a file that changes under the read is read again this often
YOUNG_NS = 2_000_000_000  # a file changed this recently may change again within its time stamp's grain: it is always read

YOUNG_SECONDS = 3600.0
PARTIAL = ".partial"
TOLD_EVERY = 32
"""Files between two notes of how far a snapshot is: a note costs more than a file that is known."""

Cache = dict[str, str]
"""Path → the fingerprint, a space, and the content's digest."""


class Snapshots:
    """Snapshots below one folder. Objects are shared by all of them."""

    def __init__(self, root: Path, *, limit_files: int, limit_bytes: int) -> None:
        self._root, self._limit_files, self._limit_bytes = root, limit_files, limit_bytes
        self._objects = Objects(root / "objects")
        self._taking: dict[Path, SnapshotProgress] = {}
        self._lock = threading.Lock()  # a sweep must not remove what a take has just found

    async def take(self, path: Path, *, only: Collection[str] = (), limit_files: int = 0, limit_bytes: int = 0) -> Snapshot:
        """Take a folder as it is now.

        :param only: names of files directly in the folder; nothing else is looked at.
        :param limit_files, limit_bytes: other limits than the configured ones; 0 means those.
        :raises SourceMissingError: no such folder. ``SourceUnreadableError``, ``SnapshotChangedError``, ``SnapshotTooLargeError``,
            ``DiskFullError``: as their names say; nothing is left of the attempt.
        """
        return await asyncio.to_thread(self._take, path, only, limit_files or self._limit_files, limit_bytes or self._limit_bytes)

    def _take(self, path: Path, only: Collection[str], limit_files: int, limit_bytes: int) -> Snapshot:
        if not path.is_dir():
            raise SourceMissingError(str(path))
        with self._lock:
            tree = walk(path, only=only, limit_files=limit_files, limit_bytes=limit_bytes)
            cached = "\0".join([str(path), *sorted(only)])
            cache_file = self._root / "cache" / f"{sha256(cached.encode()).hexdigest()[:24]}.json"
            try:
                entries, known = self._entries(path, tree, _load(cache_file))
            finally:
                self._taking.pop(path, None)
            manifest = Manifest(tuple(entries))
            text = manifest.dumps()
            digest = f"sha256:{sha256(text).hexdigest()}"
            if self._manifest_path(digest).exists():
                os.utime(self._manifest_path(digest))  # taken again just now: a sweep leaves it alone
            else:
                self._write(self._manifest_path(digest), text)
            if known is not None:
                self._write(cache_file, json.dumps(known, separators=(",", ":")).encode())
        return Snapshot(
            digest=digest, files=len(entries), size_bytes=manifest.size_bytes, skipped=tuple(tree.skipped), folders=tuple(tree.folders)
        )

    def progress(self, path: Path) -> SnapshotProgress:
        """Return how far the snapshot of a folder is that is being taken now."""
        return self._taking.get(path, SnapshotProgress())

    async def changes(self, digest: str, *, since: str) -> tuple[FileChange, ...]:
        """Return what is different between two snapshots. ``SnapshotMissingError``."""
        if digest == since:
            return ()
        return (await self.manifest(digest)).changes_since(await self.manifest(since))

    def _entries(self, root: Path, tree: Tree, before: Cache) -> tuple[list[Entry], Cache | None]:
        """Return what the snapshot holds, and what is known now unless it is what was known before.

        ``tree.found`` and ``before`` are used up on the way: of a hundred thousand files, not everything is held twice.
        """
        entries: list[Entry] = []
        after: Cache = {}
        now, is_new = time.time_ns(), False
        had, total, files = 0, sum(one.size for one in tree.found), len(tree.found)
        tree.found.reverse()
        while tree.found:
            found = tree.found.pop()
            if not len(tree.found) % TOLD_EVERY:
                self._taking[root] = SnapshotProgress(files=files, had_bytes=had, all_bytes=total)
            had += found.size
            known = before.pop(found.path, "")
            entry = self._entry(root, found, known)
            if entry is None:
                continue
            entries.append(entry)
            if not found.is_link and now - found.changed_ns > YOUNG_NS:
                line = f"{found.fingerprint} {entry.content}"
                is_new |= line != known
                after[found.path] = line
        return entries, after if is_new or before else None

    def _entry(self, root: Path, found: Found, known: str) -> Entry | None:
        if found.is_link:
            target = os.fsdecode((root / found.path).readlink())
            return Entry(found.path, LINK, 0, target)
        kind = EXECUTABLE if found.mode & stat.S_IXUSR else PLAIN
        fingerprint, _, digest = known.rpartition(" ")
        if fingerprint == found.fingerprint and self._objects.has(digest, found.size):
            return Entry(found.path, kind, found.size, digest)
        content = self._read(root / found.path, found)
        return None if content is None else Entry(found.path, kind, content[1], content[0])

    def _read(self, path: Path, found: Found) -> tuple[str, int] | None:
        """Return digest and size of what is in a file now; ``None`` when it went away."""
        for _ in range(READS):
            try:
                before = path.stat(follow_symlinks=False)
                digest, size = self._objects.keep(path)
                after = path.stat(follow_symlinks=False)
            except FileNotFoundError:
                return None
            except PermissionError:
                raise SourceUnreadableError(found.path, reason="It may not be read by this user.") from None
            if (before.st_mtime_ns, before.st_size, size) == (after.st_mtime_ns, after.st_size, after.st_size):
                return digest, size
        raise SnapshotChangedError(found.path)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}{PARTIAL}")
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise_disk_full(error, self._root)
            raise

    def _manifest_path(self, digest: str) -> Path:
        return self._root / "manifests" / digest.removeprefix("sha256:")

    # --- handing out

    async def manifest(self, digest: str) -> Manifest:
        """Return what a snapshot holds. ``SnapshotMissingError`` when it is not kept."""
        return await asyncio.to_thread(self.read_manifest, digest)

    def read_manifest(self, digest: str) -> Manifest:
        """Return what a snapshot holds, for callers in a thread of their own. ``SnapshotMissingError``."""
        name = digest.removeprefix("sha256:")
        if not name.isalnum():
            raise SnapshotMissingError(digest)
        try:
            return Manifest.loads(self._manifest_path(digest).read_bytes())
        except FileNotFoundError:
            raise SnapshotMissingError(digest) from None

    async def source(self, digest: str) -> Source:
        """Return a snapshot as detection reads it: files are opened when asked for."""
        return Source(_Files(self._objects, await self.manifest(digest)))

    def tar(
        self,
        digest: str,
        extra: Mapping[str, bytes],
        *,
        prefix: str = "",
        below: str = "",
        is_dated: bool = False,
        takes: Callable[[str], bool] = lambda _: True,
    ) -> Iterator[bytes]:
        """Yield a tar of the snapshot, the same bytes each time (no owners, and no times unless they are asked for).

        :param extra: more files, by path; they stand first.
        :param prefix: folder in the tar that the snapshot's files go to (``src/``).
        :param below: only this folder of the snapshot, as if it were the root.
        :param is_dated: a file carries the time at which its content was first seen. Servers make their validators from a file's time
            and size: without, a browser would keep a page that was changed to another of the same length.
        :param takes: tells which of its files, by their path from there.
        """
        return tar_stream(self._whole(digest), self._objects, extra, prefix=prefix, below=below, is_dated=is_dated, takes=takes)

    async def lay_out(self, digest: str, folder: Path) -> None:
        """Write a snapshot's files into a folder, which is made when missing; files that are there already are not touched."""
        await asyncio.to_thread(self._lay_out, digest, folder)

    def _whole(self, digest: str) -> Manifest:
        """Return what a snapshot holds; ``SnapshotMissingError`` as well when a file of it is lost or cut off."""
        manifest = self.read_manifest(digest)
        if all(entry.kind == LINK or self._objects.has(entry.content, entry.size) for entry in manifest.entries):
            return manifest
        raise SnapshotMissingError(digest)

    def _lay_out(self, digest: str, folder: Path) -> None:
        manifest = self._whole(digest)
        folder.mkdir(parents=True, exist_ok=True)
        made = {""}
        try:
            for entry in manifest.entries:
                parent = entry.path.rpartition("/")[0]
                if parent not in made:
                    (folder / parent).mkdir(parents=True, exist_ok=True)
                    made.add(parent)
                target = folder / entry.path
                if entry.kind == LINK:
                    target.symlink_to(entry.content)
                else:
                    copy(self._objects.path(entry.content), target, mode=0o755 if entry.kind == EXECUTABLE else 0o644)
        except OSError as error:
            raise_disk_full(error, folder)
            raise

    async def keep_only(self, digests: set[str], *, young_seconds: float = YOUNG_SECONDS) -> None:
        """Remove every snapshot that is not named, and the objects that only they held.

        :param young_seconds: one that was taken this recently stays: its order may be on the way.
        """
        await asyncio.to_thread(self._keep_only, digests, young_seconds)

    def _keep_only(self, digests: set[str], young_seconds: float) -> None:
        with self._lock:
            names = {digest.removeprefix("sha256:") for digest in digests}
            kept: set[str] = set()
            for path in (self._root / "manifests").glob("*"):
                if path.suffix == PARTIAL:  # whoever wrote it died: the lock is ours
                    path.unlink()
                elif path.name in names or time.time() - path.stat().st_mtime < young_seconds:
                    kept.update(entry.content for entry in Manifest.loads(path.read_bytes()).entries if entry.kind != LINK)
                else:
                    path.unlink(missing_ok=True)
            self._objects.sweep(kept)


class _Files(Mapping[str, bytes]):
    """A snapshot's files as a mapping; links to files inside the tree read as their target."""

    def __init__(self, objects: Objects, manifest: Manifest) -> None:
        self._objects = objects
        self._entries = {entry.path: entry for entry in manifest.entries}

    def __getitem__(self, path: str) -> bytes:
        entry = self._entries[path]
        for _ in range(8):  # a chain of links longer than this is a loop
            if entry.kind != LINK:
                return self._objects.path(entry.content).read_bytes()
            target = os.path.normpath(os.path.join(os.path.dirname(entry.path), entry.content))  # noqa: PTH118, PTH120 - of names, not of files
            if target not in self._entries:
                break
            entry = self._entries[target]
        return b""

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _load(path: Path) -> Cache:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and all(isinstance(one, str) for one in found.values()) else {}
