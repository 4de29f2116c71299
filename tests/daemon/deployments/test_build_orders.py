"""What a build is told beside its plan: the moment that its image is to carry, and where its cache lies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon.deployments.world import FLASK, World

from rw_daemon.deployments.release import epoch_of
from rw_shared.errors import ConfigInvalidError

NAME = "SOURCE_DATE_EPOCH"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path).open()
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("own", "callers", "epoch"),
    [({}, {}, None), ({}, {NAME: "5"}, 5), ({NAME: "7"}, {NAME: "5"}, 7), ({NAME: ""}, {NAME: "0"}, 0)],
    ids=["nobody", "caller", "service", "the first second is one"],
)
def test_service_says_it_before_the_caller(own: dict[str, str], callers: dict[str, str], epoch: int | None) -> None:
    assert epoch_of(own, callers) == epoch


@pytest.mark.parametrize("said", ["soon", "-1", "1.5", "99999999999", "8589934592", "٣"])
def test_what_is_no_moment_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(ConfigInvalidError) as caught:
        epoch_of({}, {NAME: said})
    assert "git log -1 --format=%ct" in caught.value.hint


async def test_build_is_told_of_its_cache(world: World) -> None:
    await world.up({**FLASK, "railway.toml": '[build]\ncache = "localhost:5000/shop"\n'})
    assert world.builder.orders[0].cache == "localhost:5000/shop"


async def test_build_is_told_and_another_moment_is_another_build(world: World) -> None:
    await world.up(FLASK)
    await world.up({**FLASK, "more.py": ""}, environ={NAME: "5"})
    await world.up({**FLASK, "more.py": "", "railway.toml": f'[build]\nbuildCommand = "x"\n[variables]\n{NAME} = "6"\n'})
    assert [one.epoch for one in world.builder.orders] == [None, 5, 6]
    assert world.builder.orders[2].variables == {NAME: "6"}
