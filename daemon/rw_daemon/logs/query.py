"""Which lines a reader wants. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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

    def takes(self, row: dict[str, Any]) -> bool:
        """Return whether a kept line, as its JSON object, is wanted."""
        return (
            row["project"] == self.project
            and row["environment"] == self.environment
            and (not self.services or row["service"] in self.services)
            and (not self.deployment or row["deployment"] == self.deployment)
            and (self.source is None or row["source"] == self.source)
        )
