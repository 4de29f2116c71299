"""What it takes to find out how a project is built: as a command, and the planning alone."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from bench.apps import at_home, many_files
from bench.figures import ROUNDS, Figure, Run, seconds
from bench.speed import STAMPS_TELL_SECONDS
from shapes import compiled, other, web

from rw_daemon.detection import registry
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_shared.errors import RwError

TREE_FILES = 2_000
LARGE_FILES = 100_000


def plan(run: Run) -> Iterator[Figure]:
    """``rw plan`` as a whole process."""
    with at_home(run, RW_SNAPSHOT_FILES=str(2 * LARGE_FILES)) as (rw, folder):
        rw.ok("daemon", "start")
        sizes = (TREE_FILES, TREE_FILES * 5 if run.is_short else LARGE_FILES)
        for size, goal in zip(sizes, ("≤ 0.2 s", ""), strict=True):
            shutil.rmtree(many := folder / "many", ignore_errors=True)
            many_files(many, size)
            time.sleep(STAMPS_TELL_SECONDS)
            first, took = (seconds(lambda: rw.ok("plan", str(folder)), rounds=rounds) for rounds in (1, run.rounds()))
            yield Figure(f"`rw plan`, {size:,} files", took, "s", goal=goal, note=f"the first time {first:.2f} s")


def planning(run: Run) -> Iterator[Figure]:
    """Planning alone: over all shapes of projects, and in a large tree."""
    shapes = {**compiled.ROWS, **web.ROWS, **other.ROWS}
    took = sorted(_milliseconds(files, run.rounds()) for files, *_ in shapes.values())
    what = f"planning, {len(took)} shapes of projects"
    yield Figure(f"{what}, median", statistics.median(took), "ms", goal="≤ 8 ms")
    yield Figure(f"{what}, slowest", took[-1], "ms")
    base = next(files for files, buildpack, *_ in shapes.values() if buildpack == "node")
    large = {**base, **{f"packages/{number // 500}/{number}.js": "" for number in range(LARGE_FILES)}}
    yield Figure(f"planning, {LARGE_FILES:,} files", _milliseconds(large, run.rounds()), "ms")


def _milliseconds(files: Mapping[str, str], rounds: int = ROUNDS) -> float:
    def once() -> None:
        with suppress(RwError):  # what cannot be planned takes its time as well
            registry.plan(Request(Source(files)))

    return seconds(once, rounds=rounds) * 1000
