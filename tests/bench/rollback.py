"""Going back to a release that is kept warm: from the command's start to the first answer of the other version."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.apps import at_home, flask
from bench.figures import Figure, Run
from e2e.conftest import Rw, ask

ROUNDS = 20


def rollback(run: Run) -> Iterator[Figure]:
    """``rw deployments rollback`` between two warm releases."""
    with at_home(run, RW_WARM_SECONDS="600") as (rw, folder):
        urls = []
        for version in (1, 2):
            flask(folder, f"version {version}")
            urls.append(rw.up(folder)["services"][0]["url"])
        rounds = 4 if run.is_short else ROUNDS
        took = [_back(rw, folder, urls[-1], 1 + turn % 2) * 1000 for turn in range(rounds)]
        what = "rollback to a warm release → its first answer"
        yield Figure(f"{what}, median of {rounds}", statistics.median(took), "ms", goal="≤ 300 ms")
        yield Figure(f"{what}, slowest", max(took), "ms")


def _back(rw: Rw, folder: Path, url: str, version: int) -> float:
    began = time.monotonic()
    command = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "deployments", "rollback", f"v{version}"], cwd=folder, env=rw.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while f"version {version}" not in ask(url).text:
        assert command.poll() in {None, 0}
        time.sleep(0.002)
    took = time.monotonic() - began
    assert command.wait() == 0
    return took
