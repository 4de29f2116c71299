"""Which lines a reader wants. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from rw_daemon.logs.expressions import Wanted, parse
from rw_shared.models import LogSource

STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How kept lines tell the time."""
SLACK = timedelta(minutes=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LEVELS = {"debug": 0, "info": 1, "warn": 2, "error": 3}


@dataclass(frozen=True)
class LogQuery:
    """Which lines, and where to begin.

    :param services: names; empty means all of the environment.
    :param deployments: whole ids; empty means across deployments.
    :param source: ``None`` means what builds and apps print, not what was requested.
    :param n: the last so many; with ``after`` the first so many after it; ``None`` means no limit.
    :param after: the cursor of the last line that the reader has.
    :param level: ``debug``, ``info``, ``warn`` or ``error``: the least that is wanted; a line that names none counts as ``info``.
    :param since: and ``until``: moments in UTC as lines keep them (``2026-01-02T03:04:05.678901Z``); the second is not included.
    :param expression: what ``expressions.parse`` takes.
    """

    project: str
    environment: str
    services: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    source: LogSource | None = None
    n: int | None = None
    after: int | None = None
    level: str = ""
    since: str = ""
    until: str = ""
    expression: str = ""

    @cached_property
    def _fits(self) -> Wanted:
        return parse(self.expression)

    @cached_property
    def _long_before(self) -> str:
        since = datetime.strptime(self.since, STAMP).replace(tzinfo=UTC)
        return (since - SLACK if since - EARLIEST > SLACK else since).strftime(STAMP).rjust(27, "0")

    def is_past(self, row: dict[str, Any]) -> bool:
        """Return whether a reader who goes backwards may stop here: replicas' lines may be a little out of order."""
        return bool(self.since) and row["ts"] < self._long_before

    def takes(self, row: dict[str, Any]) -> bool:
        """Return whether a kept line, as its JSON object, is wanted."""
        return (
            row["project"] == self.project
            and row["environment"] == self.environment
            and (not self.services or row["service"] in self.services)
            and (not self.deployments or row["deployment"] in self.deployments)
            and (row["source"] == self.source if self.source else row["source"] != LogSource.HTTP)
            and (not self.level or LEVELS[row["level"] or "info"] >= LEVELS[self.level])
            and (not self.since or row["ts"] >= self.since)
            and (not self.until or row["ts"] < self.until)
            and (not self.expression or self._fits(row))
        )
