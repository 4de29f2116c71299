"""What the kernel counts for a control group: the use of all its processes, each shared page once."""

from __future__ import annotations

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")


def use_of(pid: int, *, root: Path = CGROUP, proc: Path = PROC) -> tuple[float, int] | None:
    """Return CPU seconds and resident bytes of the group that a process is in; ``None`` where they cannot be read.

    Cache that the kernel would give back without a write (``inactive_file``) is left out, as the docker command does.
    Both versions of control groups: cgroups(7), memory.txt and cgroup-v2.rst of the kernel's documentation.
    """
    try:
        groups = dict(_groups((proc / str(pid) / "cgroup").read_text()))
        if "memory" in groups and "cpuacct" in groups:
            return _first(root / "memory" / groups["memory"], root / "cpuacct" / groups["cpuacct"])
        return _second(root / groups[""])
    except (OSError, KeyError, ValueError, StopIteration):
        return None


def _groups(text: str) -> list[tuple[str, str]]:
    """Return controller and path, without its first slash, of each line of ``/proc/PID/cgroup``; the root group is left out."""
    found = []
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if path != "/":
            found += [(name, path.removeprefix("/")) for name in controllers.split(",")]
    return found


def _first(memory: Path, cpu: Path) -> tuple[float, int]:
    used, cache = _number(memory / "memory.usage_in_bytes"), _stat(memory / "memory.stat", "total_inactive_file")
    return _number(cpu / "cpuacct.usage") / 1e9, max(0, used - cache)


def _second(group: Path) -> tuple[float, int]:
    used, cache = _number(group / "memory.current"), _stat(group / "memory.stat", "inactive_file")
    return _stat(group / "cpu.stat", "usage_usec") / 1e6, max(0, used - cache)


def _number(file: Path) -> int:
    return int(file.read_text())


def _stat(file: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(f"{name} "))
