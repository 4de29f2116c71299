"""What a reader of lines asks for. It moves to the logs room with that room's first version: see rooms.py."""

from __future__ import annotations

from dataclasses import dataclass

from rw_shared.models import LogSource


@dataclass(frozen=True)
class LogQuery:
    """Which lines, and where to begin.

    :param services: names; empty means all of the environment.
    :param deployment: whole id; empty means across deployments.
    :param source: ``None`` means both.
    :param n: the last so many; with ``after`` the first so many after it; ``None`` means no limit.
    :param after: the cursor of the last line that the reader has.
    """

    project: str
    environment: str
    services: tuple[str, ...] = ()
    deployment: str = ""
    source: LogSource | None = None
    n: int | None = None
    after: int | None = None
