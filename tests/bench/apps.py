"""Homes and apps to measure with: everything is on loopback, has a home of its own and is gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Run
from e2e.conftest import APPS, Rw, end, make_rw
from fakes.upstreams import free_port

OURS = f"bench-{os.getpid()}"
SERVER = Path(__file__).parent / "server"
FLASK = (APPS / "flask" / "app.py").read_text()


@contextmanager
def at_home(run: Run, app: Path = APPS / "flask", **environ: str) -> Iterator[tuple[Rw, Path]]:
    """Yield a fresh ``rw`` for the run's target, which keeps no old release, and a copy of an app."""
    rw = make_rw(**{"RW_TARGET": run.target, "RW_WARM_SECONDS": "0", "RW_EDGE_PORT": str(free_port()), **environ})
    try:
        with tempfile.TemporaryDirectory(prefix="rw-bench-") as parent:
            yield rw, copied(app, Path(parent))
    finally:
        end(rw)
        if run.target == "docker":
            remove_images()


def copied(app: Path, parent: Path) -> Path:
    """Return a copy of an app's folder; its name, the project's, is of this process alone."""
    return Path(shutil.copytree(app, parent / f"{OURS}-{app.name}", ignore=shutil.ignore_patterns("expect.toml")))


def remove_images() -> None:
    """Remove the images that this process had built."""
    found = subprocess.run(
        ["docker", "image", "ls", "-q", "--filter", f"reference=rw/{OURS}-*"], capture_output=True, text=True, check=True
    )
    if images := found.stdout.split():
        subprocess.run(["docker", "image", "rm", "-f", *dict.fromkeys(images)], capture_output=True, check=False)


def flask(folder: Path, words: str) -> None:
    """Let the app answer with other words."""
    (folder / "app.py").write_text(FLASK.replace("hello from flask", words))


def many_files(folder: Path, count: int, *, each: int = 500) -> None:
    """Write ``count`` small files below ``folder``, ``each`` in a folder of their own."""
    for number in range(count):
        if number % each == 0:
            (folder / str(number // each)).mkdir(parents=True)
        (folder / str(number // each) / f"{number}.txt").write_text(str(number))


def has_engine() -> bool:
    """Return whether a Docker engine answers."""
    return _runs("docker", "info")


def has_compose() -> bool:
    """Return whether Docker Compose is there."""
    return _runs("docker", "compose", "version")


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except OSError:
        return False
