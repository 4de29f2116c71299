"""Makes an image the same bytes each time: what BuildKit's ``rewrite-timestamp`` does, for engines that have no such exporter.

A layer's files carry the moment of their build, and an image's settings the moment of each step. Both are set to one that the caller
names (``SOURCE_DATE_EPOCH``, see reproducible-builds.org/specs/source-date-epoch); the layers of the base stay as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO, Any

from rw_daemon.engines.client import Engine
from rw_shared.errors import EngineFailedError, RwError

TIMES = ("mtime", "atime", "ctime")
INLINE_CACHE = "moby.buildkit.cache.v0"
"""It describes the layers as they were before."""
PYC_HEAD_BYTES = 16
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Seal:
    """What an image is to say of itself.

    :param epoch: seconds since 1970: no file on top of the base is younger, and the image was made then.
    :param base_layers: how many of its layers are the base's. ``base_steps``: how many entries of its history.
    :param labels: added to those it has. ``tag``: its name.
    """

    epoch: int
    base_layers: int
    base_steps: int
    labels: Mapping[str, str]
    tag: str


async def seal_image(engine: Engine, image: str, seal: Seal) -> str:
    """Put the sealed image in the place of one that was just built, and return its id. The disk holds both for a moment."""
    with TemporaryFile() as saved, TemporaryFile() as target:
        async with engine.stream("GET", f"/images/{image}/get") as answer:
            async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                await asyncio.to_thread(saved.write, chunk)
        saved.seek(0)
        made = await asyncio.to_thread(reseal, saved, target, seal)
        target.seek(0)
        headers = {"Content-Type": "application/x-tar"}
        async with engine.stream("POST", "/images/load", params={"quiet": True}, content=_chunks(target), headers=headers) as answer:
            async for line in answer.aiter_lines():
                if words := (json.loads(line) if line.strip() else {}).get("error"):
                    raise EngineFailedError("load the image", status=answer.status_code, reason=str(words))
    with suppress(RwError):  # it is not found by any build: a later prune takes it
        await engine.request("DELETE", f"/images/{image}")
    return made


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk


def reseal(saved: IO[bytes], target: IO[bytes], seal: Seal) -> str:
    """Write the archive of an image again, with fixed times; return the id that the engine will know it by.

    :param saved: what ``GET /images/{name}/get`` answered with; it can be sought in. ``target``: for ``POST /images/load``.
    """
    with tarfile.open(fileobj=saved) as archive, tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as out:
        (manifest,) = json.load(_content(archive, "manifest.json"))
        config = json.load(_content(archive, manifest["Config"]))
        digests = list(config["rootfs"]["diff_ids"])
        names = [f"{number}/layer.tar" for number in range(len(digests))]
        for number, layer in enumerate(manifest["Layers"]):
            content = _content(archive, layer)
            if number < seal.base_layers:
                _add(out, names[number], content)
                continue
            with TemporaryFile() as rewritten:
                _set_times(content, rewritten, seal.epoch)
                rewritten.seek(0)
                digests[number] = "sha256:" + hashlib.file_digest(rewritten, "sha256").hexdigest()
                _add(out, names[number], rewritten)
        text = json.dumps(sealed(config, digests, seal), sort_keys=True, separators=(",", ":")).encode()
        image = hashlib.sha256(text).hexdigest()
        _add(out, f"{image}.json", io.BytesIO(text))
        listed = json.dumps([{"Config": f"{image}.json", "RepoTags": [seal.tag], "Layers": names}]).encode()
        _add(out, "manifest.json", io.BytesIO(listed))
    return f"sha256:{image}"


def sealed(config: Mapping[str, Any], digests: list[str], seal: Seal) -> dict[str, Any]:
    """Return an image's settings with the layers that it has now, and one moment for all that was not the base's."""
    made = datetime.fromtimestamp(seal.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = [{**step, "created": made} if number >= seal.base_steps else step for number, step in enumerate(config.get("history") or ())]
    own = dict(config["config"])
    own["Labels"] = {**(own.get("Labels") or {}), **seal.labels}
    kept = {name: value for name, value in config.items() if name != INLINE_CACHE}
    return {**kept, "created": made, "config": own, "history": history, "rootfs": {**config["rootfs"], "diff_ids": digests}}


def _set_times(source: IO[bytes], target: IO[bytes], epoch: int) -> None:
    """Copy a layer; what is older keeps its time, as the specification says."""
    with (
        tarfile.open(fileobj=source, encoding="utf-8", errors="surrogateescape") as layer,
        tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape") as out,
    ):
        for member in layer:
            member.pax_headers = {name: value for name, value in member.pax_headers.items() if name not in TIMES}
            member.mtime = min(int(member.mtime), epoch)
            content = layer.extractfile(member) if member.isreg() else None
            if content and member.name.endswith(".pyc"):
                content = io.BytesIO(bytecode(content.read(), epoch))
            out.addfile(member, content)


def bytecode(content: bytes, epoch: int) -> bytes:
    """Return compiled Python that still belongs to its source: its head (PEP 552) repeats the time of the source's file."""
    if len(content) < PYC_HEAD_BYTES or content[4:8] != b"\0\0\0\0":  # it goes by the source's content
        return content
    made = min(int.from_bytes(content[8:12], "little"), epoch % 2**32)
    return content[:8] + made.to_bytes(4, "little") + content[12:]


def _content(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(f"the engine saved an image without {name}")
    return found


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    archive.addfile(member, content)
