"""The judge of gradual releases: rules as a table, and false alarms counted over thousands of simulated rollouts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.chances import chance_of
from rw_daemon.deployments.counts import Count, Pair
from rw_daemon.deployments.judge import Judge, Limits
from rw_daemon.deployments.judgements import Verdict
from rw_daemon.deployments.verdicts import Next, next_of
from rw_daemon.edge.edge import Traffic

LIMITS = Limits(error_rate=0.01, latency_seconds=2.0)


def traffic(requests: int, failed: int = 0, *, ms: float = 10) -> Traffic:
    """Answers that all took about ``ms``."""
    bounds = [1.0, 5.0, 10.0, 25.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0]
    return Traffic(requests, failed, tuple((bound, requests if ms <= bound else 0) for bound in bounds))


@pytest.mark.parametrize(
    ("new", "old", "first", "second"),
    [
        pytest.param(traffic(19), traffic(100), Verdict.NO_DATA, Verdict.NO_DATA, id="too few"),
        pytest.param(traffic(10, 5), traffic(100), Verdict.BAD, Verdict.BAD, id="half of ten fail: at once"),
        pytest.param(traffic(9, 9), traffic(100), Verdict.NO_DATA, Verdict.NO_DATA, id="nine that all fail are too few to tell"),
        pytest.param(traffic(20, 8), traffic(200), Verdict.SUSPICIOUS, Verdict.BAD, id="eight of twenty"),
        pytest.param(traffic(500), traffic(4500), Verdict.GOOD, Verdict.GOOD, id="nothing fails"),
        pytest.param(traffic(500, 25), traffic(4500, 5), Verdict.SUSPICIOUS, Verdict.BAD, id="5 % against 0.1 %: in two windows"),
        pytest.param(traffic(500, 25), traffic(4500, 225), Verdict.GOOD, Verdict.GOOD, id="the old one fails as often"),
        pytest.param(traffic(500, 4), traffic(4500, 0), Verdict.GOOD, Verdict.GOOD, id="below the limit"),
        pytest.param(traffic(60, 1), traffic(540, 0), Verdict.GOOD, Verdict.GOOD, id="one failure may be chance"),
        pytest.param(traffic(500, ms=4000), traffic(4500, ms=10), Verdict.SUSPICIOUS, Verdict.BAD, id="slow: in two windows"),
        pytest.param(traffic(500, ms=4000), traffic(4500, ms=4000), Verdict.GOOD, Verdict.GOOD, id="as slow as before"),
        pytest.param(traffic(500, ms=900), traffic(4500, ms=400), Verdict.GOOD, Verdict.GOOD, id="slower, within the limit"),
        pytest.param(traffic(500, ms=900), traffic(4500, ms=10), Verdict.SUSPICIOUS, Verdict.BAD, id="many times slower, within the limit"),
        pytest.param(traffic(500, ms=24), traffic(4500, ms=2), Verdict.GOOD, Verdict.GOOD, id="many times slower, which nobody feels"),
        pytest.param(traffic(50, ms=4000), traffic(450, ms=10), Verdict.SUSPICIOUS, Verdict.BAD, id="the median where there are few"),
        pytest.param(traffic(500, ms=4000), traffic(0), Verdict.SUSPICIOUS, Verdict.BAD, id="nothing to compare with: the limit"),
    ],
)
def test_verdicts(new: Traffic, old: Traffic, first: Verdict, second: Verdict) -> None:
    judge = Judge(LIMITS)
    assert judge.window(new, old).verdict is first
    assert judge.window(new, old).verdict is second


def test_window_with_too_few_requests_counts_on_and_the_next_one_begins_anew() -> None:
    judge, so_far, seen = Judge(LIMITS), 100, []
    judge.count.read((traffic(so_far), traffic(so_far)))
    for _ in range(4):
        so_far += 15
        judge.count.read((traffic(so_far), traffic(so_far)))
        assert judge.count.seen
        seen.append((judge.count.seen[0].requests, judge.window(*judge.count.seen).verdict))
        judge.count.read((traffic(so_far), traffic(so_far)))
    assert seen == [(15, Verdict.NO_DATA), (30, Verdict.GOOD)] * 2


@pytest.mark.parametrize("gap", [None, (traffic(1), traffic(2))], ids=["not to be read", "the edge began anew"])
def test_what_was_counted_outlives_an_edge_that_is_away(gap: Pair | None) -> None:
    count = Count()
    for now in ((traffic(10), traffic(100)), (traffic(15, 4), traffic(130, 1)), gap):
        count.read(now)
    assert count.seen is None
    now = (traffic(20, 5), traffic(140, 1))
    count.read(now)
    after = Count()
    after.read(gap or now)
    after.read(now)
    assert after.seen
    count.read(now)
    assert count.seen == (traffic(5, 4) + after.seen[0], traffic(30, 1) + after.seen[1])


def test_one_good_window_takes_the_suspicion_back() -> None:
    odd, judge, bad, good, old = Verdict.SUSPICIOUS, Judge(LIMITS), traffic(500, 25), traffic(500), traffic(4500)
    assert [judge.window(one, old).verdict for one in (bad, good, bad, bad)] == [odd, Verdict.GOOD, odd, Verdict.BAD]


def test_a_verdict_says_its_numbers() -> None:
    said = Judge(LIMITS).window(traffic(500, 3, ms=10), traffic(4500, 5, ms=10)).words
    assert said == "3 of 500 failed, p50 8 ms, p95 10 ms; the old release: 5 of 4500 failed, p50 8 ms, p95 10 ms"


@pytest.mark.parametrize(
    ("table", "p"),
    [  # Fisher's tea tasting, and two more computed with another program
        pytest.param((3, 4, 1, 4), 0.242857, id="tea"),
        pytest.param((8, 10, 1, 6), 0.024476, id="small"),
        pytest.param((0, 50, 3, 500), 1.0, id="none failed"),
    ],
)
def test_exact_test(table: tuple[int, int, int, int], p: float) -> None:
    assert chance_of(*table) == pytest.approx(p, rel=1e-4)


def binomial(rng: random.Random, count: int, share: float) -> int:
    """Draw by the gaps between hits: quick for small shares."""
    hits, at = 0, 0
    while (at := at + int(log(1 - rng.random()) / log(1 - share)) + 1) <= count:
        hits += 1
    return hits


WINDOW_SECONDS = 15
SHARES = (0.1, 0.25, 0.5)
FEW_ASKED = 1000


@dataclass
class Door:
    """The edge's counters, and requests that are drawn for one release or the other as the edge draws them."""

    rng: random.Random
    per_second: int
    rates: tuple[float, float]
    so_far: Pair = (Traffic(), Traffic())

    def open(self, share: float) -> Pair:
        """Let a window's requests come."""
        asked = self.per_second * WINDOW_SECONDS
        new = binomial(self.rng, asked, share) if asked <= FEW_ASKED else round(asked * share)  # many hardly vary, and take long to draw
        drawn = [traffic(count, binomial(self.rng, count, rate)) for count, rate in zip((new, asked - new), self.rates, strict=True)]
        self.so_far = self.so_far[0] + drawn[0], self.so_far[1] + drawn[1]
        return self.so_far


