"""Who calls. The kernel says who is at the other end of a unix socket; every call has a ``Principal``, from the first day."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from rw_shared.errors import NotAllowedError

_LOCAL_PEERCRED = 1  # <sys/un.h> on macOS: option of SOL_LOCAL (0); answers struct xucred {version, uid, …}


@dataclass(frozen=True)
class Principal:
    """Who an order comes from: ``name`` stands in the events as their actor."""

    uid: int
    name: str


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end, as it was when that process connected. Source: unix(7), SO_PEERCRED."""
    if hasattr(socket, "SO_PEERCRED"):
        _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(uid)
    _version, uid = struct.unpack("=II", connection.getsockopt(0, _LOCAL_PEERCRED, 76)[:8])
    return int(uid)


def check_peer(connection: socket.socket, *, owner: int) -> None:
    """Refuse everybody but the owner, root included: ``NotAllowedError``. To be called when a connection is made."""
    if peer_uid(connection) != owner:
        raise NotAllowedError


def _principal() -> Principal:
    # the one door so far is the unix socket, and who is not the daemon's own user does not come through it (check_peer)
    uid = os.geteuid()
    try:
        return Principal(uid, pwd.getpwuid(uid).pw_name)
    except KeyError:  # a container's user without an entry
        return Principal(uid, f"uid {uid}")


Caller = Annotated[Principal, Depends(_principal)]
"""A handler's parameter that receives the principal."""
