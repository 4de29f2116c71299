"""A process that outlives the daemon: started in a session of its own, found again by pid, start time and boot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rw_daemon.processes import proc
from rw_daemon.processes.holders import process_end
from rw_daemon.processes.spawning import detach

LOG_BYTES = 10 * 1024 * 1024
MARKER = "RW_EDGE"
"""Variable of every Envoy of a home: its value is the folder, so that one without a pid file is found as well."""
TERM_SECONDS, KILL_SECONDS = 3.0, 3.0


@dataclass(frozen=True)
class Running:
    """What identifies the process, and what it was started as.

    :param made: digest of program, bootstrap and arguments; another one calls for a hot restart.
    :param epoch: counts hot restarts.
    """

    pid: int
    started: int
    boot: str
    made: str = ""
    epoch: int = 0

    @property
    def is_alive(self) -> bool:
        """It is the same process, and not a zombie."""
        found = proc.process(self.pid)
        return found is not None and found.started == self.started and proc.boot_id() == self.boot

    @classmethod
    def read(cls, path: Path) -> Running | None:
        """Return the process that a pid file names, when it lives."""
        try:
            found = cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return found if found.is_alive else None

    def write(self, path: Path) -> None:
        """Write the pid file, all or nothing."""
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self)))
        partial.replace(path)

    async def kill(self) -> None:
        """End it at once; returns when it is gone."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            await end_of(self.pid)


async def launch(arguments: Sequence[str], *, folder: Path, made: str, epoch: int) -> Running:
    """Start the process, its output to ``envoy.log``; the log before it is kept as ``envoy.log.1`` once it is large.

    ``OSError`` when it cannot start.
    """
    log = folder / "envoy.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(folder / "envoy.log.1")
    pid = await detach(arguments, cwd=folder, environ={"PATH": os.environ.get("PATH", ""), MARKER: str(folder)}, output=log)
    found = proc.process(pid)
    return Running(pid, found.started if found else 0, proc.boot_id(), made, epoch)


async def end_of(pid: int) -> None:
    """Return when a process is gone."""
    with suppress(ProcessLookupError, OSError):
        await process_end(pid)


async def end_all(folder: Path) -> None:
    """End every Envoy of a folder, also one that hands over to the next, or has no pid file: SIGTERM, then SIGKILL."""
    for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        pids = proc.marked(f"{MARKER}={folder}")
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(end_of(pid) for pid in pids)), seconds)
            return
