"""What rw costs while nothing happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from bench.apps import at_home, many_files
from bench.figures import Figure, Run
from bench.speed import WATCHED_FILES
from e2e.conftest import Rw

from rw_cli.context.load import Load

SETTLED_SECONDS = 15
LOOKED_AT_SECONDS = 20
REQUESTS = 50_000
FIVE_SERVICES = "web: gunicorn app:app --bind $HOST:$PORT\n" + "".join(f"worker{number}: sleep 100000\n" for number in range(4))


def idle(run: Run) -> Iterator[Figure]:
    """Memory and processor time with five services, fresh and after work."""
    with at_home(run) as (rw, folder):
        (folder / "Procfile").write_text(FIVE_SERVICES)
        url = rw.up(folder)["services"][0]["url"]
        yield from _daemon(run, rw, "fresh")
        yield from _others(rw)
        requests, files = (1_000, 1_000) if run.is_short else (REQUESTS, WATCHED_FILES)
        with Load(url, rate=0, limit=requests, echo="/echo") as load:
            while load.requests < requests:
                time.sleep(0.1)
        many_files(folder / "many", files)
        rw.up(folder)
        yield from _daemon(run, rw, f"after {requests:,} requests and a tree of {files:,} files")


def _daemon(run: Run, rw: Rw, when: str) -> Iterator[Figure]:
    time.sleep(1 if run.is_short else SETTLED_SECONDS)  # what follows a deployment (draining, sweeping) is over then
    daemon = psutil.Process(rw.pid())
    daemon.cpu_percent()
    time.sleep(2 if run.is_short else LOOKED_AT_SECONDS)
    yield Figure(f"daemon idle with five services, {when}: processor", daemon.cpu_percent(), "% of a core")
    yield Figure(f"daemon idle with five services, {when}: memory", daemon.memory_info().rss / 1e6, "MB")


def _others(rw: Rw) -> Iterator[Figure]:
    for what, word, place in (("one process holder", "shim.py", rw.home), ("Envoy", "", rw.home / "edge")):
        if found := _processes(word, place):
            yield Figure(f"{what}: memory", max(one.memory_info().rss for one in found) / 1e6, "MB")


def _processes(word: str, place: Path) -> list[psutil.Process]:
    lines = ((one, " ".join(one.info["cmdline"] or ())) for one in psutil.process_iter(["cmdline"]))
    return [one for one, line in lines if word in line and str(place) in line]
