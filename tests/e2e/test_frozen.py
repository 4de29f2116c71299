"""What is stopped by a signal keeps its sockets and answers nothing: a replica, the edge, the daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask, living
from e2e.test_kills import write

from rw_daemon.processes import proc

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    """A daemon that looks after its replicas more often than it does by default."""
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0", RW_LIVENESS_PERIOD_SECONDS="0.3", RW_PROBE_TIMEOUT_SECONDS="1")


@pytest.fixture(scope="module")
def folder(rw: Rw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("frozen")
    write(made, "ok")
    rw.up(made)
    return made


def service(rw: Rw, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = rw.json("status", cwd=folder)["services"][0]
    return found


def freeze(rw: Rw, target: str, replica: str) -> None:
    if target == "docker":
        subprocess.run(["docker", "pause", replica], check=True, capture_output=True)
    for pid in proc.marked(f"RW_INSTANCE={rw.home / 'instances' / replica}"):
        os.kill(pid, signal.SIGSTOP)


def test_frozen_replica_is_replaced_and_requests_get_their_answer(rw: Rw, target: str, folder: Path) -> None:
    before = service(rw, folder)
    replica = before["replicas"][0]["id"]
    freeze(rw, target, replica)
    assert ask(before["url"], timeout=60).text == "ok"
    assert service(rw, folder)["replicas"][0]["id"] != replica
    assert "does not answer any more" in rw.ok("logs", cwd=folder)


def test_frozen_edge_is_replaced(rw: Rw, folder: Path) -> None:
    url = service(rw, folder)["url"]
    os.kill(rw.edge_pid(), signal.SIGSTOP)
    deadline = time.monotonic() + 40
    while True:
        try:
            assert ask(url, timeout=1).text == "ok"
            return
        except OSError:
            assert time.monotonic() < deadline, rw.log_tail()


def test_frozen_daemon_is_named_with_the_way_out(rw: Rw, folder: Path) -> None:
    url, pid = service(rw, folder)["url"], rw.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        done = rw.run("status", "--json", cwd=folder, timeout=60)
        assert ask(url).text == "ok"
    finally:
        os.kill(pid, signal.SIGCONT)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (8, "DAEMON_UNREACHABLE")
    assert f"kill -CONT {pid}" in error["hint"]
    assert rw.pid() == pid


def test_who_follows_a_release_is_told_that_the_daemon_froze(rw: Rw, folder: Path) -> None:
    (folder / "railway.toml").write_text("[build]\nbuildCommand = 'sleep 300'\n")
    pid = rw.pid()
    with rw.beside("up", str(folder)) as following:
        while "building" not in rw.ok("status", "--json", cwd=folder):
            assert following.process.poll() is None, rw.log_tail()
        os.kill(pid, signal.SIGSTOP)
        try:
            following.process.wait(60)
        finally:
            os.kill(pid, signal.SIGCONT)
    error = following.rows[-1]["error"]
    assert (following.code, error["code"]) == (8, "DAEMON_UNREACHABLE")
    assert f"kill -CONT {pid}" in error["hint"]
    rw.ok("deployments", "cancel", "v2", cwd=folder)  # it went on
