"""Gets the images that a build starts from. A build without a session has no credentials, so what is not there is pulled first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from rw_daemon.builds.builder import BuildOutput
from rw_daemon.builds.credentials import registry_auth
from rw_daemon.engines.client import Engine
from rw_daemon.plans.bases import Image
from rw_shared.amounts import progress_text
from rw_shared.errors import BaseImageMissingError, EngineFailedError

SAID_EVERY_SECONDS = 1.0


async def ensure(
    engine: Engine, name: str, *, environ: Mapping[str, str], output: Callable[[BuildOutput], None], fresh: bool = False
) -> None:
    """Pull an image that the engine does not have. ``fresh``: also when it has one of that name, since tags move.

    :raises BaseImageMissingError: the registry does not give it. ``EngineUnreachableError``: nobody answers.
    """
    if not fresh and await engine.request("GET", f"/images/{name}/json", missing_ok=True) is not None:
        return
    image, clock = Image.of(name), asyncio.get_running_loop().time
    step, began = f"pull {name}", clock()
    auth = await registry_auth(image.registry, environ)
    output(BuildOutput(step, state="started"))
    layers: dict[str, tuple[int, int]] = {}
    said_at = began
    try:
        async with engine.stream(
            "POST",
            "/images/create",
            params={"fromImage": image.source, "tag": image.tag},
            headers={"X-Registry-Auth": auth} if auth else None,
        ) as answer:
            async for line in answer.aiter_lines():
                message = json.loads(line) if line.strip() else {}
                if words := message.get("error"):
                    raise BaseImageMissingError(name, reason=str(words))
                _count(layers, message)
                if layers and clock() - said_at >= SAID_EVERY_SECONDS:
                    said_at = clock()
                    had, wanted = (sum(one) for one in zip(*layers.values(), strict=True))
                    output(BuildOutput(step, progress_text(had, wanted, said_at - began), stream="rw"))
    except EngineFailedError as error:
        raise BaseImageMissingError(name, reason=error.why) from error
    output(BuildOutput(step, state="done", seconds=clock() - began))


def _count(layers: dict[str, tuple[int, int]], message: Mapping[str, Any]) -> None:
    """Take up one message about a layer; later phases (unpacking) count as all of it had."""
    layer, detail = str(message.get("id", "")), message.get("progressDetail") or {}
    if message.get("status") == "Downloading" and detail.get("total"):
        layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
    elif layer in layers:
        layers[layer] = (layers[layer][1], layers[layer][1])
