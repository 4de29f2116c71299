"""Is a release slower than another? Pure, and exact as for errors: answers above a bound are counted, and a noisy quantile never decides.

The bound lies well above what the old release takes, so that identical releases stay below it; how many of the new one's answers lie above
it, and how many of the old one's, is then a table like that of failed requests.
"""

from __future__ import annotations

from rw_daemon.deployments.chances import chance_of
from rw_daemon.edge.edge import Traffic

ENOUGH_FOR_P95 = 100
SLOWER = 1.5
"""Times the old release's: what counts above the limit."""
MUCH_SLOWER, FELT_MS = 3.0, 50.0
"""What counts below the limit as well: so many times the old release's, and so much more. A fresh process is some milliseconds slower for
its first seconds, which can be many times what a fast service takes; nobody waits for less than the second."""


def quantiles(new: Traffic, old: Traffic) -> tuple[float, ...]:
    """Return what is compared: the median, and what 95 % stay below where there are enough answers to say so."""
    return (0.5, 0.95) if min(new.requests, old.requests or new.requests) >= ENOUGH_FOR_P95 else (0.5,)


def chance_of_slowness(new: Traffic, old: Traffic, *, limit_ms: float, is_same_time: bool) -> float:
    """Return how probable it is that a release as fast as the old one is so slow; 1 where none of its quantiles is above its bound.

    :param is_same_time: both had the same minutes; else the load, or what both wait for, may have changed, and only the limit counts.
    """
    return min(_chance(new, old, one, limit_ms=limit_ms, is_same_time=is_same_time) for one in quantiles(new, old))


def _chance(new: Traffic, old: Traffic, quantile: float, *, limit_ms: float, is_same_time: bool) -> float:
    usual = old.quantile_ms(quantile)
    bound = _bound_ms(usual, limit_ms=limit_ms, is_same_time=is_same_time)
    if new.quantile_ms(quantile) <= bound:
        return 1.0
    return chance_of(*new.slower_than(bound), *old.slower_than(bound)) if usual else 0.0  # nothing to compare with: the limit decides


def _bound_ms(usual: float, *, limit_ms: float, is_same_time: bool) -> float:
    slow = max(limit_ms, SLOWER * usual)
    return min(slow, max(MUCH_SLOWER * usual, usual + FELT_MS)) if usual and is_same_time else slow
