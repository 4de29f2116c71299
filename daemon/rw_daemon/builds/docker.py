"""Builds images with BuildKit, over the Engine API alone: ``POST /build?version=2`` with a tar body, no session."""

from __future__ import annotations

import asyncio
import posixpath
import re
import secrets
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from rw_daemon.builds import cache
from rw_daemon.builds.builder import SOURCE_DATE_EPOCH, BuildOrder, BuildOutput
from rw_daemon.builds.causes import likely
from rw_daemon.builds.components import Component
from rw_daemon.builds.looking import components_of_image
from rw_daemon.builds.progress import Failure, Progress
from rw_daemon.builds.pulling import ensure
from rw_daemon.builds.sealing import Seal, seal_image
from rw_daemon.builds.sizes import Described, parts_of, shared_with
from rw_daemon.builds.symptoms import classify
from rw_daemon.engines.client import Engine
from rw_daemon.plans.bases import Image, bases_of
from rw_daemon.plans.check_text import base_of
from rw_daemon.plans.dockerfile import BUILD_STAGE, CONTEXT_OWN, CONTEXT_SOURCE, render
from rw_shared.contents import Part
from rw_shared.errors import BaseImageMissingError, BuildFailedError, DiskFullError, RegistryUnreachableError, RwError
from rw_shared.models import Artifact

RETRY_PAUSES_SECONDS = (1.0, 3.0)
DOCKERFILE = f"{CONTEXT_OWN}Dockerfile"
OCI = "org.opencontainers.image"
_BASE = re.compile(
    r"(?:failed to (?:load metadata|resolve source metadata) for|pull access denied for|manifest for)\s+([^\s:,]+(?::[\w.-]+)?)"
)
_NO_BASE = re.compile(r"failed to (?:load metadata|resolve source metadata)|pull access denied|manifest unknown|failed to load cache key")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)
_ARG = re.compile(r"^\s*ARG\s+([A-Za-z_]\w*)", re.IGNORECASE | re.MULTILINE)


class Context(Protocol):
    """What yields the tar of a snapshot."""

    def __call__(
        self, digest: str, extra: Mapping[str, bytes], *, prefix: str, below: str, is_dated: bool, takes: Callable[[str], bool]
    ) -> Iterator[bytes]:
        """See ``Snapshots.tar``."""
        ...


