"""How long a replica waits for its next start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.restarts import pause_before

PAUSE = {"first": 0.5, "last": 30.0}


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [pause_before(restarts, name="i1", **PAUSE) for restarts in range(8)]
    assert [low <= pause <= low * 1.25 for low, pause in zip((0.5, 1, 2, 4, 8, 16, 30, 30), pauses, strict=True)] == [True] * 8


def test_replicas_that_fell_together_do_not_come_back_together() -> None:
    pauses = sorted(pause_before(3, name=f"i{number}", **PAUSE) for number in range(20))
    assert pauses[-1] - pauses[0] > 0.5
    assert len(set(pauses)) == 20


@given(restarts=st.integers(0, 10**6), name=st.text())
def test_no_number_of_restarts_is_too_large(restarts: int, name: str) -> None:
    assert 0.5 <= pause_before(restarts, name=name, **PAUSE) <= 37.5
