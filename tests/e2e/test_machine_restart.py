"""The machine goes down and comes up again: nothing runs, every pid file lies, half of what was being written is there."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living
from e2e.test_kills import write

from rw_daemon.processes import proc

pytestmark = pytest.mark.full
ELSEWHEN = "00000000-0000-0000-0000-000000000000"
"""The id of another boot."""


@pytest.fixture
def rw() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0", RW_SETTLE_SECONDS="1")


def everything(rw: Rw) -> list[int]:
    """Return every process of a home: daemon, edge, holders, apps."""
    home = os.fsencode(rw.home)
    return [pid for pid in proc.pids() if pid != os.getpid() and any(home in _read(pid, name) for name in ("cmdline", "environ"))]


def _read(pid: int, name: str) -> bytes:
    try:
        return (proc.PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def cut_power(rw: Rw) -> None:
    """End everything at once, and leave the disk as another boot finds it."""
    while left := [pid for pid in everything(rw) if proc.process(pid)]:
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for file in (rw.home / "instances").glob("*/pid"):
        pid, started, _ = file.read_text().split()
        file.write_text(f"{pid} {started} {ELSEWHEN}")
    edge = rw.home / "edge" / "envoy.pid"
    edge.write_text(json.dumps({**json.loads(edge.read_text()), "boot": ELSEWHEN, "pid": os.getpid()}))


def test_what_should_run_runs_again_and_nothing_else_is_left(rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    write(folder, "ok")
    (folder / "Procfile").write_text("web: python main.py\nworker: sleep 10000\n")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "broken off")
    (folder / "railway.toml").write_text('[build]\nbuildCommand = "sleep 20"\n')
    operation = json.loads(rw.ok("up", str(folder), "-d", "--json").splitlines()[-1])["operation"]
    while "building" not in [one["status"] for one in rw.json("deployments", "list", cwd=folder)["items"]]:
        time.sleep(0.05)
    cut_power(rw)
    half = rw.home / "instances" / ".dep_0-0-half.removed"
    half.mkdir()
    rw.ok("deployments", "cancel", operation, cwd=folder)
    services = rw.json("status", cwd=folder)["services"]
    deadline = time.monotonic() + 30
    while [(one["status"], [replica["state"] for replica in one["replicas"]]) for one in services] != [("active", ["running"])] * 2:
        assert time.monotonic() < deadline, f"{services} {rw.log_tail()}"
        time.sleep(0.1)
        services = rw.json("status", cwd=folder)["services"]
    assert ask(url, timeout=40).text == "ok"
    replicas = {replica["id"] for one in services for replica in one["replicas"]}
    assert {path.name for path in (rw.home / "instances").iterdir()} == replicas
    while len(list((rw.home / "releases").iterdir())) > 1:  # what the build left half done
        assert time.monotonic() < deadline, "the folder of the build that was broken off is still there"
        time.sleep(0.1)
    holders = {pid for pid in everything(rw) if b"shim.py" in _read(pid, "cmdline")}
    assert len(holders) == 2
