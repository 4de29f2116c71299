"""The exit status is the stored state, however often the connection to the daemon breaks on the way there."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.conftest import Rw, living
from fakes.cable import Cable

from rw_shared.paths import Home

DEPLOYMENTS = int(os.environ.get("RW_TRUTH_DEPLOYMENTS", "20"))
"""The whole measurement takes 200."""


@pytest.fixture
def plain() -> Iterator[Rw]:
    yield from living(
        RW_TARGET="process", RW_WARM_SECONDS="0", RW_SETTLE_SECONDS="1"
    )  # a bad one has ended by then, also on a busy machine


@contextmanager
def cut_at_random(path: Path, behind: Path, *, seed: int) -> Iterator[list[int]]:
    """Break every connection again and again, for a moment, while the block runs; yields a list whose length counts the cuts."""
    stopped, ready, cuts = threading.Event(), threading.Event(), list[int]()
    chance = random.Random(seed)  # the same cuts in each run

    async def run() -> None:
        async with Cable(path, str(behind)) as cable:
            ready.set()
            while not stopped.is_set():
                await asyncio.sleep(chance.uniform(0.03, 0.4))
                await cable.cut()
                cuts.append(1)
                await asyncio.sleep(chance.uniform(0.0, 0.08))
                cable.mend()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait(10)
    try:
        yield cuts
    finally:
        stopped.set()
        thread.join()


@pytest.mark.full
def test_exit_status_is_the_stored_state_over_a_connection_that_breaks(plain: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "Procfile").write_text("worker: python run.py\n")
    plain.ok("daemon", "start")
    elsewhere = {**plain.environ, "XDG_RUNTIME_DIR": str(tmp_path / "r")}
    front = Home.of(elsewhere, uid=os.geteuid()).socket
    front.parent.mkdir(mode=0o700, parents=True)
    (tmp_path / "r" / "rw").chmod(0o700)
    through = Rw(plain.home, elsewhere)
    wrong = []
    with cut_at_random(front, Home.of(plain.environ, uid=os.geteuid()).socket, seed=1) as cuts:
        for number in range(DEPLOYMENTS):
            fails = number % 3 == 1
            (folder / "run.py").write_text(f"# {number}\nimport time\n" + ("raise SystemExit(1)\n" if fails else "time.sleep(600)\n"))
            code = through.run("deploy", str(folder), "--json").returncode
            newest = plain.json("deployments", "list", "-n", "1", cwd=folder)["items"][0]
            if (code, newest["status"], newest["version"]) != ((3, "failed") if fails else (0, "active")) + (number + 1,):
                wrong.append((number, code, newest["status"], newest["version"]))
    assert wrong == []
    assert len(cuts) > DEPLOYMENTS
