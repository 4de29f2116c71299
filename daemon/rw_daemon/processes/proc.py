"""What Linux tells about processes under ``/proc``: identity, descendants, use, listening sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

PROC = Path("/proc")
ESTABLISHED, LISTENING = "01", "0A"  # tcp_states.h
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One line of ``/proc/<pid>/stat``. ``started`` is in ticks since boot."""

    pid: int
    parent: int
    state: str
    started: int
    cpu_seconds: float
    memory_bytes: int


def boot_id() -> str:
    """Return the id of this boot of the machine; empty where there is none."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def process(pid: int) -> Process | None:
    """Return a living process; None when it is gone or a zombie. Source: proc_pid_stat(5), counted from the state on."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if not fields or fields[0] in "ZX":
        return None
    ticks = sum(int(field) for field in fields[11:15])
    return Process(pid, int(fields[1]), fields[0], int(fields[19]), ticks / TICKS, int(fields[21]) * PAGE_BYTES)


def pids() -> list[int]:
    """Return all process ids."""
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208 - names only, and fast


def descendants(root: int) -> list[Process]:
    """Return all living processes below ``root``."""
    children: dict[int, list[Process]] = {}
    for pid in pids():
        if found := process(pid):
            children.setdefault(found.parent, []).append(found)
    reached = list(children.get(root, ()))
    for one in reached:
        reached.extend(children.get(one.pid, ()))
    return reached


def marked(marker: str) -> list[int]:
    """Return the processes that have ``marker`` (``NAME=value``) in the environment they were started with."""
    wanted, found = b"\0" + marker.encode() + b"\0", []
    for pid in pids():
        with contextlib.suppress(OSError):
            if wanted in b"\0" + (PROC / str(pid) / "environ").read_bytes() + b"\0" and process(pid):
                found.append(pid)
    return found


def kill_marked(marker: str) -> int:
    """Kill everything with ``marker`` in its environment, also what is forked meanwhile; return how many were killed."""
    total = 0
    for _ in range(20):
        found = marked(marker)
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        total += len(found)
        if not found:
            break
    return total


def kill_sessions(marker: str) -> None:
    """Kill everything with ``marker`` in its environment and all else in those processes' sessions, also what is forked meanwhile.

    The caller's own session is left alone.
    """
    for _ in range(20):
        sessions = {session(pid) for pid in marked(marker)} - {os.getsid(0), 0}
        for pid in pids() if sessions else ():
            if session(pid) in sessions:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        if not sessions:
            return


def session(pid: int) -> int:
    """Return the session that a process is in; 0 when it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def sockets(pid: int) -> set[str]:
    """Return the inodes of a process's sockets."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(PROC / str(pid) / "fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path)  # noqa: PTH115 - text, and fast
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def listening(inodes: set[str], *, through: int) -> list[tuple[str, int]]:
    """Return address and port of the listening TCP sockets among ``inodes``, in the network that the process ``through`` sees."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / str(through) / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and fields[9] in inodes:
                    found.add(address(fields[1]))
    return sorted(found)


def cores() -> int:
    """Return how many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def connections(places: Collection[tuple[str, int]]) -> int:
    """Return how many TCP connections of this machine lead to one of ``places`` (address and port)."""
    count = 0
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                count += fields[3] == ESTABLISHED and address(fields[2]) in places
    return count


def address(text: str) -> tuple[str, int]:
    """Return host and port of ``0100007F:1F90``: words of 32 bits in the machine's (little) order."""
    words, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    host = IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)
    return str(host), int(port, 16)
