"""Free ports on the loopback address."""

from __future__ import annotations

import random
import socket
from collections.abc import Container
from pathlib import Path

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 15_000
SERVICES = range(30_000, 32_700)
"""Kept for the stable ports of services: no replica takes one while the edge is down."""
TRIES = 200


def free_port(*, taken: Container[int] = (), host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on now and that is not in ``taken``.

    It lies below the kernel's range for outgoing connections: under load the edge's own connections would else take it between this
    look and the app's ``bind``.
    """
    highest = min(outgoing_start(), SERVICES.start) - 1
    for _ in range(TRIES if highest > LOWEST + 1000 else 0):
        port = random.randint(LOWEST, highest)  # noqa: S311 - only to spread them
        if port not in taken and is_free(port, host=host):
            return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def outgoing_start() -> int:
    """Return the first port that the kernel gives to outgoing connections; 0 when it is not known."""
    try:
        return int(EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """Tell whether ``port`` can be bound, on ``host`` and on all addresses."""
    for address in (host, "0.0.0.0"):  # noqa: S104 - bound for an instant, never listening
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
