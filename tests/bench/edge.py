"""What the edge costs, measured at the very replica that is behind it: straight to its address, and through the edge, in turn."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from bench.apps import SERVER, at_home
from bench.figures import ROUNDS, Figure, Run
from bench.loader import Loader
from e2e.conftest import APPS

from rw_cli.context.load import Figures

CONSTANT_RATE = 1_000
CONNECTIONS = 32
Way = Callable[..., Loader]


def added(run: Run) -> Iterator[Figure]:
    """What the edge adds to an answer at constant load."""
    with _ways(run, SERVER) as ways:
        bare, edge = _in_turn(run, ways, lambda found, _: found.p50, rate=CONSTANT_RATE, kept=CONNECTIONS // 2)
    what = f"p50 at {CONSTANT_RATE:,} requests/s before a Go server"
    yield Figure(
        f"{what}: what the edge adds", edge - bare, "ms", goal="≤ 0.3 ms", note=f"bare {bare:.2f} ms, behind the edge {edge:.2f} ms"
    )


def throughput(run: Run) -> Iterator[Figure]:
    """How many requests a second an app answers behind the edge, and bare."""
    for where, placed in (("", nullcontext), (", with a core of its own", _apart)):
        with _ways(run, APPS / "fastapi-uv") as ways, placed():
            bare, edge = _in_turn(run, ways, lambda found, took: found.requests / took, kept=CONNECTIONS)
        what = f"throughput of a one-process uvicorn behind the edge{where}"
        note = f"bare {bare:,.0f} requests/s, behind the edge {edge:,.0f}"
        yield Figure(what, edge / bare * 100, "% of bare", goal="≥ 90 %", note=note)
    with _ways(run, SERVER) as ways:
        bare, edge = _in_turn(run, ways, lambda found, took: found.requests / took, kept=CONNECTIONS)
    yield Figure("throughput of a Go server behind the edge", edge, "requests/s", goal="≥ 10,000", note=f"bare {bare:,.0f}")


@contextmanager
def _ways(run: Run, app: Path) -> Iterator[list[Way]]:
    """Yield the two ways to an app: to its only replica, and through the edge."""
    with at_home(run, app) as (rw, folder):
        url = rw.up(folder)["services"][0]["url"]
        address = rw.json("status", cwd=folder)["services"][0]["replicas"][0]["address"]
        yield [lambda **options: Loader(url, address=address, **options), lambda **options: Loader(url, **options)]


@contextmanager
def _apart() -> Iterator[None]:
    """Keep the app on one core, and edge, daemon and what is started from here on the others, as a machine with more of them would.

    On two cores the system puts the edge on the app's now and then, which takes more from it than all that the edge adds.
    """
    first, *rest = sorted(os.sched_getaffinity(0))
    others = rest or [first]
    for word, cores in (("uvicorn", {first}), ("bootstrap.json", set(others)), ("rw_daemon", set(others))):
        for task in _tasks(word):
            os.sched_setaffinity(task, cores)
    os.sched_setaffinity(0, others)  # the loader takes it over
    try:
        yield
    finally:
        os.sched_setaffinity(0, {first, *others})


def _tasks(word: str) -> Iterator[int]:
    """Yield the threads of programs with a word on their command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word.encode() in (folder / "cmdline").read_bytes():
                yield from (int(task.name) for task in (folder / "task").iterdir())


def _in_turn(run: Run, ways: list[Way], figure: Callable[[Figures, float], float], **options: float) -> list[float]:
    """Return the median figure of each way."""
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(run.rounds(ROUNDS)):
        for figures, way in zip(found, ways, strict=True):
            with way(**options) as load:
                time.sleep(1 if run.is_short else 5)
            assert not (failed := [one.detail for one in load.requests if one.kind]), failed[:3]
            lasted = max(one.due + one.seconds for one in load.requests) - min(one.due for one in load.requests)
            figures.append(figure(Figures.of(load.requests), lasted))
    return [statistics.median(figures) for figures in found]
