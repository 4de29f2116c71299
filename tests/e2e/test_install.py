"""The four ways to call install.sh, as a newcomer would, with a home of his own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.upstreams import free_port

ROOT = Path(__file__).parent.parent.parent
NOT_OURS = {".cache"}  # what uv and pip keep for everybody


@pytest.fixture
def newcomer() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="rw-new-") as folder:
        keep = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        yield {
            **keep,
            "PATH": path,
            "HOME": folder,
            "RW_TARGET": "process",
            "RW_EDGE_PORT": str(free_port()),
            "XDG_RUNTIME_DIR": f"{folder}/.cache",
        }


def install(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["./install.sh", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=220, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.full
def test_try_puts_an_app_online_and_uninstall_leaves_nothing(newcomer: dict[str, str]) -> None:
    (Path(newcomer["HOME"]) / ".cache").mkdir()
    first = install("try", environ=newcomer)
    assert first.stdout.strip().endswith("answers: Hello from rw")
    assert ".localhost:0" not in first.stdout + first.stderr  # the very first route has its port, too
    app = next(Path(newcomer["HOME"]).rglob("hello/app.py"))
    assert (app.parent / ".gitignore").exists()
    app.write_text(app.read_text().replace("Hello from rw", "Hello again"))
    assert install("try", environ=newcomer).stdout.strip().endswith("answers: Hello again")  # what a user changed stays
    install(environ=newcomer)  # safe to run twice
    assert (
        "0.1.0"
        in subprocess.run([f"{newcomer['HOME']}/.local/bin/rw", "version"], env=newcomer, capture_output=True, text=True, check=True).stdout
    )
    install("uninstall", environ=newcomer)
    left = [
        path
        for path in Path(newcomer["HOME"]).rglob("*")
        if not path.is_dir() and path.relative_to(newcomer["HOME"]).parts[0] not in NOT_OURS
    ]
    assert left == []


def test_unknown_word_is_a_usage_error() -> None:
    done = subprocess.run(["./install.sh", "instal"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "./install.sh try" in done.stderr