def step(door: Door, share: float) -> list[Next]:
    """Return what followed from each window of a step."""
    judge, verdicts, follows = Judge(LIMITS), list[Verdict](), list[Next]()
    while not follows or follows[-1] is Next.AGAIN:
        judge.count.read(door.so_far)
        judge.count.read(door.open(share))
        assert judge.count.seen
        found = judge.window(*judge.count.seen)
        verdicts.append(found.verdict)
        follows.append(next_of(verdicts, found.few))
    return follows


def rollout(rng: random.Random, per_second: int, new_rate: float, old_rate: float) -> tuple[bool, int]:
    """Return whether a rollout was taken back, and after how many windows."""
    door, windows = Door(rng, per_second, (new_rate, old_rate)), 0
    for share in SHARES:
        follows = step(door, share)
        windows += len(follows)
        if follows[-1] is Next.BACK:
            return True, windows
    return False, windows


@pytest.mark.parametrize("rate", [0.001, 0.01])
@pytest.mark.parametrize("per_second", [1, 2, 5, 10, 20, 100, 1000])
def test_identical_releases_raise_at_most_one_alarm_in_a_thousand(rate: float, per_second: int) -> None:
    rng = random.Random(f"{rate} {per_second}")
    assert sum(rollout(rng, per_second, rate, rate)[0] for _ in range(1000)) <= 1


@pytest.mark.parametrize(
    ("per_second", "least"),
    [
        pytest.param(10, 0.0, id="10/s"),
        pytest.param(20, 0.05, id="20/s"),
        pytest.param(60, 0.7, id="60/s"),
        pytest.param(100, 0.95, id="100/s"),
        pytest.param(1000, 0.99, id="1000/s"),
    ],
)
def test_five_percent_of_errors_are_found_within_two_windows(per_second: int, least: float) -> None:
    rng = random.Random(per_second)
    found = [rollout(rng, per_second, 0.05, 0.001) for _ in range(400)]
    assert sum(is_bad and windows <= 2 for is_bad, windows in found) / len(found) >= least


@pytest.mark.parametrize(
    ("per_second", "rate", "least"),
    [
        pytest.param(1, 1.0, 1.0, id="1/s, all fail"),
        pytest.param(1, 0.8, 0.97, id="1/s, four of five"),
        pytest.param(10, 1.0, 1.0, id="10/s, all fail"),
        pytest.param(10, 0.5, 1.0, id="10/s, every other"),
    ],
)
def test_release_that_fails_nearly_everything_is_found_however_few_ask(per_second: int, rate: float, least: float) -> None:
    rng = random.Random(f"{per_second} {rate}")
    assert sum(rollout(rng, per_second, rate - 1e-9, 0.001)[0] for _ in range(400)) / 400 >= least


def test_watch_of_fifteen_minutes_raises_at_most_one_alarm_in_a_thousand() -> None:
    """Each of its windows is compared with the same little that the old release did before."""
    rng, alarms = random.Random(15), 0
    for _ in range(1000):
        judge, before = Judge(LIMITS, fixed=Traffic()), traffic(3000, binomial(rng, 3000, 0.01))
        verdicts = [judge.window(traffic(150, binomial(rng, 150, 0.01)), before).verdict for _ in range(60)]
        alarms += Verdict.BAD in verdicts
    assert alarms <= 1


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 3000), st.integers(0, 3000))
def test_more_failures_never_look_better(requests: int, failed: int, old_requests: int, old_failed: int) -> None:
    failed, old_failed = min(failed, requests), min(old_failed, old_requests)
    chances = [chance_of(one, requests, old_failed, old_requests) for one in range(failed, requests + 1)]
    assert all(0 <= one <= 1.0000001 for one in chances)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(chances))
