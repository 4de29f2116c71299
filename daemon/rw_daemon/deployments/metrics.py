"""Is a metric of the app's own within its bounds? Pure: what was read of both releases in, a verdict out.

Nothing to read is *no data*, neither good nor bad; what cannot be read is *could not measure*, and counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from statistics import fmean

from rw_daemon.deployments.judgements import Judgement, Verdict, worst
from rw_shared.config import MetricConfig, Reading
from rw_shared.events import MetricJudged

UNITS = {Reading.VALUE: "", Reading.RATE: " a second", Reading.PER_REQUEST: " a request"}
COULD_NOT_TELL = {75, 126, 127}
"""Exit codes of a command that say nothing about the release: try again later (sysexits.h), not executable, not found."""


@dataclass(frozen=True)
class Figure:
    """What came of measuring a metric of one release; ``verdict`` says which of the four it was.

    :param value: where there was one. :param words: where there was none, or more is to be said.
    """

    verdict: Verdict
    value: float | None = None
    words: str = ""


@dataclass(frozen=True)
class Measured:
    """A metric of the new release in one window; of the old one as well, where it is compared with that."""

    metric: MetricConfig
    new: Figure
    old: Figure | None = None


@dataclass(frozen=True)
class Scrape:
    """What the replicas of a release gave at one moment.

    :param values: by replica and metric's name; one that is not there has no such series.
    :param troubles: why a metric, by name, could not be read from one of them.
    """

    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)


class Metrics:
    """Judges one release's own metrics, window by window; it remembers which were out of their bounds the last time."""

    def __init__(self) -> None:
        self._out: set[str] = set()

    def judge(self, traffic: Judgement, found: Sequence[Measured]) -> Judgement:
        """Return the verdict on a window as a whole: the worst of what the edge saw and of each metric.

        A metric is bad when it is out of its bounds in two windows running; those that could not be measured do not count.
        """
        judged = tuple(self._judged(one) for one in found)
        verdict = worst(traffic.verdict, *(Verdict(one.verdict) for one in judged))
        return Judgement(verdict, "; ".join([traffic.words, *(one.words for one in judged)]), judged, traffic.few)

    def _judged(self, found: Measured) -> MetricJudged:
        name, verdict = found.metric.name, verdict_of(found)
        if verdict is Verdict.SUSPICIOUS and name in self._out:
            verdict = Verdict.BAD
        elif verdict is Verdict.SUSPICIOUS:
            self._out.add(name)
        elif verdict is Verdict.GOOD:
            self._out.discard(name)
        old = found.old.value if found.old else None
        return MetricJudged(name=name, verdict=verdict, value=_finite(found.new.value), old=_finite(old), words=words_of(found, verdict))


def verdict_of(found: Measured) -> Verdict:
    """Return what one window says: suspicious where the metric is out of its bounds."""
    metric, new, old = found.metric, found.new, found.old
    if new.value is None or not metric.is_bounded:
        return new.verdict
    if metric.is_relative and (old is None or old.value is None):
        return old.verdict if old and old.verdict is Verdict.UNKNOWN else Verdict.NO_DATA
    return Verdict.SUSPICIOUS if is_out(metric, new.value, old.value if old else None) else Verdict.GOOD


def is_out(metric: MetricConfig, value: float, old: float | None) -> bool:
    """Return whether a value lies below the least, or above all that it may be.

    Above ``max`` alone is no reason where ``max_ratio`` is said as well: both releases may share a trouble. Without an old value ``max``
    decides.
    """
    most = [] if metric.max is None else [metric.max]
    most += [] if metric.max_ratio is None or old is None else [metric.max_ratio * old]
    return (metric.min is not None and value < metric.min) or (bool(most) and all(value > bound for bound in most))


def figure_of(metric: MetricConfig, before: Scrape, after: Scrape, *, seconds: float, requests: int | None) -> Figure:
    """Return what two scrapes, at a window's beginning and its end, say of a metric.

    :param requests: what the edge sent to the release meanwhile; ``None`` when nobody knows.
    """
    is_counter = metric.read is not Reading.VALUE
    if why := after.troubles.get(metric.name) or (is_counter and before.troubles.get(metric.name)):
        return Figure(Verdict.UNKNOWN, words=why)
    if metric.read is Reading.PER_REQUEST and requests is None:
        return Figure(Verdict.UNKNOWN, words="the edge gave no figures")
    values = {replica: own[metric.name] for replica, own in after.values.items() if metric.name in own}
    if not values:
        return Figure(Verdict.NO_DATA, words="no such series")
    if not is_counter:
        return _figure(fmean(values.values()))
    by = seconds if metric.read is Reading.RATE else requests
    if not by:
        return Figure(Verdict.NO_DATA, words="no requests")
    return _figure(sum(_grown(value, before.values.get(replica, {}).get(metric.name, 0.0)) for replica, value in values.items()) / by)


def _figure(value: float) -> Figure:
    return Figure(Verdict.NO_DATA, words="not a number") if isnan(value) else Figure(Verdict.GOOD, value)


def _grown(now: float, before: float) -> float:
    """Return how much a counter grew: one that is smaller than before began anew, with its replica; a series that is new began at 0."""
    return now - before if now >= before else now


def outcome_of(metric: MetricConfig, code: int | None, lines: Sequence[str]) -> Figure:
    """Return what a command says that ended: by its exit code, and where there are bounds by its last line."""
    if code is None:
        return Figure(Verdict.UNKNOWN, words="nobody knows how it ended")
    if code in COULD_NOT_TELL:
        return Figure(Verdict.UNKNOWN, words=f"exit code {code}")
    if code != 0:
        return Figure(Verdict.SUSPICIOUS, words=f"exit code {code}")
    if not metric.is_bounded:
        return Figure(Verdict.GOOD, words="exit code 0")
    said = [line.strip() for line in lines if line.strip()]
    if not said:
        return Figure(Verdict.NO_DATA, words="it printed nothing")
    try:
        return _figure(float(said[-1]))
    except ValueError:
        return Figure(Verdict.UNKNOWN, words="its last line is no number")


def words_of(found: Measured, verdict: Verdict) -> str:
    """Return a metric's numbers in words."""
    metric, new, old = found.metric, found.new, found.old
    if new.value is None:
        return f"{metric.name}: {verdict} ({new.words})" if new.verdict is not Verdict.GOOD else f"{metric.name}: {new.words}"
    bounds: tuple[tuple[str, float | None], ...] = (("at least", metric.min), ("at most", metric.max))
    limits = [f"{words} {bound:g}" for words, bound in bounds if bound is not None]
    if metric.max_ratio is not None and old is not None:
        limits.append(f"at most {metric.max_ratio:g} times the old release's {_shown(old)}")
    return f"{metric.name} {new.value:.4g}{UNITS[metric.read]} ({', '.join(limits)})"


def _shown(old: Figure) -> str:
    return f"({old.words})" if old.value is None else f"{old.value:.4g}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
