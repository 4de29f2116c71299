"""Lines of an app: how soon they are seen, and how fast many of them are kept and read back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.apps import FLASK, at_home
from bench.figures import Figure, Run, seconds
from e2e.conftest import Rw

from rw_cli.context.load import Figures, Sample

CLOCK = """
import threading, time
def tell():
    while True:
        print("clock", time.time_ns(), flush=True)
        time.sleep(0.02)
threading.Thread(target=tell, daemon=True).start()
"""
FIRST_LINES = 20
"""They waited for the reader."""
PRINTER = """
import os, threading, time
def tell():
    time.sleep(2)
    began = time.time()
    for number in range(%d):
        print("line", number)
    print("last line", began, flush=True)
threading.Thread(target=tell, daemon=True).start()
"""


def latency(run: Run) -> Iterator[Figure]:
    """From a line's print to its arrival at a reader of ``rw logs -f``."""
    with at_home(run) as (rw, folder):
        (folder / "app.py").write_text(FLASK + CLOCK)
        rw.up(folder)
        seen = Figures.of(list(_arrivals(rw, folder, 100 if run.is_short else 400)))
        yield Figure("line printed → seen in `rw logs -f`, p50", seen.p50, "ms")
        yield Figure("line printed → seen in `rw logs -f`, p99", seen.p99, "ms")


def _arrivals(rw: Rw, folder: Path, count: int) -> Iterator[Sample]:
    reader = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "logs", "-f", "-n", "0", "--json"], cwd=folder, env=rw.environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert reader.stdout is not None
        arrived = 0
        for line in reader.stdout:
            words = json.loads(line).get("message", "").split()
            if words[:1] == ["clock"]:
                arrived += 1
                printed = int(words[1]) / 1e9
                if arrived > FIRST_LINES:
                    yield Sample(printed, time.time() - printed)
            if arrived == FIRST_LINES + count:
                return
    finally:
        reader.kill()
        reader.communicate()


def throughput(run: Run) -> Iterator[Figure]:
    """An app that prints as fast as it can: how fast its lines are kept, and read back."""
    count = 50_000 if run.is_short else 1_000_000
    with at_home(run) as (rw, folder):
        (folder / "app.py").write_text(PRINTER % count + FLASK)
        rw.up(folder)
        while "last line" not in (last := rw.ok("logs", "-n", "3", cwd=folder)):
            time.sleep(0.2)
        took = time.time() - float(last.split("last line ")[1].split()[0])
        yield Figure(f"{count:,} lines printed at once, kept", count / took, "lines/s", note=f"{took:.0f} s")
        last_hundred = seconds(lambda: rw.ok("logs", "-n", "100", cwd=folder), rounds=run.rounds())
        yield Figure(f"`rw logs -n 100` of {count:,} kept lines", last_hundred * 1000, "ms")