class DockerBuilder:
    """Builds on one engine. The artifact's reference is the image's id; its key is a label, so that a restart finds it again."""

    def __init__(
        self,
        engine: Engine,
        *,
        context: Context,
        read: Callable[[str, str], Awaitable[str]],
        retry_pauses: tuple[float, ...] = RETRY_PAUSES_SECONDS,
    ) -> None:
        """``read(digest, path)`` returns the text of a snapshot's file: the user's own Dockerfile says which ARGs it takes."""
        self._engine, self._context, self._read, self._pauses = engine, context, read, retry_pauses

    async def find(self, key: str) -> Artifact | None:
        """Return the image with this key, when the engine still has it."""
        images = await self._engine.request("GET", "/images/json", params={"filters": {"label": [f"rw.key={key}"]}})
        return Artifact(kind="image", reference=images[0]["Id"], size_bytes=images[0]["Size"], key=key) if images else None

    async def build(self, order: BuildOrder, *, output: Callable[[BuildOutput], None]) -> Artifact:
        """Build the image, or get the one that the plan names. See ``Builder.build``."""
        if order.plan.image:
            return await self._get(order, order.plan.image, output)
        own = posixpath.join(order.plan.root, order.plan.dockerfile) if order.plan.dockerfile else ""
        text = await self._read(order.snapshot, own) if own else render(order.plan)
        helps = await self._helps(order, text, output)
        for pause in (*self._pauses, None):
            try:
                for base in bases_of(text, order.variables):
                    await ensure(self._engine, base, environ=order.environ, output=output)
                image = await self._once(order, text, output, helps=helps)
                break
            except (RegistryUnreachableError, BaseImageMissingError) as error:
                if pause is None or not classify(error.why) == "network":
                    raise
                output(BuildOutput("retry", f"{error.message} It is tried again in {pause:.0f} s.", stream="rw"))
                await asyncio.sleep(pause)
        await self._leave(order, text, image, output)
        if order.epoch is not None:
            image = await self._sealed(order, text, image, order.epoch)
        size = (await self._engine.request("GET", f"/images/{image}/json"))["Size"]
        return Artifact(kind="image", reference=image, size_bytes=size, key=order.key)

    async def _helps(self, order: BuildOrder, text: str, output: Callable[[BuildOutput], None]) -> list[str]:
        """Pull the order's caches and return those that are there; without the result's, no other is."""
        found: list[str] = []
        for name in caches_of(order, text) if not order.no_cache else ():
            if not await cache.take(self._engine, name, environ=order.environ, output=output):
                break
            found.append(name)
        return found

    async def _leave(self, order: BuildOrder, text: str, image: str, output: Callable[[BuildOutput], None]) -> None:
        """Leave the result as the cache of the next build, and what was installed for it: that is not in the result."""
        for name, target in caches_of(order, text).items():
            made = await self._once(order, text, lambda _: None, target=target) if target else image
            await cache.leave(self._engine, name, made, environ=order.environ, output=output)

    async def _sealed(self, order: BuildOrder, text: str, image: str, epoch: int) -> str:
        """Return the image with fixed times. Its key and name are only on that one: the first is never found by a later build."""
        name = order.plan.bases.run or base_of(text)
        shared = shared_with(await self._described(image), await self._described(name))
        seal = Seal(epoch, len(shared.layers), len(shared.history), labels={"rw.key": order.key}, tag=tag_of(order))
        return await seal_image(self._engine, image, seal)

    async def _get(self, order: BuildOrder, name: str, output: Callable[[BuildOutput], None]) -> Artifact:
        """Pull a name with a registry's host, whose tag may have moved; another one is pulled only when it is not there."""
        await ensure(self._engine, name, environ=order.environ, output=output, fresh=Image.of(name).may_move)
        found = await self._engine.request("GET", f"/images/{name}/json")
        ports = sorted(int(one.partition("/")[0]) for one in found["Config"].get("ExposedPorts") or {} if one.endswith("/tcp"))
        return Artifact(
            kind="image", reference=found["Id"], size_bytes=found["Size"], key=order.key, port=ports[0] if ports else 0,
            digest=next(iter(found.get("RepoDigests") or []), ""),
        )  # fmt: skip

    async def _once(
        self, order: BuildOrder, text: str, output: Callable[[BuildOutput], None], *, helps: Sequence[str] = (), target: str = ""
    ) -> str:
        identity = f"rw-{secrets.token_hex(8)}"
        progress = Progress(order.plan, secrets=order.variables, show=output)
        finished = False
        try:
            async with self._engine.stream(
                "POST",
                "/build",
                params=build_params(order, text, identity=identity, helps=helps, target=target),
                content=self._body(order, text),
                headers={"Content-Type": "application/x-tar"},
            ) as answer:
                async for line in _lines(answer.aiter_bytes()):
                    progress.take(line)
            finished = True
        finally:
            if not finished:
                await asyncio.shield(self._cancel(identity))
        if progress.failure is not None or not progress.image:
            raise explained(progress.failure or Failure("the engine sent no image"), text)
        return progress.image

    async def _cancel(self, identity: str) -> None:
        """Stop the engine's work as well: closing the connection alone lets a running step go on."""
        with suppress(RwError):
            await self._engine.request("POST", "/build/cancel", params={"id": identity}, timeout_seconds=5.0)

    async def _body(self, order: BuildOrder, text: str) -> AsyncIterator[bytes]:
        if order.plan.dockerfile:
            extra, prefix = {}, ""
        else:
            extra, prefix = own_files(order, text), CONTEXT_SOURCE
        plan = order.plan
        chunks = self._context(order.snapshot, extra, prefix=prefix, below=plan.root, is_dated=order.epoch is None, takes=plan.takes)
        while chunk := await asyncio.to_thread(_batch, chunks):
            yield chunk

    async def parts(self, artifact: Artifact, *, base: str) -> tuple[Part, ...]:
        """Return the layers of an image that hold something, the lowest first."""
        image = await self._described(artifact.reference)
        return parts_of(image, await self._described(base)) if image else ()

    async def components(self, artifact: Artifact) -> list[Component] | None:
        """Return the packages in an image."""
        there = await self._engine.request("GET", f"/images/{artifact.reference}/json", missing_ok=True)
        return await components_of_image(self._engine, artifact.reference) if there else None

    async def _described(self, name: str) -> Described | None:
        found = await self._engine.request("GET", f"/images/{name}/json", missing_ok=True) if name else None
        if found is None:
            return None
        history = await self._engine.request("GET", f"/images/{name}/history")
        return Described(tuple(found["RootFS"].get("Layers") or ()), tuple(history))

    async def remove(self, artifact: Artifact) -> None:
        """Remove an image that no container uses."""
        with suppress(RwError):  # in use: it goes with a later sweep
            found = await self._engine.request("GET", f"/images/{artifact.reference}/json", missing_ok=True)
            if found and "rw.key" in (found["Config"].get("Labels") or {}):  # an image that somebody else built is not ours to remove
                await self._engine.request("DELETE", f"/images/{artifact.reference}", missing_ok=True)


