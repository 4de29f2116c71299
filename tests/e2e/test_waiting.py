"""A rollout that is held: what people behind it are told, in lines, rows and `rw status`; and `rw down`, which ends it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, living, rollout
from e2e.test_rollout import QUICK, write

HELD = QUICK + "autoPromote = false\n"
WAITS = "waits for v2 of web: its rollout is paused at 10 % (`rw rollout promote web` or `rw rollout abort web`)"


@pytest.fixture(scope="module")
def rw() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0.5")


def test_what_waits_for_a_rollout_says_so_and_down_ends_it(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "held", "old", railway=HELD)
    rw.up(folder)
    write(folder, "new", railway=HELD)
    with rw.beside("up", str(folder), rows=False) as second:
        rollout(rw, folder, share=10, pace="paused")

        refused = rw.run("restart", "web", cwd=folder)
        assert refused.returncode == 7
        assert "v2 of web is on its way: its rollout is paused at 10 %." in refused.stderr
        assert "`rw rollout abort web` gives v1 every request again" in refused.stderr

        write(folder, "newer", railway=HELD)
        with rw.beside("up", str(folder), rows=False) as third:
            deadline = time.monotonic() + 30
            while WAITS not in rw.ok("status", cwd=folder):
                assert time.monotonic() < deadline
            assert WAITS in rw.ok("why", "web", cwd=folder)
            third.process.send_signal(signal.SIGINT)
            third.process.wait(20)
        assert third.code == 130
        assert f"web: {WAITS}" in third.words
        assert "Stopped following; the operation waits on, and begins when it is its turn." in third.words

        code, _, rows = rw.result("down", "--yes", cwd=folder)
        assert code == 0
        said = [row["words"] for row in rows if row.get("name") == "operation.waiting"]
        assert said == ["ends v2 of web (paused at 10 %) and v3 of web (queued) first"]
        second.process.wait(20)
    assert (second.code, "was taken down before it was done" in second.words) == (3, True)
    assert "Nothing runs here" in rw.ok("status", cwd=folder)
