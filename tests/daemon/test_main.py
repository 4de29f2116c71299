"""The daemon's process, as far as it can be looked at without one."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rw_daemon import __main__ as process
from rw_daemon.api import guard
from rw_shared.paths import Home


def test_the_environment_keeps_what_the_daemon_lives_by_and_nothing_else(monkeypatch):
    found = {"PATH": "/bin", "HOME": "/h", "RW_HOME": "/r", "DOCKER_HOST": "unix:///d", "AWS_SECRET": "x", "TOKEN": "y", "EDITOR": "vi"}
    monkeypatch.setattr(os, "environ", dict(found))
    process.scrub()
    assert sorted(os.environ) == ["DOCKER_HOST", "HOME", "PATH", "RW_HOME"]


def test_the_process_module_imports_nothing_heavy():
    code = (
        "import sys, rw_daemon.__main__; print([name for name in ('pydantic', 'fastapi', 'sqlalchemy', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("said", "end"),
    [
        pytest.param(None, "", id="first start"),
        pytest.param("stopped", "stopped", id="stopped"),
        pytest.param("running", "killed", id="killed"),
    ],
)
def test_the_marker_tells_how_the_daemon_before_ended(tmp_path, said, end):
    home = Home(tmp_path, tmp_path / "run")
    if said is not None:
        home.ending.write_text(said)
    assert guard.previous_end(home) == end


def test_a_failed_start_says_why_in_the_shape_of_the_api(tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    before = signal.getsignal(signal.SIGHUP)
    try:
        assert process.run(Home(tmp_path / "home", tmp_path / "run"), compose=None) == 6
    finally:
        signal.signal(signal.SIGHUP, before)
    assert '"code": "NOT_ALLOWED"' in capsys.readouterr().err


def test_the_info_names_pid_and_home(tmp_path):
    started = process.Started(Home(tmp_path, tmp_path), None, 0, datetime(2026, 1, 1, tzinfo=UTC), "killed")
    assert (started.info.pid, Path(started.info.home), started.info.previous_end) == (os.getpid(), tmp_path, "killed")
