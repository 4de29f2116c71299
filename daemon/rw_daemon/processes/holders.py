"""The daemon's view of a shim: one folder, started once, found again by anybody, ended with nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rw_daemon.processes import proc, spawning
from rw_daemon.processes.changes import FolderChanges
from rw_daemon.processes.segments import OutputLine, SegmentReader

SHIM = Path(__file__).with_name("shim.py")
MARKER = "RW_INSTANCE"
"""Variable of every process below a shim: its value is the folder, so leftovers of a killed shim are found."""
APPEAR_SECONDS = 2.0
"""From claiming an order to the pid file; 20 ms is usual."""
MARGIN_SECONDS = 5.0
"""Beyond the grace time before the shim itself is killed."""
PIDFD_PAUSE_SECONDS = 0.05
REMOVED = ".removed"
"""Ends the name of a folder that is being removed."""


@dataclass(frozen=True)
class Ending:
    """How a held command ended. ``code`` is -1 when nobody saw it."""

    code: int
    signal: int = 0
    out_of_memory: bool = False
    at: datetime | None = None


@dataclass(frozen=True)
class HoldOrder:
    """What a shim is to run.

    :param memory_bytes: the sum of resident memory of all its processes that gets it killed; 0 for none.
    """

    arguments: tuple[str, ...]
    cwd: Path
    environ: dict[str, str] = field(repr=False)
    grace_seconds: float = 30.0
    memory_bytes: int = 0
    segment_bytes: int = 50 * 1024**2
    segments: int = 4

    def encode(self, folder: Path) -> bytes:
        """Return the text of the ``order`` file."""
        environ = {**self.environ, MARKER: str(folder)}
        fields = [f"arg={one}" for one in self.arguments]
        fields += [f"env={name}={value}" for name, value in environ.items() if "\0" not in name + value and "=" not in name]
        fields += [f"cwd={self.cwd}", f"grace={self.grace_seconds}", f"memory={self.memory_bytes}"]
        fields += [f"segment_bytes={self.segment_bytes}", f"segments={self.segments}"]
        return "\0".join(fields).encode("utf-8", "surrogateescape")


def shim_args(folder: Path) -> list[str]:
    """Return the command that holds ``folder``. No secret: process lists show it to everybody."""
    return [sys.executable, "-I", "-S", "-E", str(SHIM), str(folder)]


class Hold:
    """One folder with a shim, now or once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def launch(self, order: HoldOrder) -> None:
        """Start the shim; returns once the app runs. ``OSError`` when it could not be started."""
        write_private(self.folder / "order", order.encode(self.folder))
        said: list[str] = []
        code = await spawning.run(
            shim_args(self.folder), cwd=self.folder, environ={"LANG": "C.UTF-8"}, output=lambda _, line: said.append(line)
        )
        if code:
            raise OSError(f"the holder of {self.folder.name} could not start: {' '.join(said)[-300:]}")

    def pid(self) -> int:
        """Return the living shim's pid, checked by start time and boot; 0 when there is none."""
        try:
            pid, started, boot = (self.folder / "pid").read_text().split()
        except (OSError, ValueError):
            return 0
        if boot != proc.boot_id():
            return 0
        found = proc.process(int(pid))
        return found.pid if found and found.started == int(started) else 0

    def is_from_another_boot(self) -> bool:
        """Return whether the machine was started again since the shim was."""
        try:
            _, _, boot = (self.folder / "pid").read_text().split()
        except (OSError, ValueError):
            return False
        return boot != proc.boot_id()

    def ending(self) -> Ending | None:
        """Return how it ended; None while it runs. A shim that vanished without a word yields code -1."""
        if self.pid():
            return None
        try:
            code, number, memory, stamp = (self.folder / "exit").read_text().split()
        except (OSError, ValueError):
            return Ending(-1)
        return Ending(int(code), int(number), memory == "1", datetime.fromtimestamp(int(stamp) / 1e9, UTC))

    def started_at(self) -> datetime | None:
        """Return when the shim started."""
        with contextlib.suppress(OSError):
            return datetime.fromtimestamp((self.folder / "pid").stat().st_mtime, UTC)
        return None

    async def settle(self) -> bool:
        """After a crash of the daemon: False when it never started and now never will, True when it did (it may have ended)."""
        if (self.folder / "pid").exists():
            return True
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "order").unlink()  # claimed by whoever removes it first
            return False
        for _ in range(int(APPEAR_SECONDS / PIDFD_PAUSE_SECONDS) if (self.folder / "order.taken").exists() else 1):
            await asyncio.sleep(PIDFD_PAUSE_SECONDS)
            if (self.folder / "pid").exists():
                return True
        return False

    async def wait(self) -> Ending:
        """Return once the shim ended; leftovers of one that was killed are killed first."""
        if pid := self.pid():
            await process_end(pid)
        return self.finish()

    def finish(self) -> Ending:
        """Return the ending of a shim that is gone, and kill what a killed shim may have left."""
        ending = self.ending() or Ending(-1)
        if ending.code == -1:
            proc.kill_marked(f"{MARKER}={self.folder}")
        return ending

    async def stop(self, *, grace_seconds: float) -> None:
        """End the app and everything it started: SIGTERM, then SIGKILL after the grace time."""
        if pid := self.pid():
            write_private(self.folder / "grace", str(grace_seconds).encode())
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            try:
                async with asyncio.timeout(grace_seconds + MARGIN_SECONDS):
                    await process_end(pid)
            except TimeoutError:
                if self.pid() == pid:
                    os.kill(pid, signal.SIGKILL)
                    await process_end(pid)
        self.finish()

    def kill(self) -> None:
        """Kill the app and everything it started, but not the shim, which records the end."""
        for one in proc.descendants(pid) if (pid := self.pid()) else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)

    async def lines(self, changes: FolderChanges, *, after: str = "") -> AsyncIterator[OutputLine]:
        """Yield the output, following it; ends when the shim is gone and all was read."""
        reader = SegmentReader(self.folder / "out", after=after)
        pid = self.pid()
        try:
            with changes.watch(self.folder / "out") as watch, ended_bell(pid, watch.ring):
                while True:
                    gone = not self.pid()
                    while batch := reader.read():
                        for line in batch:
                            yield line
                        await asyncio.sleep(0)
                    if gone:
                        break
                    await watch.wait()
            for line in reader.flush():
                yield line
        finally:
            reader.close()

    def remove(self) -> None:
        """Remove the folder: renamed first, so that a half-removed one is never taken for an instance."""
        doomed = self.folder.with_name(f".{self.folder.name}{REMOVED}")
        with contextlib.suppress(FileNotFoundError):
            self.folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def write_private(path: Path, content: bytes) -> None:
    """Write a 0600 file, all or nothing."""
    partial = path.with_name(path.name + ".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    partial.replace(path)


@contextlib.contextmanager
def ended_bell(pid: int, ring: Callable[[], None]) -> Iterator[None]:
    """Call ``ring`` on the event loop when the process ends, while the context lasts; no polling, no parent needed."""
    try:
        descriptor = os.pidfd_open(pid) if pid else -1
    except ProcessLookupError:
        descriptor = -1
    if descriptor < 0:
        ring()
        yield
        return
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(descriptor)
        ring()

    loop.add_reader(descriptor, ended)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def process_end(pid: int) -> None:
    """Return when the process has ended."""
    over = asyncio.Event()
    with ended_bell(pid, over.set):
        await over.wait()
