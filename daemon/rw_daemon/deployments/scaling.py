"""How many replicas should a release have? Pure: its load over a while in, a number out.

Load is counted in replicas: 2.4 means that 2.4 replicas would be exactly at their target. More are started as soon as the whole window is
a tenth above what runs, at once when a short one is at twice that; fewer only when the window's highest load would leave them a tenth free.
Between the two lies the band in which nothing happens, so that a constant load never sets off a change and its opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

BAND = 1.1
"""A tenth above the target is no reason for more replicas; fewer must have as much to spare."""
PANIC = 2.0
"""From this many times its target on, a release does not wait for the end of the window."""


@dataclass(frozen=True)
class Load:
    """What a release had to do at a moment: ``at`` in seconds of a clock that never jumps, ``replicas`` as the module says."""

    at: float
    replicas: float


@dataclass(frozen=True)
class Bounds:
    """What a service allows, and over how many seconds its load is looked at."""

    least: int
    most: int
    window_seconds: float = 60.0
    panic_seconds: float = 6.0

    def within(self, replicas: int) -> int:
        """Return the nearest number that is allowed."""
        return max(self.least, min(replicas, self.most))


def wanted(loads: Sequence[Load], *, running: int, bounds: Bounds) -> int:
    """Return how many replicas should run.

    :param loads: since the last change of their number, oldest first.
    """
    if not bounds.least <= running <= bounds.most:
        return bounds.within(running)
    panic = _last(loads, bounds.panic_seconds)
    if panic and _mean(panic) >= PANIC * running:
        return bounds.within(ceil(_mean(panic)))
    window = _last(loads, bounds.window_seconds)
    if not window:
        return running
    if _mean(window) > BAND * running:
        return bounds.within(ceil(_mean(window)))
    fewer = max(ceil(BAND * max(one.replicas for one in window)), ceil(running / 2))
    return bounds.within(min(fewer, running))


def _last(loads: Sequence[Load], seconds: float) -> Sequence[Load]:
    """Return the loads of the last ``seconds``; none while it has not been watched for so long."""
    if not loads or loads[-1].at - loads[0].at < seconds:
        return ()
    return [one for one in loads if one.at >= loads[-1].at - seconds]


def _mean(loads: Sequence[Load]) -> float:
    return sum(one.replicas for one in loads) / len(loads)
