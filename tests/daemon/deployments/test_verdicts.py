"""What follows from the verdicts of a step and of a watch: tables, and that every step comes to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.judgements import Verdict
from rw_daemon.deployments.verdicts import Next, next_of, outcome_of

GOOD, ODD, BAD, FEW, LOST = Verdict.GOOD, Verdict.SUSPICIOUS, Verdict.BAD, Verdict.NO_DATA, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("step", "follows"),
    [
        pytest.param([GOOD], Next.ON, id="a good window"),
        pytest.param([BAD], Next.BACK, id="a bad one"),
        pytest.param([FEW], Next.AGAIN, id="no data: lengthened"),
        pytest.param([FEW, FEW], Next.ON, id="no data after all"),
        pytest.param([ODD], Next.AGAIN, id="an odd one"),
        pytest.param([ODD] * 8, Next.BACK, id="odd for ever"),
        pytest.param([ODD, FEW, FEW], Next.AGAIN, id="odd, and nobody can tell"),
        pytest.param([ODD, *[FEW] * 7], Next.BACK, id="odd, and nobody ever can tell"),
        pytest.param([LOST] * 3, Next.AGAIN, id="three that could not be measured"),
        pytest.param([LOST] * 4, Next.HELD, id="four running"),
        pytest.param([LOST, LOST, FEW, LOST, LOST], Next.AGAIN, id="four, and one between"),
        pytest.param([LOST] * 3 + [GOOD], Next.ON, id="measured at last"),
        pytest.param([LOST] * 3 + [BAD], Next.BACK, id="measured at last, and bad"),
    ],
)
def test_what_follows(step: list[Verdict], follows: Next) -> None:
    assert next_of(step) is follows


@given(st.lists(st.sampled_from(Verdict), min_size=40, max_size=40))
def test_every_step_ends_or_is_held(verdicts: list[Verdict]) -> None:
    follows = [next_of(verdicts[:count]) for count in range(1, len(verdicts) + 1)]
    ended = next(place for place, one in enumerate(follows) if one is not Next.AGAIN)
    seen = verdicts[: ended + 1]
    if follows[ended] is Next.ON:
        assert seen[-1] is GOOD or (seen.count(FEW) == 2 and ODD not in seen)
    if follows[ended] is Next.HELD:
        assert GOOD not in seen
        assert seen[-4:] == [LOST] * 4


@pytest.mark.parametrize(
    ("watch", "outcome", "words"),
    [
        pytest.param([GOOD, ODD], "passed", "As good as the release before it, for 60 s.", id="good"),
        pytest.param([GOOD, FEW], "passed", "for 60 s; 1 of 2 windows had too few requests.", id="partly without requests"),
        pytest.param([FEW, FEW], "passed", "Nothing is known against it, for 60 s; 2 of 2 windows had too few", id="no requests"),
        pytest.param([FEW, LOST], "passed", "Nothing is known against it", id="no requests, no figures"),
        pytest.param([LOST, LOST], "unmeasured", "Nothing is known of it; 2 of 2 windows could not be measured.", id="no figures"),
    ],
)
def test_watch_says_no_more_than_it_knows(watch: list[Verdict], outcome: str, words: str) -> None:
    found, said = outcome_of(watch, seconds=60)
    assert found == outcome
    assert words in said
