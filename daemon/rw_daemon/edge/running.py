"""A process that outlives the daemon: started in a session of its own, found again by pid, start time and boot."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rw_daemon.processes import proc
from rw_daemon.processes.holders import process_end
from rw_daemon.processes.spawning import detach

LOG_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Running:
    """What identifies the process. ``program`` is the file name that it runs, ``epoch`` counts hot restarts."""

    pid: int
    started: int
    boot: str
    program: str
    epoch: int

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


async def launch(arguments: Sequence[str], *, folder: Path, epoch: int) -> Running:
    """Start the process, its output to ``envoy.log``; the log before it is kept as ``envoy.log.1`` once it is large."""
    log = folder / "envoy.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(folder / "envoy.log.1")
    pid = await detach(arguments, cwd=folder, environ={"PATH": os.environ.get("PATH", "")}, output=log)
    found = proc.process(pid)
    return Running(pid, found.started if found else 0, proc.boot_id(), Path(arguments[0]).name, epoch)


async def end_of(pid: int) -> None:
    """Return when a process is gone."""
    try:
        await process_end(pid)
    except (ProcessLookupError, OSError):
        await asyncio.sleep(0)
