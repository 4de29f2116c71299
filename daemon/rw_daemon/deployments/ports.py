"""The stable loopback port of each web service: the same for every release, and on every machine where it is free."""

from __future__ import annotations

import hashlib
import socket

FIRST, COUNT = 20_000, 10_000  # below the range that kernels hand out by themselves (32768 on Linux, 49152 on macOS)


def free_port(scope: str, service: str, *, taken: set[int]) -> int:
    """Return a port that no service has and that nobody listens on, beginning with the one that the name hashes to."""
    start = int.from_bytes(hashlib.sha256(f"{scope}/{service}".encode()).digest()[:4], "big")
    for step in range(COUNT):
        port = FIRST + (start + step) % COUNT
        if port not in taken and _is_free(port):
            return port
    raise OSError("no loopback port is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
