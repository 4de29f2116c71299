"""Whether what is on the machine is exactly what the store says: no process, container, network or folder more, and none less."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from e2e.conftest import Rw

from rw_daemon.builds.process import COMPLETE, folder_name
from rw_daemon.processes import proc
from rw_shared.paths import Home

UNSETTLED = {"queued", "waiting", "initializing", "building", "deploying", "removing"}
CONSISTENT_SECONDS = 20.0
"""After the daemon's start. Ten are promised; other tests run on this machine, too."""


def until_consistent(rw: Rw, folder: Path) -> None:
    """Return once everything is as it should be, in time after the daemon's last start."""
    rw.ok("daemon", "start")
    while True:
        problems = wrong(rw, folder)
        took = (datetime.now(UTC) - last_start(rw)).total_seconds()
        if not problems:
            return
        assert took < CONSISTENT_SECONDS, f"{problems} {took:.1f} s after the daemon's start {rw.log_tail()}"
        time.sleep(0.1)


def last_start(rw: Rw) -> datetime:
    lines = [json.loads(line) for line in (rw.home / "daemon.log").read_text().splitlines() if " serves " in line]
    return datetime.fromisoformat(lines[-1]["ts"])


def wrong(rw: Rw, folder: Path) -> list[str]:
    """Return what is not as it should be, in words."""
    (service,) = rw.json("status", cwd=folder)["services"]
    deployments: list[dict[str, Any]] = rw.json("deployments", "list", cwd=folder)["items"]
    replicas = {one["id"] for one in service["replicas"]}
    problems = [f"v{one['version']} is {one['status']}" for one in deployments if one["status"] in UNSETTLED]
    active = [one["id"] for one in deployments if one["status"] == "active"]
    if active != [service["serving"]]:
        problems.append(f"{active} are active, {service['serving']} serves")
    if [(one["deployment"], one["state"]) for one in service["replicas"]] != [(service["serving"], "running")] * service["replicasWanted"]:
        problems.append(f"replicas: {service['replicas']}")
    on_target = wrong_containers if rw.environ["RW_TARGET"] == "docker" else wrong_folders
    return [*problems, *wrong_processes(rw, replicas), *on_target(rw, replicas, deployments)]


def wrong_processes(rw: Rw, replicas: set[str]) -> list[str]:
    """Each process of a home is its one daemon, its one edge, or belongs to a replica: no build, no leftover."""
    found: dict[str, list[str]] = {}
    for pid in proc.pids():
        command, environ = read(pid, "cmdline"), read(pid, "environ")
        if pid != os.getpid() and os.fsencode(rw.home) in command + environ and proc.process(pid):
            found.setdefault(role(rw, command, environ), []).append(f"{pid} {command.decode(errors='replace')[:80]}")
    one_each = [f"{name}: {found.get(name)}" for name in ("daemon", "edge") if len(found.pop(name, [])) != 1]
    strays = [f"{name} runs: {pids}" for name, pids in found.items() if name not in replicas]
    return one_each + strays


def role(rw: Rw, command: bytes, environ: bytes) -> str:
    if b"-m\0rw_daemon" in command:
        return "daemon"
    if b"envoy" in command.partition(b"\0")[0]:
        return "edge"
    instances = os.fsencode(rw.home / "instances") + b"/"
    whose = (command + environ).partition(instances)[2]
    return whose.partition(b"\0")[0].decode() or "something else"


def read(pid: int, name: str) -> bytes:
    try:
        return (proc.PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def wrong_folders(rw: Rw, replicas: set[str], deployments: list[dict[str, Any]]) -> list[str]:
    problems = []
    if (there := {path.name for path in (rw.home / "instances").iterdir()}) != replicas:
        problems.append(f"instances: {there ^ replicas}")
    if jobs := list((rw.home / "jobs").glob("*")):
        problems.append(f"jobs: {jobs}")
    known = {folder_name(one["artifact"]["key"]) for one in deployments if one["artifact"]}
    for path in (rw.home / "releases").iterdir():
        if path.name not in known or not (path / COMPLETE).exists():
            problems.append(f"{path} is nobody's, or half done")
    return problems


def wrong_containers(rw: Rw, replicas: set[str], _: list[dict[str, Any]]) -> list[str]:
    home = hashlib.sha256(Home.of(rw.environ, uid=os.geteuid()).runtime.name.encode()).hexdigest()[:12]
    containers = set(docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=rw.home={home}"))
    networks = docker("network", "ls", "--quiet", "--filter", f"label=rw.home={home}")
    problems = [f"containers: {containers ^ replicas}"] if containers != replicas else []
    return problems + ([f"networks: {networks}"] if len(networks) != 1 else [])


def docker(*arguments: str) -> list[str]:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.split()


def built_once(deployment: dict[str, Any], seen: list[str]) -> bool:
    """Return whether a deployment was not built again once it was built, by the events that were ``seen`` of it before a kill."""
    attempts = [one["attempt"] for one in deployment["steps"] if one["name"] == "build"]
    return attempts in ([], [1]) or ("step.finished build" not in seen and attempts == [2])
