"""Starts the daemon in a session of its own, waits for its socket, and explains a failure."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rw_shared.errors import DaemonUnreachableError, NotAllowedError, RwError
from rw_shared.paths import STOPPED, Home, client_environment

START_SECONDS = 20.0
POLL_SECONDS = 0.008
STOP_SECONDS = 10.0
KEPT_BYTES = 4000


def daemon_args() -> list[str]:
    """Return the command that is the daemon; -P keeps the current folder's modules out."""
    return [sys.executable, "-P", "-m", "rw_daemon"]


def home_of(environ: Mapping[str, str]) -> Home:
    """Return the home that ``environ`` names; where none is named and the usual place cannot be written, the spare one."""
    home = Home.of(environ, uid=os.geteuid())
    there = next((folder for folder in (home.root, *home.root.parents) if folder.exists()), home.root)
    if environ.get("RW_HOME") or os.access(there, os.W_OK):
        return home
    return Home.spare(environ, uid=os.geteuid())


def answers(home: Home) -> bool:
    """Return whether somebody listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(START_SECONDS)  # one that hangs takes no more connections after a while
        try:
            probe.connect(str(home.socket))
        except OSError:
            return False
        return True


def is_locked(home: Home) -> bool:
    """Return whether a daemon holds the home: from before it listens until it has let go of everything."""
    try:
        with home.lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder(home: Home) -> int:
    """Return the pid of the daemon that holds the home, 0 when none does."""
    with suppress(OSError, ValueError):
        return int(home.lock.read_text()) if is_locked(home) else 0
    return 0


def wait_for_end(home: Home, pid: int) -> bool:
    """Return whether the daemon ``pid`` lets go of everything within 10 s: of its files, not only of its socket; another may follow it."""
    deadline = time.monotonic() + STOP_SECONDS
    while (is_there := holder(home) == pid) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return not is_there


def revive(home: Home) -> bool:
    """Start a daemon that died, as ``ensure`` does; return whether there is one. One that somebody stopped stays so.

    That is for those who only look on: `rw daemon stop` would have no effect while a log is followed elsewhere.
    """
    if answers(home) or is_locked(home):
        return True  # it serves, or it starts or ends: the next look tells
    with suppress(FileNotFoundError):
        if home.ending.read_text().strip() == STOPPED:
            return False
    ensure(home)
    return True


def silent(home: Home, *, seconds: float) -> DaemonUnreachableError:
    """Return the error of a daemon that holds its socket and says nothing: stopped by a signal, or stuck."""
    pid = holder(home)
    return DaemonUnreachableError(
        why=f"It runs, as process {pid}, and said nothing for {seconds:.0f} s: somebody stopped it (Ctrl-Z, SIGSTOP), or it hangs.",
        hint=f"`kill -CONT {pid}` lets it go on; `kill -9 {pid}` ends it, services run on, and the next command starts another",
        log=str(home.daemon_log),
    )


def _speaks(home: Home) -> bool:
    """Return whether the daemon answers a request: it listens before it knows whether it can start."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(START_SECONDS)
        try:
            probe.connect(str(home.socket))
            probe.sendall(b"GET /v1/daemon HTTP/1.1\r\nHost: rw\r\nConnection: close\r\n\r\n")
            return probe.recv(16).startswith(b"HTTP/")
        except OSError:
            return False


def ensure(home: Home) -> None:
    """Return once a daemon of ``home`` listens, started here if need be. Raises the daemon's own error when it cannot start."""
    if answers(home):
        return
    _private(home.runtime.parent)
    _private(home.root)
    _private(home.runtime)
    output = home.root / "daemon.start"
    with output.open("wb") as file:
        child = subprocess.Popen(
            daemon_args(), stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=home.root, env=_environment(home), start_new_session=True
        )
    _wait(home, child, output)


def _wait(home: Home, child: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _speaks(home):
        if child.poll() not in (None, 0):  # 0: another one already serves, or is about to
            raise _explained(home, output)
        if time.monotonic() > deadline:
            raise DaemonUnreachableError(why=f"It did not answer within {START_SECONDS:.0f} s.", log=str(home.daemon_log))
        time.sleep(POLL_SECONDS)
    child.returncode = child.returncode or 0  # it lives on by itself: no warning about a child left behind


def _environment(home: Home) -> dict[str, str]:
    return {**client_environment(os.environ), "RW_HOME": str(home.root)}


def _private(folder: Path) -> None:
    """Make a folder for this user alone. ``NotAllowedError`` when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
        raise NotAllowedError
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _explained(home: Home, output: Path) -> RwError:
    text = output.read_bytes()[-KEPT_BYTES:].decode(errors="replace").strip()
    for line in reversed(text.splitlines()):
        try:
            wire = json.loads(line)
        except ValueError:
            continue
        if isinstance(wire, dict) and isinstance(wire.get("error"), dict):
            return RwError.from_wire(wire["error"])
    last = " ".join(text.splitlines()[-3:])
    return DaemonUnreachableError(why=f"It ended while starting: {last or 'it said nothing'}", log=str(home.daemon_log))
