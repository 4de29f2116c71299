"""The Docker half of the shared runtime suite: artifacts are small images, everything is removed at the end."""

import contextlib
import io
import os
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

from rw_daemon.engines.client import Engine
from rw_daemon.runtimes.docker import DockerRuntime
from rw_daemon.runtimes.runtime import Runtime
from rw_shared.models import Artifact

MakeArtifact = Callable[[dict[str, str]], Awaitable[Artifact]]
BASE = "python:3.13-slim"


def context(files: dict[str, str]) -> bytes:
    """Return a build context with a Dockerfile that puts the files in /app."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        dockerfile = f"FROM {BASE}\nWORKDIR /app\nCOPY . .\n"
        for name, text in {**files, "Dockerfile": dockerfile}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return held.getvalue()


@contextlib.asynccontextmanager
async def docker_runtime(folder: Path) -> AsyncIterator[tuple[Runtime, MakeArtifact]]:
    """Yield a runtime with a home of its own, and what makes images for it."""
    engine = Engine(Engine.address_of(os.environ))
    images: list[str] = []

    async def make_artifact(files: dict[str, str]) -> Artifact:
        tag = f"rw-suite-{uuid4().hex[:12]}"
        images.append(tag)
        params = {"t": tag, "labels": {"rw.project": "suite"}, "forcerm": True}
        headers = {"content-type": "application/x-tar"}
        async with engine.stream("POST", "/build", params=params, content=context(files), headers=headers) as answer:
            said = (await answer.aread()).decode()
        assert "errorDetail" not in said, said
        return Artifact(kind="image", reference=tag, key=tag)

    runtime = DockerRuntime(engine, home=str(folder))
    try:
        yield runtime, make_artifact
    finally:
        try:
            for release in await runtime.releases():
                await runtime.stop(release.key, grace_seconds=0)
            for tag in images:  # one after the other: equal images share an id, and the engine fails where two removals meet
                await engine.request("DELETE", f"/images/{tag}", params={"force": True}, missing_ok=True)
        finally:
            await runtime.close()
