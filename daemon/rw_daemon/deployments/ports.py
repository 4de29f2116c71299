"""The stable loopback port of each web service: the same for every release, and on every machine where it is free."""

from __future__ import annotations

import hashlib

from rw_daemon.processes.loopback import SERVICES, is_free


def free_port(scope: str, service: str, *, taken: set[int]) -> int:
    """Return a port that no service has and that nobody listens on, beginning with the one that the name hashes to.

    ``OSError`` when all are taken.
    """
    start = int.from_bytes(hashlib.sha256(f"{scope}/{service}".encode()).digest()[:4], "big")
    for step in range(len(SERVICES)):
        port = SERVICES[(start + step) % len(SERVICES)]
        if port not in taken and is_free(port):
            return port
    raise OSError("no loopback port is free")
