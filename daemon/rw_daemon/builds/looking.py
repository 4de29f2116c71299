"""Reads which packages lie in an image or a folder. Nothing of either is run."""

from __future__ import annotations

import asyncio
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from rw_daemon.builds.components import Component, Entry, components
from rw_daemon.engines.client import Engine
from rw_shared.errors import RwError

CHUNK_BYTES = 256 * 1024


async def components_of_image(engine: Engine, image: str) -> list[Component]:
    """Return the packages in an image, from the files of a container that is made for it and never started."""
    made = await engine.request("POST", "/containers/create", json={"Image": image, "Cmd": ["-"], "Labels": {"rw.looking": "true"}})
    try:
        with TemporaryFile() as held:
            async with engine.stream("GET", f"/containers/{made['Id']}/export") as answer:
                async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                    await asyncio.to_thread(held.write, chunk)
            held.seek(0)
            return await asyncio.to_thread(_of_archive, held)
    finally:
        with suppress(RwError):
            await asyncio.shield(engine.request("DELETE", f"/containers/{made['Id']}", params={"force": True}))


def components_of_folder(folder: Path) -> list[Component]:
    """Return the packages in a release folder; those of the machine that it runs on are not its own."""
    return components(_files(folder))


def _of_archive(held: IO[bytes]) -> list[Component]:
    with tarfile.open(fileobj=held) as archive:
        return components(_members(archive))


def _members(archive: tarfile.TarFile) -> Iterator[Entry]:
    for member in archive:
        if member.isreg():

            def read(member: tarfile.TarInfo = member) -> bytes:
                found = archive.extractfile(member)
                return found.read() if found else b""

            yield Entry(member.name.removeprefix("./"), member.size, bool(member.mode & 0o111), read)


def _files(folder: Path) -> Iterator[Entry]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            with suppress(OSError):
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode):
                    yield Entry(str(path.relative_to(folder)), facts.st_size, bool(facts.st_mode & 0o111), path.read_bytes)
