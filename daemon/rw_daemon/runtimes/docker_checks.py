"""What an engine says of itself, as conditions with what to type. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rw_daemon.runtimes.docker_frames import parse_stamp
from rw_shared.models import Check

SKEW_SECONDS = 5.0
"""An engine in a virtual machine loses time while the machine sleeps."""
LEAST_FREE_BYTES = 2 * 1000**3
"""Below, the next build or two fill the disk."""


def engine_checks(info: Mapping[str, Any], *, words: str, is_bridged: bool, now: datetime, free_bytes: int | None) -> list[Check]:
    """Return how an engine stands.

    :param info: the answer of ``GET /info``. :param words: version and API.
    :param free_bytes: of the disk that images lie on; ``None`` where it is not to be seen.
    """
    how = "containers reached by their own address" if is_bridged else "containers reached by published ports"
    checks = [Check(id="engine", status="ok", detail=f"{words}; {how}")]
    if stamp := info.get("SystemTime"):
        skew = abs((parse_stamp(_utc(str(stamp)))[0] - now).total_seconds())
        if skew > SKEW_SECONDS:
            detail = f"its clock is {skew:.0f} s off: times of log lines are wrong, certificates may be refused"
            checks.append(Check(id="engine-clock", status="warn", detail=detail, fix="Restart the engine's machine, or set its clock."))
    if free_bytes is not None:
        is_low = free_bytes < LEAST_FREE_BYTES
        detail = f"{free_bytes / 1e9:.1f} GB free for images at {info['DockerRootDir']}"
        checks.append(
            Check(id="engine-disk", status="warn" if is_low else "ok", detail=detail, fix="docker system prune" if is_low else "")
        )
    return checks


def _utc(stamp: str) -> str:
    """Return a stamp in UTC with a Z; the engine gives its own zone."""
    moment = datetime.fromisoformat(stamp)
    offset = moment.utcoffset()
    return (moment - offset if offset else moment).replace(tzinfo=None).isoformat() + "Z"
