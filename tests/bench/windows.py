"""Parts of a run's time, and what was asked in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rw_cli.context.load import Sample


@dataclass(frozen=True, order=True)
class Window:
    """From ``begin`` until before ``end``, in seconds since 1970."""

    begin: float
    end: float

    @classmethod
    def of(cls, times: Iterable[str], *, more: float = 0) -> Window:
        """Return the one from the first to the last of some times, and ``more`` seconds."""
        found = [datetime.fromisoformat(one).timestamp() for one in times]
        return cls(min(found), max(found) + more)


def merged(windows: Iterable[Window]) -> list[Window]:
    """Return the same time in windows that do not overlap, in order."""
    found: list[Window] = []
    for one in sorted(windows):
        if found and one.begin <= found[-1].end:
            found[-1] = Window(found[-1].begin, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def within(samples: Iterable[Sample], windows: Iterable[Window]) -> list[Sample]:
    """Return the requests that were due in one of the windows."""
    parts = merged(windows)
    begins = [one.begin for one in parts]
    return [one for one in samples if (index := bisect_right(begins, one.due)) and one.due < parts[index - 1].end]


def switch(rows: Sequence[dict[str, Any]], *, more: float) -> Window:
    """Return when a command's events say that requests went over to another release, and ``more`` seconds."""
    return Window.of((row["at"] for row in rows if row.get("step") == "shift" or row.get("name") == "route.changed"), more=more)
