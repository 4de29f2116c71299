"""What a person waits for: each command, ``rw up`` without a change and with one, ``rw up --watch``."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from bench.apps import at_home, flask, has_compose, many_files
from bench.figures import ROUNDS, Figure, Run, in_turn, seconds
from bench.peers import AS_PEOPLE_WRITE_IT, by_hand, composed
from e2e.conftest import Rw, ask

TREE_FILES = 5_000
WATCHED_FILES = 49_000
STAMPS_TELL_SECONDS = 2.1
"""Younger files are read again, since their time stamps may not tell."""


def commands(run: Run) -> Iterator[Figure]:
    """What every command costs."""
    with at_home(run) as (rw, folder):
        rw.up(folder)
        yield Figure("`rw --help`", seconds(lambda: rw.ok("--help"), rounds=run.rounds()) * 1000, "ms")
        warm = seconds(lambda: rw.ok("status", cwd=folder), rounds=run.rounds())
        yield Figure("`rw status`, warm", warm * 1000, "ms")
        cold = []
        for _ in range(run.rounds()):
            rw.ok("daemon", "stop")
            cold.append(seconds(lambda: rw.ok("status", cwd=folder), rounds=1))
        yield Figure("first command that starts the daemon: more", (statistics.median(cold) - warm) * 1000, "ms")


def unchanged(run: Run) -> Iterator[Figure]:
    """``rw up`` of a tree that did not change."""
    with at_home(run) as (rw, folder):
        many_files(folder / "assets", TREE_FILES)
        rw.up(folder)
        time.sleep(STAMPS_TELL_SECONDS)
        rw.up(folder)
        what = f"nothing changed, {TREE_FILES:,} files: "
        yield Figure(f"{what}`rw up`", seconds(lambda: rw.ok("up", str(folder)), rounds=run.rounds()) * 1000, "ms")
        if run.target == "docker" and has_compose():
            with composed(rw, folder) as compose:
                yield Figure(f"{what}`docker compose up -d --build`", seconds(compose.up, rounds=run.rounds()) * 1000, "ms")


def changed(run: Run) -> Iterator[Figure]:
    """One line of a Flask app changed, until the new version answers at the edge."""
    what = "one line of Flask changed → answered: "
    with at_home(run) as (rw, folder):
        once = changing(rw, folder)
        if run.target != "docker":
            yield Figure(f"{what}`rw up`", seconds(once, rounds=run.rounds()), "s")
            return
        with by_hand(rw, folder) as other_once:
            took, other = in_turn(once, other_once, rounds=run.rounds(3 * ROUNDS))
        yield Figure(f"{what}`rw up`", took, "s", note=f"× {took / other:.2f} of by hand")
        yield Figure(f"{what}by hand (cached build, run, first answer)", other, "s")
        if has_compose():
            for recipe, words in (("", "rw's recipe"), (AS_PEOPLE_WRITE_IT, "a recipe whose process 1 does not heed SIGTERM")):
                with composed(rw, folder, dockerfile=recipe) as compose:
                    other = seconds(compose.changed, rounds=run.rounds(3))
                yield Figure(f"{what}`docker compose up -d --build`, {words}", other, "s", note=f"× {other / took:.1f} of rw")


def changing(rw: Rw, folder: Path) -> Callable[[], None]:
    """Return what changes one line and waits until the new version answers at the edge."""
    url, count = rw.up(folder)["services"][0]["url"], 0

    def once() -> None:
        nonlocal count
        count += 1
        flask(folder, f"hello {count}")
        rw.ok("up", str(folder))
        assert f"hello {count}" in ask(url).text

    return once


def watching(run: Run) -> Iterator[Figure]:
    """``rw up --watch``: what watching many files costs when nothing happens, and from a save to an answer of the new version."""
    with at_home(run) as (rw, folder):
        many_files(many := folder / "many", WATCHED_FILES)
        url = rw.up(folder)["services"][0]["url"]
        time.sleep(STAMPS_TELL_SECONDS)
        with _watcher(rw, folder) as watcher:
            watcher.cpu_percent()
            time.sleep(10)
            yield Figure(f"`rw up --watch`, {WATCHED_FILES:,} files, idle", watcher.cpu_percent(), "% of a core")
            shutil.rmtree(many)
            time.sleep(8)
            yield Figure(
                "`rw up --watch`, one line of Flask saved → answered", seconds(lambda: _saved(folder, url), rounds=run.rounds()), "s"
            )


@contextmanager
def _watcher(rw: Rw, folder: Path) -> Iterator[psutil.Process]:
    watcher = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "up", "--watch", "--keep"], cwd=folder, env=rw.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(8)
        yield psutil.Process(watcher.pid)
    finally:
        watcher.terminate()
        watcher.wait()


def _saved(folder: Path, url: str) -> None:
    word = f"watched {time.monotonic_ns()}"
    flask(folder, word)
    while word not in ask(url).text:
        time.sleep(0.005)
