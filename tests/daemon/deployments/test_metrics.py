"""An app's own metrics: what two scrapes or a command say, the bounds as a table, and windows that are out of them."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.judgements import Judgement, Verdict, worst
from rw_daemon.deployments.metrics import Figure, Measured, Metrics, Scrape, figure_of, is_out, outcome_of, verdict_of
from rw_shared.config import MetricConfig, Reading

GOOD, ODD, BAD, FEW, LOST = Verdict.GOOD, Verdict.SUSPICIOUS, Verdict.BAD, Verdict.NO_DATA, Verdict.UNKNOWN
SEEN = Judgement(GOOD, "0 of 500 failed")


def metric(**said: object) -> MetricConfig:
    return MetricConfig(name="errors", metric="errors_total", **said)  # type: ignore[arg-type]


def command(**said: object) -> MetricConfig:
    return MetricConfig(name="smoke", command="python smoke.py", **said)  # type: ignore[arg-type]


def scrape(**replicas: float) -> Scrape:
    return Scrape({replica: {"errors": value} for replica, value in replicas.items()})


EMPTY = Scrape({"a": {}})
TROUBLE = Scrape(troubles={"errors": "GET /metrics answered 404"})


@pytest.mark.parametrize(
    ("read", "before", "after", "requests", "found"),
    [
        pytest.param("value", EMPTY, scrape(a=3), 0, Figure(GOOD, 3.0), id="a gauge"),
        pytest.param("value", EMPTY, scrape(a=3, b=5), 0, Figure(GOOD, 4.0), id="a gauge, the mean of two replicas"),
        pytest.param("value", EMPTY, scrape(a=nan), 0, Figure(FEW, words="not a number"), id="a gauge that is no number"),
        pytest.param("value", TROUBLE, scrape(a=3), 0, Figure(GOOD, 3.0), id="a gauge needs no beginning"),
        pytest.param("rate", scrape(a=10), scrape(a=40), 0, Figure(GOOD, 3.0), id="a rate"),
        pytest.param("rate", scrape(a=10, b=0), scrape(a=40, b=10), 0, Figure(GOOD, 4.0), id="a rate, two replicas together"),
        pytest.param("rate", scrape(a=90), scrape(a=20), 0, Figure(GOOD, 2.0), id="a counter that began anew"),
        pytest.param("rate", EMPTY, scrape(a=20), 0, Figure(GOOD, 2.0), id="a series that is new"),
        pytest.param("rate", scrape(a=10), EMPTY, 0, Figure(FEW, words="no such series"), id="a series that is gone"),
        pytest.param("rate", TROUBLE, scrape(a=3), 0, Figure(LOST, words="GET /metrics answered 404"), id="no beginning"),
        pytest.param("rate", scrape(a=3), TROUBLE, 0, Figure(LOST, words="GET /metrics answered 404"), id="no end"),
        pytest.param("per-request", scrape(a=10), scrape(a=40), 300, Figure(GOOD, 0.1), id="for each request"),
        pytest.param("per-request", scrape(a=10), scrape(a=40), 0, Figure(FEW, words="no requests"), id="no requests"),
        pytest.param("per-request", scrape(a=1), scrape(a=4), None, Figure(LOST, words="the edge gave no figures"), id="no figures"),
    ],
)
def test_what_two_scrapes_say(read: str, before: Scrape, after: Scrape, requests: int | None, found: Figure) -> None:
    assert figure_of(metric(read=Reading(read), max=1), before, after, seconds=10, requests=requests) == found


@pytest.mark.parametrize(
    ("said", "code", "lines", "found"),
    [
        pytest.param({}, 0, ["7"], Figure(GOOD, words="exit code 0"), id="without bounds: 0"),
        pytest.param({}, 3, ["7"], Figure(ODD, words="exit code 3"), id="without bounds: another one"),
        pytest.param({"max": 1}, 3, ["0"], Figure(ODD, words="exit code 3"), id="with bounds: another one"),
        pytest.param({"max": 1}, 0, ["so:", " 7e-1 ", ""], Figure(GOOD, 0.7), id="with bounds: the last line"),
        pytest.param({"max": 1}, 0, ["fine"], Figure(LOST, words="its last line is no number"), id="no number"),
        pytest.param({"max": 1}, 0, ["nan"], Figure(FEW, words="not a number"), id="a number that is none"),
        pytest.param({"max": 1}, 0, [" "], Figure(FEW, words="it printed nothing"), id="nothing"),
        pytest.param({}, None, [], Figure(LOST, words="nobody knows how it ended"), id="lost"),
        pytest.param({}, 127, [], Figure(LOST, words="exit code 127"), id="not there"),
        pytest.param({}, 75, [], Figure(LOST, words="exit code 75"), id="it could not tell"),
    ],
)
def test_what_a_command_says(said: dict[str, float], code: int | None, lines: list[str], found: Figure) -> None:
    assert outcome_of(command(**said), code, lines) == found


@pytest.mark.parametrize(
    ("said", "value", "old", "out"),
    [
        pytest.param({"max": 1}, 1, None, False, id="at most"),
        pytest.param({"max": 1}, 1.1, None, True, id="above"),
        pytest.param({"max": 1}, inf, None, True, id="endless"),
        pytest.param({"min": 1}, 0.9, None, True, id="below"),
        pytest.param({"min": 0, "max": 1}, 0.5, None, False, id="between"),
        pytest.param({"max_ratio": 2}, 3, 1, True, id="three times the old one's"),
        pytest.param({"max_ratio": 2}, 2, 1, False, id="twice"),
        pytest.param({"max_ratio": 2}, 0.1, 0, True, id="the old one has none"),
        pytest.param({"max_ratio": 2}, 0, 0, False, id="neither has any"),
        pytest.param({"max": 1, "max_ratio": 2}, 3, 2, False, id="above the limit, as the old one is"),
        pytest.param({"max": 1, "max_ratio": 2}, 0.9, 0.1, False, id="worse, and within the limit"),
        pytest.param({"max": 1, "max_ratio": 2}, 3, 1, True, id="worse, and above the limit"),
        pytest.param({"max": 1, "max_ratio": 2}, 3, None, True, id="nothing to compare with: the limit"),
    ],
)
def test_bounds(said: dict[str, float], value: float, old: float | None, out: bool) -> None:
    assert is_out(metric(**said), value, old) is out


@pytest.mark.parametrize(
    ("old", "verdict"),
    [
        pytest.param(Figure(FEW, words="no such series"), FEW, id="the old one has no data"),
        pytest.param(Figure(LOST, words="GET /metrics answered 404"), LOST, id="the old one cannot be measured"),
        pytest.param(Figure(GOOD, 1.0), ODD, id="the old one does better"),
        pytest.param(Figure(GOOD, 2.0), GOOD, id="the old one does as well"),
    ],
)
def test_metric_that_is_only_compared_needs_the_old_release(old: Figure, verdict: Verdict) -> None:
    assert verdict_of(Measured(metric(max_ratio=1.5), Figure(GOOD, 2.0), old)) is verdict


def judged(metrics: Metrics, figure: Figure, *, seen: Judgement = SEEN) -> Judgement:
    return metrics.judge(seen, [Measured(metric(max=1), figure)])


def test_out_of_its_bounds_in_two_windows_running_is_bad() -> None:
    high, low, few, lost = Figure(GOOD, 2.0), Figure(GOOD, 0.5), Figure(FEW, words="no such series"), Figure(LOST, words="no answer")

    def verdicts(*figures: Figure) -> list[Verdict]:
        metrics = Metrics()
        return [judged(metrics, one).verdict for one in figures]

    assert verdicts(high, high) == [ODD, BAD]
    assert verdicts(high, low, high) == [ODD, GOOD, ODD]
    assert verdicts(high, few, high) == [ODD, FEW, BAD]  # nothing was said in between
    assert verdicts(high, lost, high) == [ODD, LOST, BAD]


def test_numbers_stand_in_the_verdict() -> None:
    errors, smoke = metric(read=Reading.PER_REQUEST, max=0.01, max_ratio=2), command()
    found = [Measured(errors, Figure(GOOD, 0.025), Figure(GOOD, 0.001)), Measured(smoke, Figure(LOST, words="exit code 127"))]
    said = Metrics().judge(SEEN, found)
    assert said.verdict is LOST
    assert said.words == (
        "0 of 500 failed; errors 0.025 a request (at most 0.01, at most 2 times the old release's 0.001); "
        "smoke: could not measure (exit code 127)"
    )
    assert [(one.name, one.verdict, one.value, one.old) for one in said.metrics] == [
        ("errors", ODD, 0.025, 0.001),
        ("smoke", LOST, None, None),
    ]


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_whole_is_as_bad_as_its_worst_part_in_any_order(verdicts: list[Verdict]) -> None:
    assert worst(*verdicts) is worst(*reversed(verdicts))
    assert worst(*verdicts) in verdicts
    assert (worst(*verdicts) is GOOD) == (set(verdicts) == {GOOD})


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.1, 10))
def test_less_is_never_worse(value: float, more: float, most: float, ratio: float) -> None:
    for said in ({"max": most}, {"max_ratio": ratio}, {"max": most, "max_ratio": ratio}):
        assert is_out(metric(**said), value, 1.0) <= is_out(metric(**said), value + more, 1.0)
