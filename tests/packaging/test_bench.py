"""The arithmetic of the measurements: windows of time, WebSockets that were closed too early, what was installed again."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.builds import build_seconds, change_a_line, installed_again
from bench.figures import Figure, in_turn, shown
from bench.load import actions
from bench.sockets import Closing, too_early
from bench.windows import Window, merged, switch, within

from rw_cli.context.load import Sample

AT = "2026-01-01T00:00:{:06.3f}Z"


def test_overlapping_windows_are_one() -> None:
    assert merged([Window(5, 6), Window(0, 2), Window(1, 3), Window(3, 4), Window(0, 1)]) == [Window(0, 4), Window(5, 6)]


def test_requests_that_were_due_in_a_window_are_counted_once() -> None:
    samples = [Sample(float(due), 10.0) for due in range(10)]
    found = within(samples, [Window(1, 3), Window(2, 4), Window(8, 9)])
    assert [one.due for one in found] == [1, 2, 3, 8]
    assert within(samples, []) == []


def test_switch_is_from_the_first_change_of_a_route_to_the_last_and_a_little_more() -> None:
    rows = [
        {"type": "step", "step": "build", "at": AT.format(1)}, {"type": "step", "step": "shift", "at": AT.format(2)},
        {"type": "event", "name": "route.changed", "at": AT.format(2.5)}, {"type": "log", "message": "shift"},
    ]  # fmt: skip
    found = switch(rows, more=0.5)
    assert found.end - found.begin == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("release", "at", "is_early"),
    [
        pytest.param("old", 129.5, False, id="after its drain"),
        pytest.param("old", 110.0, True, id="while it drained"),
        pytest.param("old", 90.0, True, id="while it served"),
        pytest.param("new", 500.0, True, id="of the serving one"),
    ],
)
def test_websocket_may_be_closed_once_the_drain_of_its_release_is_over(release: str, at: float, is_early: bool) -> None:
    closing = Closing(release, at)
    assert too_early([closing], {"old": 100.0}, drain_seconds=30) == [closing] * is_early


def test_every_fifth_redeployment_is_followed_by_a_rollback_and_another_by_an_abort() -> None:
    names = actions(100)
    assert [names.count(name) for name in ("redeploy", "rollback", "abort")] == [100, 20, 20]
    assert names[:2] == ["redeploy", "redeploy"]  # there is something to go back to


def log(step: str, state: str) -> dict:
    return {"type": "log", "source": "build", "step": step, "attrs": {"state": state}}


@pytest.mark.parametrize("step", ["install", "[build 4/6] RUN --mount=type=cache pip install -r r.txt"])
@pytest.mark.parametrize(("states", "again"), [(["started", "done"], ["install"]), (["cached"], []), ([], [])])
def test_steps_that_install_are_found_in_the_builds_log_of_both_targets(step: str, states: list[str], again: list[str]) -> None:
    steps = [{"name": "install", "commands": ["pip install -r r.txt"]}, {"name": "build", "commands": ["make"]}]
    assert installed_again(steps, [log("build", "done"), *(log(step, state) for state in states)]) == again


def test_build_takes_from_its_first_event_to_its_last() -> None:
    rows = [{"type": "step", "step": step, "at": AT.format(second)} for step, second in (("plan", 0), ("build", 1), ("build", 3.5))]
    assert build_seconds(rows) == pytest.approx(2.5)


def test_changed_line_is_a_comment_in_a_source_file(tmp_path: Path) -> None:
    (tmp_path / "next.config.mjs").write_text("")
    (tmp_path / "setup.py").write_text("")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text("fn main() {}\n")
    assert change_a_line(tmp_path) == "src/main.rs"
    assert (tmp_path / "src" / "main.rs").read_text() == "fn main() {}\n// a change\n"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.2234, "0.223"), (12.34, "12.3"), (12345.6, "12,346"), (7.0, "7")])
def test_figures_are_shown_with_the_digits_that_count(value: float, text: str) -> None:
    assert shown(value) == text


def test_row_names_target_goal_and_note() -> None:
    assert Figure("x", 2, "ms", goal="≤ 3 ms", note="y").row("docker") == "| x, docker | 2 ms (goal ≤ 3 ms); y |"
    assert Figure("x", 2, "ms").row("") == "| x | 2 ms |"


def test_works_are_timed_in_turn() -> None:
    done: list[str] = []
    in_turn(lambda: done.append("a"), rounds=2)
    assert done == ["a", "a"]
