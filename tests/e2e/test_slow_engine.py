"""An engine that takes its time stops nothing that runs on plain processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living
from e2e.test_kills import write
from e2e.test_machine_restart import cut_power
from fakes.slow_engine import slow_engine

LATE_SECONDS = 25.0
BACK_SECONDS = 10.0
"""What is promised after the daemon's next start, and less than half of what one question to the engine takes."""


@pytest.fixture
def rw(tmp_path: Path) -> Iterator[Rw]:
    with slow_engine(tmp_path / "engine.sock", seconds=LATE_SECONDS) as host:
        yield from living(RW_TARGET="process", DOCKER_HOST=host, RW_WARM_SECONDS="0")


def test_slow_engine_stops_nothing_on_processes(rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write(folder, "first")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "second")
    os.kill(rw.pid(), signal.SIGKILL)
    rw.ok("daemon", "start")
    time.sleep(0.5)  # by now it has begun to ask the engine what is left there
    began = time.monotonic()
    rw.up(folder)
    assert time.monotonic() - began < BACK_SECONDS
    cut_power(rw)
    began = time.monotonic()
    rw.ok("daemon", "start")
    assert until_answered(url, began + BACK_SECONDS) == "second", rw.log_tail()


def until_answered(url: str, deadline: float) -> str:
    while True:
        try:
            answer = ask(url, timeout=max(0.1, deadline - time.monotonic()))
        except OSError:
            answer = None
        if answer is not None and answer.status == 200:
            return answer.text
        assert time.monotonic() < deadline, f"still {answer}"
        time.sleep(0.05)
