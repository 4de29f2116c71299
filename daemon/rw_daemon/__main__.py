"""The daemon's process: one for a home, in the foreground until a signal or an order ends it. ``python -m rw_daemon``.

Exit status: 0 when it was stopped, or when another one already serves this home; otherwise that of the error, which stands as
one line of JSON on stderr and in the log.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from rw_daemon.api import guard, journal
from rw_daemon.clock import Clock, SystemClock
from rw_daemon.processes import priority
from rw_daemon.settings import Settings
from rw_shared.errors import InternalError, RwError
from rw_shared.paths import RUNNING, STOPPED, Home
from rw_shared.version import SCHEMA, VERSION

if TYPE_CHECKING:
    from rw_daemon.api.rooms import Rooms
    from rw_shared.models import DaemonInfo

log = logging.getLogger("rw_daemon")
CLOSE_SECONDS = 0.8  # for tasks and store, once the API is silent (1.1 s at most); the whole end may take two seconds

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8

# what the daemon itself lives by; what belongs to a user's order comes with the order (ClientEnvironment)
KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "VIRTUAL_ENV")
KEPT_PREFIXES = ("RW_", "DOCKER_", "PYTHON")


class Composition(Protocol):
    """The daemon's rooms, alive."""

    @property
    def rooms(self) -> Rooms:
        """What the API answers for."""
        ...

    async def close(self) -> None:
        """Cancel tasks, which undoes nothing, then close the store."""
        ...


Compose = Callable[..., Awaitable[Composition]]
"""``compose(home, *, clock, settings, info, stop)``; app.py has the real one."""


@dataclass(frozen=True)
class Started:
    """What the process holds before anything heavy is imported."""

    home: Home
    listening: socket.socket
    lock: int
    at: datetime
    previous_end: str

    @property
    def info(self) -> DaemonInfo:
        """Who answers."""
        from rw_shared.models import DaemonInfo  # lazy: pydantic takes 0.1 s, and lock and socket should not wait for it

        return DaemonInfo(version=VERSION, pid=os.getpid(), home=str(self.home.root), started_at=self.at, previous_end=self.previous_end)


def scrub() -> None:
    """Leave only what the daemon lives by in its environment: whoever starts it first must not decide for everybody after."""
    for name in [*os.environ]:
        if name not in KEPT_VARIABLES and not name.startswith(KEPT_PREFIXES):
            del os.environ[name]


def return_memory() -> None:
    """Have the C library give memory back that is free again: by default it keeps tens of MB of a large tree's snapshot.

    The numbers are glibc's (``malloc.h``); another C library has no ``mallopt`` and is left as it is.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        for parameter, value in ((M_MMAP_THRESHOLD, 64 * 1024), (M_TRIM_THRESHOLD, 128 * 1024), (M_ARENA_MAX, 1)):
            libc.mallopt(parameter, value)


def claim(home: Home, *, clock: Clock) -> Started:
    """Make the folders, take the lock, open log and socket. ``LockTakenError`` when a daemon lives, ``NotAllowedError``."""
    # the state folder may be a link of the user's (to a larger disk); the sockets' folder lies where others may write, and may not
    for folder in (home.root.resolve(), home.runtime.parent, home.runtime):
        guard.private_folder(folder)
    held = guard.wait_for_lock(home)
    journal.write_to(home.daemon_log, level=os.environ.get("RW_LOG_LEVEL", ""))
    return Started(home, guard.bind(home.socket), held, clock.now(), guard.previous_end(home))


async def serve(started: Started, *, compose: Compose, clock: Clock) -> None:
    """Compose the daemon and answer on its socket until it is told to stop."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    composition = await compose(started.home, clock=clock, settings=Settings.of(os.environ), info=started.info, stop=ending.set)
    try:
        started.home.ending.write_text(RUNNING)
        log.info("rw %s serves %s (previous end: %s)", VERSION, started.home.root, started.previous_end or "none")
        await _answer(started, composition, ending)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(composition.close(), CLOSE_SECONDS)


async def _answer(started: Started, composition: Composition, ending: asyncio.Event) -> None:
    from rw_daemon.api.application import build  # lazy: FastAPI takes 0.5 s, and clients already wait at the socket
    from rw_daemon.api.server import Server

    server = Server(build(composition.rooms))
    gc.freeze()  # what was imported stays: looking at it again would only cost time
    gc.enable()
    answering = asyncio.ensure_future(server.serve(sockets=[started.listening]))
    told = asyncio.ensure_future(ending.wait())
    await asyncio.wait({answering, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    log.info("stopping")
    started.home.socket.unlink(missing_ok=True)  # first: whoever comes now starts a new daemon instead of meeting a dying one
    server.stop()
    await answering


def run(home: Home, *, compose: Compose) -> int:
    """Be the daemon of ``home``; returns the exit status."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal that it was started from may go
    clock = SystemClock()
    try:
        started = claim(home, clock=clock)
    except guard.LockTakenError as taken:
        sys.stderr.write(f"{taken}\n")
        return 0
    except RwError as error:
        return _failed(error)
    try:
        asyncio.run(serve(started, compose=compose, clock=clock))
    except RwError as error:
        log.error("%s %s", error.message, error.why)
        return _failed(error)
    except Exception:
        log.exception("the daemon ends")
        return _failed(InternalError(f"pid {os.getpid()}"))
    else:
        home.ending.write_text(STOPPED)
        log.info("stopped")
        return 0
    finally:
        home.socket.unlink(missing_ok=True)
        started.listening.close()


def _failed(error: RwError) -> int:
    """Say why on stderr, as the API would; the launcher reads it."""
    sys.stderr.write(json.dumps({"schema": SCHEMA, "error": error.to_wire()}) + "\n")
    return error.exit_code


async def _compose(home: Home, *, clock: Clock, settings: Settings, info: DaemonInfo, stop: Callable[[], None]) -> Composition:
    from rw_daemon.app import compose  # lazy: the whole daemon hangs on it, and a second daemon should end before

    return await compose(home, clock=clock, settings=settings, info=info, stop=stop)


def main() -> int:
    """Run the daemon of the home that the environment names."""
    gc.disable()  # until everything is imported: 60 ms of 900 that a waiting command has to wait
    home = Home.of(os.environ, uid=os.geteuid())
    scrub()
    return_memory()
    priority.stand_behind()
    priority.be_brief()
    return run(home, compose=_compose)


if __name__ == "__main__":
    sys.exit(main())
