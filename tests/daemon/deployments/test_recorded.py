"""The judge and what an edge really counted: two releases of one uneven app, recorded by ``tests/bench recording``, replayed.

Unlike what is simulated, requests are slow together (a replica pauses) and fail together (what both depend on is away for a moment).
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pytest
from daemon.deployments.test_judge import binomial
from daemon.deployments.test_slowness import WINDOW_SECONDS, timed_rollout

from rw_daemon.edge.documents import BUCKETS_MS
from rw_daemon.edge.edge import Traffic

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
"""Of each second and either release: requests, failed ones, and answers by the bucket of their latency."""
FIVE_TIMES = 7
"""Buckets: each is a quarter slower than the one before, so that these are 4.8 times."""


@dataclass
class Replay:
    """One of the two releases, from some second on and round and round.

    :param fails: how many of its requests fail besides. :param slower: buckets.
    """

    side: int
    second: int
    fails: float = 0.0
    slower: int = 0

    def of(self, rng: random.Random, requests: int) -> Traffic:
        """Return the next window, thinned to about so many requests."""
        rows = [RECORDED[(self.second + place) % len(RECORDED)][self.side] for place in range(WINDOW_SECONDS)]
        self.second += WINDOW_SECONDS
        kept = requests / sum(row[0] for row in rows)
        assert kept < 1, "so many were not recorded"
        counts = [0] * len(BUCKETS_MS)
        for place, count in (pair for row in rows for pair in row[2]):
            counts[min(place + self.slower, len(counts) - 1)] += count
        thinned = [binomial(rng, count, kept) if count else 0 for count in counts]
        total = sum(thinned)
        failed = binomial(rng, sum(row[1] for row in rows), kept)
        failed += binomial(rng, total - failed, self.fails) if self.fails else 0
        return Traffic(total, failed, tuple(zip(BUCKETS_MS, accumulate(thinned), strict=True)))


def rollouts(per_second: float, times: int, *, fails: float = 0.0, slower: int = 0) -> list[tuple[bool, int]]:
    """Return of each rollout whether it was taken back, and after how many windows."""
    rng, found = random.Random(per_second), []
    for number in range(times):
        second = rng.randrange(len(RECORDED))
        new, old = Replay(number % 2, second, fails, slower), Replay(1 - number % 2, second)
        found.append(timed_rollout(rng, per_second, new, old))
    return found


@pytest.mark.parametrize(
    ("per_second", "times"),
    [
        pytest.param(10, 300, id="10/s"),
        pytest.param(10, 3000, id="10/s, often", marks=pytest.mark.full),
        pytest.param(60, 1000, id="60/s, often", marks=pytest.mark.full),
        pytest.param(120, 1000, id="120/s, often", marks=pytest.mark.full),
    ],
)
def test_release_that_is_the_same_raises_at_most_one_alarm_in_a_thousand(per_second: int, times: int) -> None:
    assert sum(is_back for is_back, _ in rollouts(per_second, times)) <= times / 1000


@pytest.mark.parametrize(
    ("fails", "slower"), [pytest.param(0.05, 0, id="5 % fail"), pytest.param(0.0, FIVE_TIMES, id="five times as slow")]
)
def test_bad_release_is_found_within_two_windows_of_a_tenth_of_the_requests(fails: float, slower: int) -> None:
    found = rollouts(120, 60, fails=fails, slower=slower)
    assert sum(is_back and windows <= 2 for is_back, windows in found) >= 0.95 * len(found)
