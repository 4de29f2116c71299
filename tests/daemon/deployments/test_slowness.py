"""Slow releases and the judge: found within two windows, and no alarm where the old one is as slow; simulated, with fixed seeds."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import log
from statistics import NormalDist
from typing import Protocol

import pytest

from rw_daemon.deployments.judge import Judge, Limits
from rw_daemon.deployments.judgements import Verdict
from rw_daemon.deployments.verdicts import Next, next_of
from rw_daemon.edge.documents import BUCKETS_MS
from rw_daemon.edge.edge import Traffic

LIMITS = Limits(error_rate=0.01, latency_seconds=2.0)
WINDOW_SECONDS = 15
SHARES = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Speed:
    """How long answers take: half of them longer than ``median`` ms, as log-normal as those of real services; ``sigma`` 0.5 is even."""

    median: float = 250
    sigma: float = 0.5
    at_least: float = 0

    def of(self, rng: random.Random, requests: int) -> Traffic:
        """Draw so many answers."""
        drawn = Counter(rng.choices(BUCKETS_MS, cum_weights=self._cumulative, k=requests))
        return Traffic(requests, 0, tuple(zip(BUCKETS_MS, accumulate(drawn[bound] for bound in BUCKETS_MS), strict=True)))

    @cached_property
    def _cumulative(self) -> list[float]:
        normal = NormalDist(log(self.median), self.sigma)
        return [normal.cdf(log(bound - self.at_least)) if bound > self.at_least else 0.0 for bound in BUCKETS_MS]


class Answers(Protocol):
    """What a release does in a window."""

    def of(self, rng: random.Random, requests: int) -> Traffic:
        """Draw so many answers."""
        ...


def timed_rollout(rng: random.Random, per_second: float, new: Answers, old: Answers, *, cold: Answers | None = None) -> tuple[bool, int]:
    """Return whether a rollout was taken back, and after how many windows; its first one is ``cold``."""
    windows = 0
    for share in SHARES:
        judge, step, so_far, follows = Judge(LIMITS), list[Verdict](), (Traffic(), Traffic()), Next.AGAIN
        while follows is Next.AGAIN:
            windows += 1
            speed = cold if cold and windows == 1 else new
            counts = [round(per_second * WINDOW_SECONDS * one) for one in (share, 1 - share)]
            judge.count.read(so_far)
            so_far = so_far[0] + speed.of(rng, counts[0]), so_far[1] + old.of(rng, counts[1])
            judge.count.read(so_far)
            assert judge.count.seen
            found = judge.window(*judge.count.seen)
            step.append(found.verdict)
            follows = next_of(step, found.few)
        if follows is Next.BACK:
            return True, windows
    return False, windows


def timed_watch(rng: random.Random, per_second: int, speed: Speed, *, before: int) -> bool:
    old = speed.of(rng, before)
    judge = Judge(LIMITS, fixed=old)
    return any(judge.window(speed.of(rng, per_second * WINDOW_SECONDS), old).verdict is Verdict.BAD for _ in range(60))


EVEN, SLOW, UNEVEN, FAST = Speed(2500, 0.5), Speed(2500, 1.0), Speed(500, 1.3), Speed(20, 0.8)


@pytest.mark.parametrize(
    ("per_second", "speed", "times"),
    [
        pytest.param(10, EVEN, 300, id="10/s, slow, even"),
        pytest.param(10, SLOW, 1000, id="10/s, slow"),
        pytest.param(20, SLOW, 1000, id="20/s, slow"),
        pytest.param(60, Speed(800, 1.0), 200, id="60/s, near the limit"),
        pytest.param(20, FAST, 500, id="20/s, fast"),
        pytest.param(100, FAST, 100, id="100/s, fast"),
        pytest.param(10, SLOW, 10_000, id="10/s, slow, often", marks=pytest.mark.full),
        pytest.param(20, SLOW, 10_000, id="20/s, slow, often", marks=pytest.mark.full),
        pytest.param(20, UNEVEN, 10_000, id="20/s, uneven, often", marks=pytest.mark.full),
        pytest.param(20, FAST, 10_000, id="20/s, fast, often", marks=pytest.mark.full),
        pytest.param(100, Speed(800, 1.0), 2000, id="100/s, near the limit, often", marks=pytest.mark.full),
    ],
)
def test_equally_slow_releases_raise_at_most_one_alarm_in_a_thousand(per_second: int, speed: Speed, times: int) -> None:
    rng = random.Random(per_second)
    assert sum(timed_rollout(rng, per_second, speed, speed)[0] for _ in range(times)) <= times / 1000


@pytest.mark.parametrize(
    ("per_second", "speed", "before", "times"),
    [
        pytest.param(2, SLOW, 3000, 200, id="2/s, slow"),
        pytest.param(2, SLOW, 60, 100, id="2/s, slow, little is known of the old one"),
        pytest.param(10, Speed(800, 1.0), 3000, 50, id="10/s, near the limit"),
        pytest.param(10, UNEVEN, 3000, 50, id="10/s, uneven"),
        pytest.param(2, SLOW, 3000, 2000, id="2/s, slow, often", marks=pytest.mark.full),
        pytest.param(2, SLOW, 60, 2000, id="2/s, slow, little is known, often", marks=pytest.mark.full),
        pytest.param(10, Speed(800, 1.0), 300, 1000, id="10/s, near the limit, often", marks=pytest.mark.full),
        pytest.param(10, UNEVEN, 3000, 1000, id="10/s, uneven, often", marks=pytest.mark.full),
    ],
)
def test_watch_of_an_equally_slow_release_raises_at_most_one_alarm_in_a_thousand(
    per_second: int, speed: Speed, before: int, times: int
) -> None:
    rng = random.Random(before)
    assert sum(timed_watch(rng, per_second, speed, before=before) for _ in range(times)) <= times / 1000


USUAL = Speed()


@pytest.mark.parametrize(
    ("per_second", "new", "old", "least", "most"),
    [
        pytest.param(10, Speed(1250), USUAL, 0.0, 0.0, id="10/s: too few"),
        pytest.param(20, Speed(1250), USUAL, 0.95, 1.0, id="20/s: the median"),
        pytest.param(60, Speed(1250), USUAL, 0.95, 1.0, id="60/s: the median"),
        pytest.param(100, Speed(1250), USUAL, 0.95, 1.0, id="100/s"),
        pytest.param(100, Speed(2500), Speed(1000), 0.95, 1.0, id="100/s, 2.5 times as slow, above the limit"),
        pytest.param(100, Speed(100, 0.8), FAST, 0.95, 1.0, id="100/s, 100 ms instead of 20"),
        pytest.param(100, Speed(15, 0.8, at_least=85), Speed(15, 0.8, at_least=5), 0.95, 1.0, id="80 ms more for each answer"),
        pytest.param(100, Speed(10, 0.8), Speed(2, 0.8), 0.0, 0.0, id="100/s, 10 ms instead of 2: nobody feels it"),
        pytest.param(100, Speed(500), USUAL, 0.0, 0.0, id="100/s, twice as slow, below the limit"),
    ],
)
def test_slow_releases_are_found_within_two_windows(per_second: int, new: Speed, old: Speed, least: float, most: float) -> None:
    rng = random.Random(per_second)
    found = [timed_rollout(rng, per_second, new, old) for _ in range(100)]
    assert least <= sum(is_bad and windows <= 2 for is_bad, windows in found) / len(found) <= most


def test_release_that_is_cold_in_its_first_window_is_not_taken_back() -> None:
    rng = random.Random(1)
    assert not any(timed_rollout(rng, 100, FAST, FAST, cold=Speed(400, 0.8))[0] for _ in range(50))
