"""A snapshot as a stream of tar bytes, made while it is sent: nothing is held in memory but one chunk."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator, Mapping

from rw_daemon.snapshots.manifest import EXECUTABLE, LINK, Entry, Manifest
from rw_daemon.snapshots.objects import CHUNK_BYTES, Objects


def tar_stream(
    manifest: Manifest,
    objects: Objects,
    extra: Mapping[str, bytes],
    *,
    prefix: str,
    below: str,
    is_dated: bool,
    takes: Callable[[str], bool],
) -> Iterator[bytes]:
    """Yield the archive. See ``Snapshots.tar``."""
    for path in sorted(extra):
        header = tarfile.TarInfo(path)
        header.size, header.mode = len(extra[path]), 0o644
        yield from (_head(header), extra[path], _padding(header.size))
    start = f"{below.strip('/')}/" if below.strip("/") else ""
    for entry in manifest.entries:
        path = entry.path.removeprefix(start)
        if entry.path.startswith(start) and takes(path):
            yield from _entry(entry, objects, prefix + path, is_dated=is_dated)
    yield b"\0" * tarfile.RECORDSIZE


def _entry(entry: Entry, objects: Objects, name: str, *, is_dated: bool) -> Iterator[bytes]:
    header = tarfile.TarInfo(name)
    if entry.kind == LINK:
        header.type, header.linkname, header.mode = tarfile.SYMTYPE, entry.content, 0o777
        yield _head(header)
        return
    header.size, header.mode = entry.size, 0o755 if entry.kind == EXECUTABLE else 0o644
    with objects.path(entry.content).open("rb") as file:
        if is_dated:
            header.mtime = int(os.fstat(file.fileno()).st_mtime)
        yield _head(header)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
    yield _padding(entry.size)


def _head(header: tarfile.TarInfo) -> bytes:
    return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)