def build_params(order: BuildOrder, text: str, *, identity: str, helps: Sequence[str] = (), target: str = "") -> dict[str, object]:
    """Return the query of ``POST /build``.

    :param helps: images that hold a cache. ``target``: a stage that is wanted instead of the result; it is no artifact.
    """
    own = bool(order.plan.dockerfile)
    # the names are the image specification's: github.com/opencontainers/image-spec/blob/main/annotations.md
    ours = {"rw.generated": "true", f"{OCI}.title": name_of(order), f"{OCI}.base.name": order.plan.bases.run}
    revision = {f"{OCI}.revision": order.commit} if order.commit else {}
    is_sealed = order.epoch is not None
    is_found = not is_sealed and not target
    labels = {**order.labels, **revision, **({} if own else ours), **({"rw.key": order.key} if is_found else {})}
    declared = set(_ARG.findall(text)) if own else set()
    facts = {SOURCE_DATE_EPOCH: str(order.epoch)} if is_sealed else {}
    facts |= {"BUILDKIT_INLINE_CACHE": "1"} if order.cache else {}
    return {
        "version": "2",
        "buildid": identity,
        "dockerfile": order.plan.dockerfile if own else DOCKERFILE,
        **({"t": tag_of(order)} if is_found else {}),
        **({"target": target} if target else {}),
        "labels": labels,
        "buildargs": {name: value for name, value in order.variables.items() if name in declared} | facts,
        **({"cachefrom": list(helps)} if helps else {}),
        "nocache": order.no_cache and not target,
        "rm": True,
        "forcerm": True,
    }


def caches_of(order: BuildOrder, text: str) -> dict[str, str]:
    """Return the images that hold the order's cache, each with the stage that it is made from; empty for the result."""
    if not order.cache:
        return {}
    is_staged = not order.plan.dockerfile and f" AS {BUILD_STAGE}\n" in text
    return {order.cache: "", **({cache.of_stage(order.cache): BUILD_STAGE} if is_staged else {})}


def name_of(order: BuildOrder) -> str:
    """Return what an image is called: of its project, environment and service."""
    return "-".join(order.labels.get(key, "") for key in ("rw.project", "rw.environment", "rw.service")).strip("-")


def tag_of(order: BuildOrder) -> str:
    """Return the name and tag that a person finds an image by."""
    return f"rw/{name_of(order) or 'app'}:{order.key[:12]}"


def own_files(order: BuildOrder, text: str) -> dict[str, bytes]:
    """Return what rw adds to the context: the Dockerfile, generated files, and one file of variables for each step that declares any."""
    plan = order.plan
    files = {f"{CONTEXT_OWN}files/{path}": content.encode() for path, content in plan.files.items()}
    for step in plan.steps:
        if step.variables:
            names = sorted(order.variables) if "*" in step.variables else [name for name in step.variables if name in order.variables]
            lines = [f"{name}={shlex.quote(order.variables[name])}\n" for name in names]
            files[f"{CONTEXT_OWN}variables/{step.name}"] = "".join(lines).encode()
    return {DOCKERFILE: text.encode(), **files}


def explained(failure: Failure, text: str) -> RwError:
    """Return the error that names what went wrong in a build."""
    everything = f"{failure.message}\n{failure.output}"
    symptom = classify(everything)
    if symptom == "disk":
        return DiskFullError("the Docker engine's disk")
    if failure.exit_code is None and _NO_BASE.search(failure.message):
        base = _BASE.search(failure.message)
        return BaseImageMissingError(base[1] if base else "of the build", reason=failure.message)
    if failure.exit_code is None and (unread := failed_base(failure.message, text)):
        return BaseImageMissingError(unread, reason=failure.message)
    if symptom == "network":
        return RegistryUnreachableError(failure.step or "build", output=failure.output or failure.message)
    return BuildFailedError(
        failure.step or "build",
        cause=likely(everything.splitlines()) or ("", ""),
        exit_code=failure.exit_code,
        output=failure.output or failure.message,
        line=line_of(failure.command, text),
        command=failure.command,
    )


def failed_base(message: str, text: str) -> str:
    """Return the base image of a Dockerfile whose manifest the engine asked a registry for in vain; empty when it was something else."""
    names = ((name, name.partition("@")[0].rpartition("/")[2].partition(":")[0]) for name in _FROM.findall(text))
    return next((name for name, short in names if f"/{short}/manifests/" in message), "")


def line_of(command: str, text: str) -> int | None:
    """Return the line of the Dockerfile that runs a command; ``None`` when it cannot be told."""
    wanted = command.strip()
    found = [number for number, line in enumerate(text.splitlines(), start=1) if wanted and line.rstrip().endswith(wanted)]
    return found[0] if found else None


BATCH_BYTES = 256 * 1024


def _batch(chunks: Iterator[bytes]) -> bytes:
    """Return the next chunks as one: one hop to a thread for many small files."""
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= BATCH_BYTES:
            break
    return b"".join(parts)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
    if rest.strip():
        yield rest
