"""In which order services come up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.rows import in_rows


@pytest.mark.parametrize(
    ("needs", "found", "circle"),
    [
        pytest.param({}, [], [], id="nobody"),
        pytest.param({"web": set(), "api": set()}, [["web", "api"]], [], id="side by side"),
        pytest.param({"web": {"api"}, "api": {"db"}, "db": set()}, [["db"], ["api"], ["web"]], [], id="one after the other"),
        pytest.param({"web": {"api", "web", "gone"}, "api": set()}, [["api"], ["web"]], [], id="itself and strangers do not count"),
        pytest.param(
            {"a": {"b"}, "b": {"a"}, "c": {"a"}, "d": set()}, [["d"], ["a", "b"], ["c"]], ["a", "b"], id="a circle, one behind it"
        ),
    ],
)
def test_each_service_comes_after_those_that_it_refers_to(needs: dict[str, set[str]], found: list[list[str]], circle: list[str]) -> None:
    assert in_rows(needs) == (found, circle)


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from("abcdefgh")), max_size=7))
def test_everybody_comes_up_once(needs: dict[str, set[str]]) -> None:
    found, circle = in_rows(needs)
    names = [name for row in found for name in row]
    assert sorted(names) == sorted(needs)
    for at, row in enumerate(found):
        before = {name for earlier in found[:at] for name in earlier}
        for name in row:
            missing = (needs[name] & needs.keys()) - before - {name}
            assert not missing or name in circle
