"""What a window of a release says: the words that the judge, the metrics and the steps share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rw_daemon.deployments.counts import Pair
from rw_shared.events import MetricJudged


class Verdict(StrEnum):
    """What a window says, the worst last: where several things were looked at, it says the worst of them."""

    GOOD = "good"
    NO_DATA = "no data"
    SUSPICIOUS = "suspicious"
    UNKNOWN = "could not measure"
    BAD = "bad"


@dataclass(frozen=True)
class Judgement:
    """A verdict with its numbers in words, and with those of each metric of the app's own.

    :param few: what both releases did, where that were too few requests to tell: the window is lengthened, and they count on.
    """

    verdict: Verdict
    words: str
    metrics: tuple[MetricJudged, ...] = ()
    few: Pair | None = None


def worst(*verdicts: Verdict) -> Verdict:
    """Return the verdict on everything that was looked at."""
    return max(verdicts, key=list(Verdict).index)
