"""Is a new release as good as the old one? Pure: figures of both from the same window in, a verdict out.

A bare limit on errors gives 9 to 89 false alarms in 200 rollouts of identical releases, one on a quantile of slow answers 30 in 300
watches. An exact test against the old release, on two windows running that are each odd and together beyond chance, gives less than
one in a thousand, and finds 5 % of errors among 150 requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rw_daemon.deployments.chances import chance_of
from rw_daemon.deployments.counts import Count
from rw_daemon.deployments.judgements import Judgement, Verdict, worst
from rw_daemon.deployments.metrics import Metrics
from rw_daemon.deployments.slowness import chance_of_slowness, quantiles
from rw_daemon.edge.edge import Traffic

FEW_REQUESTS = 20
"""Below, nothing is said about errors or latency."""
BROKEN_REQUESTS, BROKEN_SHARE = 10, 0.5
"""From so many requests on, so many failed ones are bad at once."""
ODD, SURE, SURE_OFTEN = 0.05, 0.0001, 0.000001
"""An exact test's p: one window below the first is suspicious, two running that are together below the second are no chance; a watch asks
so often, and always against the same figures, that it needs the third."""


@dataclass(frozen=True)
class Limits:
    """What is tolerated whatever the old release did."""

    error_rate: float
    latency_seconds: float


class Sign:
    """One thing that a release may do worse; it remembers only the window before, where that was odd."""

    def __init__(self, chance: Callable[[Traffic, Traffic], float], *, is_fixed: bool) -> None:
        """:param chance: how probable what the new release did is, were it as good as the old one. :param is_fixed: see ``Judge``."""
        self._chance, self._is_fixed = chance, is_fixed
        self._before: tuple[Traffic, Traffic] | None = None

    def window(self, new: Traffic, old: Traffic) -> Verdict:
        """Return what the window says, beside the one before it."""
        before, self._before = self._before, None
        if self._chance(new, old) >= ODD:
            return Verdict.GOOD
        self._before = new, old
        return Verdict.BAD if before is not None and self._is_no_chance(new + before[0], old, before[1]) else Verdict.SUSPICIOUS

    def _is_no_chance(self, new: Traffic, old: Traffic, old_before: Traffic) -> bool:
        return self._chance(new, old) < SURE_OFTEN if self._is_fixed else self._chance(new, old + old_before) < SURE


class Judge:
    """Judges one step of a rollout, or a watch, window by window."""

    def __init__(self, limits: Limits, *, fixed: Traffic | None = None) -> None:
        """:param fixed: the old release's figures, where they are the same in every window: they must not count twice for two of them."""
        self._limits, self._is_fixed = limits, fixed is not None
        self.count = Count(fixed=fixed)
        """What is judged: a window that had too few requests goes on counting from where it began."""
        self.metrics = Metrics()
        """Those of the app's own."""
        self._signs = [Sign(one, is_fixed=self._is_fixed) for one in (self._chance_of_failures, self._chance_of_slowness)]

    def window(self, new: Traffic, old: Traffic) -> Judgement:
        """Return the verdict on what both releases did in the same window; the next one begins anew where this one had enough requests."""
        words = words_of(new, old)
        if is_broken(new):
            return Judgement(Verdict.BAD, words)
        if new.requests < FEW_REQUESTS:
            return Judgement(Verdict.NO_DATA, words, few=(new, old))
        self.count.begin()
        return Judgement(worst(*[sign.window(new, old) for sign in self._signs]), words)

    def _chance_of_failures(self, new: Traffic, old: Traffic) -> float:
        if new.rate <= max(self._limits.error_rate, old.rate):
            return 1.0
        return chance_of(new.failed, new.requests, old.failed, old.requests)

    def _chance_of_slowness(self, new: Traffic, old: Traffic) -> float:
        return chance_of_slowness(new, old, limit_ms=self._limits.latency_seconds * 1000, is_same_time=not self._is_fixed)


def is_broken(new: Traffic) -> bool:
    """Return whether so much fails that nobody needs to look twice, nor to wait for the window's end."""
    return new.requests >= BROKEN_REQUESTS and new.failed >= BROKEN_SHARE * new.requests


def is_doubtful(new: Traffic, old: Traffic) -> bool:
    """Return whether half of the few requests failed, and less of the old release's: no proof, and no release to give more to."""
    return new.failed >= BROKEN_SHARE * max(new.requests, 1) and new.rate > old.rate


def words_of(new: Traffic, old: Traffic) -> str:
    """Return the numbers of a window in words."""
    shown = quantiles(new, old)

    def of(one: Traffic) -> str:
        timed = "".join(f", p{quantile * 100:.0f} {one.quantile_ms(quantile):.0f} ms" for quantile in shown) if one.latency_ms else ""
        return f"{one.failed} of {one.requests} failed{timed}"

    return f"{of(new)}; the old release: {of(old)}"
