"""How old a line is, by a clock that may be wrong: one that jumps ahead by a week must not cost every log at once.

Each look moves the moment that ages are counted to by a day at most. Looks are an hour apart, so that what a wrong clock calls too old is
still there for hours, in which the clock is mostly set right; after a machine was off for a week the limit catches up as slowly.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

A_LOOK_AT_MOST = timedelta(days=1)
FILE = ".looked"


def counted_to(folder: Path, now: datetime) -> datetime:
    """Return the moment that ages are counted to at this look, and note it in ``folder`` for the next one, also of another daemon."""
    found = now
    with suppress(OSError, ValueError):
        found = min(now, datetime.fromisoformat((folder / FILE).read_text()) + A_LOOK_AT_MOST)
    with suppress(OSError):  # no folder yet: there is nothing to be old; a full disk: the next look counts from the same moment
        (folder / FILE).write_text(found.isoformat())
    return found
