"""Replicas and the edge are killed while requests come in: what can be repeated is repeated, and what is told is true."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask
from e2e.test_kills import write

from rw_cli.client import Client
from rw_cli.context.load import Load
from rw_daemon.processes import proc
from rw_shared.errors import RwError
from rw_shared.paths import Home

pytestmark = pytest.mark.full
WORKERS = 2
REPLICAS = 3
MOMENTS = (("step.finished", "healthcheck"), ("step.started", "shift"), ("step.finished", "shift"))


def up(rw: Rw, folder: Path, word: str) -> dict[str, Any]:
    write(folder, word)
    (folder / "railway.toml").write_text(f"[deploy]\nnumReplicas = {REPLICAS}\n")
    rw.up(folder)
    return service(rw, folder)


def service(rw: Rw, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = rw.json("status", cwd=folder)["services"][0]
    return found


def kill_replica(rw: Rw, target: str, identity: str) -> None:
    if target == "docker":
        subprocess.run(["docker", "kill", identity], check=True, capture_output=True)
        return
    for pid in proc.marked(f"RW_INSTANCE={rw.home / 'instances' / identity}"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_edge(rw: Rw) -> None:
    os.kill(rw.edge_pid(), signal.SIGKILL)


def until_whole(rw: Rw, folder: Path, *, without: str = "") -> None:
    deadline = time.monotonic() + 30
    while True:
        replicas = service(rw, folder)["replicas"]
        if [one["state"] for one in replicas] == ["running"] * REPLICAS and without not in [one["id"] for one in replicas]:
            return
        assert time.monotonic() < deadline, f"{replicas} {rw.log_tail()}"
        time.sleep(0.1)


def test_each_replica_in_turn_costs_no_more_than_the_orders_it_had(rw: Rw, target: str, tmp_path: Path) -> None:
    folder = tmp_path / "replicas"
    before = up(rw, folder, "ok")
    reads, orders = Load(before["url"], rate=60, workers=WORKERS), Load(before["url"], rate=60, workers=WORKERS, echo="/echo")
    with reads, orders:
        for replica in before["replicas"]:
            kill_replica(rw, target, replica["id"])
            until_whole(rw, folder, without=replica["id"])
    assert [one for one in reads.failures if not one.startswith("IncompleteRead")] == []  # answers that a killed one had begun
    assert len(reads.failures) <= WORKERS * REPLICAS
    assert len(orders.failures) <= WORKERS * REPLICAS, "only what was under way, and may not be sent twice"
    rw.ok("down", "--yes", cwd=folder)


def when(rw: Rw, name: str, step: str, act: Any) -> threading.Thread:
    """Do something at the next event of that name about that step."""
    client, opened = Client(str(Home.of(rw.environ, uid=os.geteuid()).socket), ensure=lambda: None), threading.Event()

    def read() -> None:
        with suppress(RwError, OSError):
            for row in client.stream("/v1/events/stream", query={}, cursor="sequence"):
                opened.set()
                if row["name"] == name and row["data"].get("step") == step:
                    act()
                    return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    time.sleep(0.2)  # the stream is open by then
    return thread


def test_edge_killed_in_the_middle_of_a_switch(rw: Rw, tmp_path: Path) -> None:
    """Requests are refused until it is back, and then nothing is wrong any more; what ``rw up`` says is what answers."""
    folder = tmp_path / "edge"
    url, words = up(rw, folder, "old")["url"], ["old"]
    for moment in MOMENTS:
        write(folder, str(moment))
        with Load(url, rate=100, workers=WORKERS) as load:
            killed = when(rw, *moment, lambda: kill_edge(rw))
            code = rw.run("up", str(folder)).returncode
            killed.join(30)
            until_answered(rw, url)
            back = time.monotonic()
            time.sleep(0.5)
        assert {one.kind for one in load.samples} <= {"", "refused", "reset", "other"}
        assert [one for one in load.between(back, back + 60) if one.kind] == []
        words += [str(moment)] if code == 0 else []
        assert ask(url).text == words[-1]
        assert service(rw, folder)["status"] == "active"
    rw.ok("down", "--yes", cwd=folder)


def until_answered(rw: Rw, url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        with suppress(OSError):
            if ask(url).status == 200:
                return
        assert time.monotonic() < deadline, rw.log_tail()
        time.sleep(0.02)
