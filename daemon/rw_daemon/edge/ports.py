"""The shared port: the first choice or the next free one, remembered, so that a URL stays what it was."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from rw_daemon.processes.loopback import is_free
from rw_shared.errors import EdgeFailedError

log = logging.getLogger(__name__)
PORTS_TRIED = 200


def remembered(folder: Path) -> int:
    """Return the port that was chosen before; 0 for none."""
    with suppress(OSError, ValueError):
        return int((folder / "port").read_text())
    return 0


def choose(folder: Path, *, preferred: int, without: frozenset[int] = frozenset()) -> int:
    """Return the remembered port, else the preferred one, else the next free one; remember it.

    :param without: ports that were taken between the look and the use.
    :raises EdgeFailedError: a long row of ports is taken.
    """
    before = remembered(folder)
    last = min(preferred + PORTS_TRIED, 65_536)
    port: int
    for port in (before or preferred, *range(preferred, last)):
        if port not in without and is_free(port):
            if before and port != before:
                log.warning("port %d of the edge is held by another program now: all URLs move to port %d", before, port)
            (folder / "port").write_text(str(port))
            return port
    raise EdgeFailedError(f"none of the ports {preferred} to {last - 1} is free", log="`ss -ltn`")
