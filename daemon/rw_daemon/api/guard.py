"""What keeps one daemon to one home: private folders, the lock, the socket, and how the one before ended."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import time
from pathlib import Path

from rw_shared.errors import NotAllowedError
from rw_shared.paths import STOPPED, Home

BACKLOG = 128
ENDING_SECONDS = 3.0  # an orderly end takes two at most
LOOK_SECONDS = 0.02


class LockTakenError(Exception):
    """Another daemon serves this home.

    :param pid: the holder's; 0 when it has not written it yet.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(f"a daemon with pid {pid} serves this home")
        self.pid = pid


def private_folder(path: Path) -> None:
    """Make a folder that only its owner enters. ``NotAllowedError`` when somebody else owns it or it is a link."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NotAllowedError
    if found.st_mode & 0o077:
        path.chmod(0o700)


def lock(home: Home) -> int:
    """Take the home's lock and write our pid into it; returns the descriptor that holds it until the process ends.

    :raises LockTakenError: a daemon lives. The kernel lets go of the lock of one that was killed.
    """
    held = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(held, 32).decode(errors="replace").strip()
        os.close(held)
        raise LockTakenError(int(pid) if pid.isdigit() else 0) from None
    os.ftruncate(held, 0)
    os.pwrite(held, f"{os.getpid()}\n".encode(), 0)
    return held


def wait_for_lock(home: Home) -> int:
    """Take the lock, also when its holder is just ending: one that lives has a socket, one that ends has removed it.

    :raises LockTakenError: a daemon lives, or its holder neither opened a socket nor ended within three seconds.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while True:
        try:
            return lock(home)
        except LockTakenError:
            if home.socket.exists() or time.monotonic() > deadline:
                raise
        time.sleep(LOOK_SECONDS)


def bind(path: Path) -> socket.socket:
    """Return a listening unix socket that only the owner may connect to (0600 from its first moment).

    From here on a client's connect succeeds and waits, so that nobody has to poll while the rest is imported.
    :raises LockTakenError: somebody answers on the path. A socket that nobody answers on is left over from a kill and replaced.
    """
    if path.exists():
        if _answers(path):
            raise LockTakenError(0)
        path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    listening.listen(BACKLOG)
    listening.settimeout(0)
    return listening


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # full, slow: somebody is there
        return True


def previous_end(home: Home) -> str:
    """Return ``stopped`` or ``killed``; empty for a home's first daemon."""
    try:
        said = home.ending.read_text().strip()
    except FileNotFoundError:
        return ""
    return STOPPED if said == STOPPED else "killed"
