"""What two releases did since a window began, from the edge's counters. Pure, and it outlives a window that is lengthened."""

from __future__ import annotations

from rw_daemon.edge.edge import Traffic

Pair = tuple[Traffic, Traffic]
"""Of the new release, and of the old one."""


class Count:
    """Counts both releases on from one moment. What was seen stays when the edge cannot be read for a while, or begins anew."""

    def __init__(self, *, fixed: Traffic | None = None) -> None:
        """:param fixed: what the old release did before, where it has no requests any more: it stands in every window as it is."""
        self._fixed = fixed
        self.begin()

    def begin(self) -> None:
        """Forget what was seen: the next window is another one."""
        self._before: Pair | None = None
        self._kept: Pair = (Traffic(), Traffic())
        self.seen: Pair | None = None
        """What came since; ``None`` when nobody knows."""

    def read(self, now: Pair | None) -> None:
        """Take the edge's counters as they are now; ``None`` when they cannot be read. The first ones are the beginning."""
        grown = _between(self._before, now)
        if grown is None:
            self._kept, self._before, self.seen = self.seen or self._kept, now, None
        else:
            new, old = grown[0] + self._kept[0], grown[1] + self._kept[1]
            self.seen = new, old if self._fixed is None else self._fixed


def _between(before: Pair | None, now: Pair | None) -> Pair | None:
    """Return what came in between; ``None`` when the proxy could not be read, or began to count anew."""
    if before is None or now is None:
        return None
    try:
        return now[0].since(before[0]), now[1].since(before[1])
    except ValueError:
        return None
