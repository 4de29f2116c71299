"""Looking into what was built: which release is meant, and what is said where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, SCOPE, World

from rw_shared.errors import ArtifactMissingError, ConflictError, DeploymentNotFoundError
from rw_shared.models import DeploymentStatus


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


@pytest.mark.parametrize(("name", "version"), [("", 2), ("web", 2), ("v1", 1)])
async def test_newest_built_release_is_meant_unless_one_is_named(world: World, name: str, version: int) -> None:
    await world.up(FLASK)
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# more\n"})
    world.builder.error = RuntimeError("no")
    await world.up({**FLASK, "app.py": FLASK["app.py"] + "# broken\n"})
    assert (await world.deployments())[0].status is DeploymentStatus.FAILED
    found = await world.rooms.contents.sizes(SCOPE, name)
    assert (found.service, found.version) == ("web", version)
    assert (found.base, found.base_bytes, found.added_bytes) == ("python:3.13-slim", 100, 1)


async def test_base_of_a_users_own_dockerfile_is_that_of_its_last_stage(world: World) -> None:
    await world.up({"Dockerfile": "FROM node:24 AS build\nRUN x\nFROM alpine:3.20\nEXPOSE 80\nCMD a\n"})
    assert (await world.rooms.contents.sizes(SCOPE, "")).base == "alpine:3.20"


async def test_document_is_of_the_release_that_is_meant(world: World) -> None:
    await world.up(FLASK)
    made = await world.rooms.contents.sbom(SCOPE, "")
    assert made["name"] == "shop-production-web-v1"
    assert [one["name"] for one in made["packages"]] == ["shop-production-web-v1", "flask"]
    world.builder.artifacts.clear()
    with pytest.raises(ArtifactMissingError):
        await world.rooms.contents.sbom(SCOPE, "")


async def test_what_is_not_there_is_said(world: World) -> None:
    with pytest.raises(ConflictError, match="not built yet"):
        await world.rooms.contents.sizes(SCOPE, "")
    await world.up(FLASK)
    with pytest.raises(DeploymentNotFoundError):
        await world.rooms.contents.sizes(SCOPE, "v9")
    world.builder.artifacts.clear()
    with pytest.raises(ArtifactMissingError):
        await world.rooms.contents.sizes(SCOPE, "web")
