"""Replicas that follow the load for real: more of them, fewer again, and no request is lost by either."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from e2e.conftest import Rw, living
from e2e.test_rollout import write

from rw_cli.context.load import Load

RAILWAY = "[deploy.scale]\nmin = 1\nmax = 2\nrequests = 2\n"
LIMIT_SECONDS = 20.0

pytestmark = pytest.mark.full_on("docker")


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_SCALE_PERIOD_SECONDS="0.2", RW_SCALE_WINDOW_SECONDS="2", RW_SCALE_PANIC_SECONDS="1")


def until_replicas(rw: Rw, number: int) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while len(rw.json("status")["services"][0]["replicas"]) != number:
        assert time.monotonic() < deadline, rw.log_tail()
        time.sleep(0.2)


def test_load_brings_a_replica_and_its_end_takes_it_away(rw: Rw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "busy", "busy", railway=RAILWAY)
    slow = (folder / "main.py").read_text().replace("Handler.count += 1", 'Handler.count += 1; __import__("time").sleep(0.03)')
    (folder / "main.py").write_text(slow)
    url = rw.up(folder)["services"][0]["url"]
    monkeypatch.chdir(folder)
    with Load(url, rate=6) as light:
        with ExitStack() as busy:
            heavy = [busy.enter_context(Load(url, rate=0, seconds=LIMIT_SECONDS)) for _ in range(4)]
            until_replicas(rw, 2)
            assert "2/2 (1-2)" in rw.ok("status")
        until_replicas(rw, 1)
    assert [failure for load in (light, *heavy) for failure in load.failures] == []
    assert light.requests > 5
    assert min(load.requests for load in heavy) > 10
