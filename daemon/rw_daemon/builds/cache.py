"""A build's cache in a registry, for machines that begin with none (CI): taken before a build, left there after it.

It is two images with BuildKit's inline cache (``mode=min``), which holds an image's own layers alone: the result, and the stage that
builds it. So the stage with the build's variables, which is mounted and in neither, never leaves the machine. Nothing here makes a
build fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress

from rw_daemon.builds.builder import BuildOutput
from rw_daemon.builds.credentials import registry_auth
from rw_daemon.builds.pulling import ensure
from rw_daemon.engines.client import Engine
from rw_daemon.plans.bases import Image
from rw_shared.errors import EngineFailedError, RwError

STEP = "cache"
NOBODY = "e30="  # an empty object: the engine refuses a push without the header


def of_stage(name: str) -> str:
    """Return the name of the image that holds what was built and installed on the way to the result."""
    one = Image.of(name)
    return f"{one.source}:{one.tag}-build"


async def take(engine: Engine, name: str, *, environ: Mapping[str, str], output: Callable[[BuildOutput], None]) -> bool:
    """Pull the cache, and tell whether there is one."""
    try:
        await ensure(engine, name, environ=environ, output=output, fresh=True)
    except RwError as error:
        output(BuildOutput(STEP, f"No cache could be had from {name}: {error.why or error.message}", stream="rw"))
        return False
    return True


async def leave(engine: Engine, name: str, image: str, *, environ: Mapping[str, str], output: Callable[[BuildOutput], None]) -> None:
    """Push an image as the cache for the next build; the name here goes again, so that the image does when nothing needs it."""
    one = Image.of(name)
    output(BuildOutput(f"push {name}", state="started"))
    await forget(engine, name)
    try:
        await engine.request("POST", f"/images/{image}/tag", params={"repo": one.source, "tag": one.tag})
        await _push(engine, one, auth=await registry_auth(one.registry, environ))
        output(BuildOutput(f"push {name}", state="done"))
    except RwError as error:
        output(BuildOutput(f"push {name}", state="failed"))
        output(BuildOutput(STEP, f"The cache was not left at {name}: {error.why or error.message}", stream="rw"))
    finally:
        await forget(engine, name)


async def forget(engine: Engine, name: str) -> None:
    """Remove the cache's name, and what it names where nothing else does. BuildKit keeps what it took from it."""
    one = Image.of(name)
    with suppress(RwError):
        await engine.request("DELETE", f"/images/{one.source}:{one.tag}", missing_ok=True)


async def _push(engine: Engine, image: Image, *, auth: str) -> None:
    headers = {"X-Registry-Auth": auth or NOBODY}
    async with engine.stream("POST", f"/images/{image.source}/push", params={"tag": image.tag}, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if words := (json.loads(line) if line.strip() else {}).get("error"):
                raise EngineFailedError("push the cache", status=answer.status_code, reason=str(words))
