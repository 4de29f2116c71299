"""Is a new release as good as the old one? Pure: figures of both from the same window in, a verdict out.

A bare limit on errors gives 9 to 89 false alarms in 200 rollouts of identical releases. An exact test against the old release, on two
windows running that are each odd and together beyond chance, gives less than one in a thousand, and finds 5 % of errors among 150 requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma

from rw_daemon.deployments.counts import Count
from rw_daemon.deployments.judgements import Judgement, Verdict
from rw_daemon.deployments.metrics import Metrics
from rw_daemon.edge.edge import Traffic

FEW_REQUESTS = 20
"""Below, nothing is said about errors or latency."""
BROKEN_REQUESTS, BROKEN_SHARE = 10, 0.5
"""From so many requests on, so many failed ones are bad at once."""
ODD, SURE, SURE_OFTEN = 0.05, 0.0001, 0.000001
"""An exact test's p: one window below the first is suspicious, two running that are together below the second are no chance; a watch asks
so often, and always against the same figures, that it needs the third."""
ENOUGH_FOR_P95 = 100
SLOWER = 1.5


@dataclass(frozen=True)
class Limits:
    """What is tolerated whatever the old release did."""

    error_rate: float
    latency_seconds: float


class Judge:
    """Judges one step of a rollout, or a watch, window by window; it remembers only the window before."""

    def __init__(self, limits: Limits, *, fixed: Traffic | None = None) -> None:
        """:param fixed: the old release's figures, where they are the same in every window: they must not count twice for two of them."""
        self._limits, self._is_fixed = limits, fixed is not None
        self.count = Count(fixed=fixed)
        """What is judged: a window that had too few requests goes on counting from where it began."""
        self.metrics = Metrics()
        """Those of the app's own."""
        self._before: tuple[Traffic, Traffic] | None = None
        """The window before, where more failed in it than should."""
        self._was_slow = False

    def window(self, new: Traffic, old: Traffic) -> Judgement:
        """Return the verdict on what both releases did in the same window; the next one begins anew where this one had enough requests."""
        words = words_of(new, old)
        if is_broken(new):
            return Judgement(Verdict.BAD, words)
        if new.requests < FEW_REQUESTS:
            return Judgement(Verdict.NO_DATA, words, few=(new, old))
        self.count.begin()
        before, self._before = self._before, None
        was_slow, self._was_slow = self._was_slow, False
        if is_failing := new.rate > max(self._limits.error_rate, old.rate) and _chance(new, old) < ODD:
            self._before = new, old
        self._was_slow = self._is_slow(new, old)
        is_proven = is_failing and before is not None and self._is_no_chance(new + before[0], old, before[1])
        if is_proven or (was_slow and self._was_slow):
            return Judgement(Verdict.BAD, words)
        return Judgement(Verdict.SUSPICIOUS if is_failing or self._was_slow else Verdict.GOOD, words)

    def _is_no_chance(self, new: Traffic, old: Traffic, old_before: Traffic) -> bool:
        return _chance(new, old) < SURE_OFTEN if self._is_fixed else _chance(new, old + old_before) < SURE

    def _is_slow(self, new: Traffic, old: Traffic) -> bool:
        quantile = _quantile(new, old)
        latency = new.quantile_ms(quantile)
        return latency > self._limits.latency_seconds * 1000 and latency > SLOWER * old.quantile_ms(quantile)


def is_broken(new: Traffic) -> bool:
    """Return whether so much fails that nobody needs to look twice, nor to wait for the window's end."""
    return new.requests >= BROKEN_REQUESTS and new.failed >= BROKEN_SHARE * new.requests


def is_doubtful(new: Traffic, old: Traffic) -> bool:
    """Return whether half of the few requests failed, and less of the old release's: no proof, and no release to give more to."""
    return new.failed >= BROKEN_SHARE * max(new.requests, 1) and new.rate > old.rate


def _chance(new: Traffic, old: Traffic) -> float:
    return chance_of(new.failed, new.requests, old.failed, old.requests)


def chance_of(failed: int, requests: int, other_failed: int, other_requests: int) -> float:
    """Return how probable it is that a release no worse than the other fails so often or more (Fisher's exact test, one-sided)."""
    failures, everything = failed + other_failed, requests + other_requests
    whole = _log_choose(everything, failures)
    most = min(failures, requests)
    logs = (_log_choose(requests, one) + _log_choose(other_requests, failures - one) - whole for one in range(failed, most + 1))
    return min(1.0, sum(exp(one) for one in logs))


def _log_choose(count: int, chosen: int) -> float:
    if not 0 <= chosen <= count:
        return float("-inf")
    return lgamma(count + 1) - lgamma(chosen + 1) - lgamma(count - chosen + 1)


def _quantile(new: Traffic, old: Traffic) -> float:
    return 0.95 if min(new.requests, old.requests or new.requests) >= ENOUGH_FOR_P95 else 0.5


def words_of(new: Traffic, old: Traffic) -> str:
    """Return the numbers of a window in words."""
    quantile = _quantile(new, old)

    def of(one: Traffic) -> str:
        timed = f", p{quantile * 100:.0f} {one.quantile_ms(quantile):.0f} ms" if one.latency_ms else ""
        return f"{one.failed} of {one.requests} failed{timed}"

    return f"{of(new)}; the old release: {of(old)}"
