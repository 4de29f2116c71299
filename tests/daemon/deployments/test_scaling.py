"""The number of replicas that a load asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.scaling import Bounds, Load, wanted

BOUNDS = Bounds(least=1, most=8)
some_loads = st.lists(st.floats(0, 50), max_size=80).map(lambda found: [Load(float(at), load) for at, load in enumerate(found)])


def constant(load: float, *, seconds: int) -> list[Load]:
    return [Load(float(at), load) for at in range(seconds + 1)]


@pytest.mark.parametrize(
    ("loads", "running", "expected"),
    [
        pytest.param([], 2, 2, id="nothing known: nothing changes"),
        pytest.param(constant(1.6, seconds=59), 1, 1, id="above the target, but not for a whole window yet"),
        pytest.param(constant(1.6, seconds=60), 1, 2, id="above the target for a window"),
        pytest.param(constant(1.05, seconds=60), 1, 1, id="hardly above the target"),
        pytest.param(constant(3.5, seconds=6), 1, 4, id="more than twice the target for the panic window"),
        pytest.param(constant(3.5, seconds=5), 1, 1, id="a short spike is no panic"),
        pytest.param(constant(50.0, seconds=6), 1, 8, id="never above max"),
        pytest.param(constant(0.0, seconds=60), 8, 4, id="down by half at most"),
        pytest.param(constant(0.0, seconds=59), 8, 8, id="down only after a whole window"),
        pytest.param([*constant(0.0, seconds=59), Load(60.0, 7.9)], 8, 8, id="one busy moment keeps them"),
        pytest.param(constant(0.0, seconds=60), 1, 1, id="never below min"),
        pytest.param([], 12, 8, id="max was lowered"),
    ],
)
def test_how_many_replicas_a_load_asks_for(loads: list[Load], running: int, expected: int) -> None:
    assert wanted(loads, running=running, bounds=BOUNDS) == expected


@given(loads=some_loads, running=st.integers(0, 20), least=st.integers(1, 5), more=st.integers(0, 10))
def test_it_stays_between_min_and_max_and_goes_down_by_half_at_most(loads: list[Load], running: int, least: int, more: int) -> None:
    bounds = Bounds(least, least + more)
    found = wanted(loads, running=running, bounds=bounds)
    assert bounds.least <= found <= bounds.most
    assert found >= min(running, bounds.most) / 2


@given(load=st.floats(0, 12), running=st.integers(1, 8))
def test_a_constant_load_settles_and_never_turns_round(load: float, running: int) -> None:
    steps = [running]
    for _ in range(8):
        steps.append(wanted(constant(load, seconds=60), running=steps[-1], bounds=BOUNDS))
    assert steps in (sorted(steps), sorted(steps, reverse=True))
    assert steps[-1] == steps[-2]
