"""What follows from the verdicts of a step and of a watch: tables, and that every step comes to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rw_daemon.deployments.counts import Pair
from rw_daemon.deployments.judgements import Verdict
from rw_daemon.deployments.verdicts import Next, next_of, outcome_of
from rw_daemon.edge.edge import Traffic

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
        pytest.param([ODD, *[FEW] * 7], Next.AGAIN, id="odd, and nobody can tell for long"),
        pytest.param([ODD, *[FEW] * 8], Next.BACK, id="odd, and nobody ever can tell"),
        pytest.param([*[FEW] * 7, ODD, *[FEW] * 7], Next.AGAIN, id="odd in a window that was lengthened, and lengthened again"),
        pytest.param([LOST] * 3, Next.AGAIN, id="three that could not be measured"),
        pytest.param([LOST] * 4, Next.HELD, id="four running"),
        pytest.param([LOST, LOST, FEW, LOST, LOST], Next.AGAIN, id="four, and one between"),
        pytest.param([LOST] * 3 + [GOOD], Next.ON, id="measured at last"),
        pytest.param([LOST] * 3 + [BAD], Next.BACK, id="measured at last, and bad"),
    ],
)
def test_what_follows(step: list[Verdict], follows: Next) -> None:
    assert next_of(step) is follows


@pytest.mark.parametrize(
    ("windows", "few", "follows"),
    [
        pytest.param(2, (Traffic(0), Traffic(9)), Next.ON, id="nobody asks"),
        pytest.param(3, (Traffic(3), Traffic(9)), Next.AGAIN, id="few"),
        pytest.param(4, (Traffic(3), Traffic(9)), Next.ON, id="few, to the end"),
        pytest.param(7, (Traffic(9, 9), Traffic(9)), Next.AGAIN, id="some fail"),
        pytest.param(8, (Traffic(9, 4), Traffic(9)), Next.ON, id="some fail, to the end"),
        pytest.param(8, (Traffic(9, 5), Traffic(9)), Next.BACK, id="half fail, to the end"),
        pytest.param(8, (Traffic(9, 5), Traffic(9, 9)), Next.ON, id="half fail, of the old one more"),
        pytest.param(8, (Traffic(1, 1), Traffic(0)), Next.BACK, id="the only one fails, and nothing to compare with"),
        pytest.param(5, (Traffic(0), Traffic(9)), Next.AGAIN, id="nobody asks any more, and a daemon that was killed knew more"),
        pytest.param(1, (Traffic(150), Traffic(900)), Next.AGAIN, id="a metric has no data"),
        pytest.param(2, (Traffic(150, 1), Traffic(900)), Next.ON, id="a metric has no data after all"),
    ],
)
def test_window_is_lengthened_by_what_was_asked_and_failed(windows: int, few: Pair, follows: Next) -> None:
    assert next_of([FEW] * windows, few) is follows
    assert next_of([LOST, *[FEW] * (windows - 1), LOST, FEW], few) is follows


@pytest.mark.parametrize(
    ("few", "follows"),
    [
        pytest.param((Traffic(9), Traffic(90)), Next.ON, id="the few are answered"),
        pytest.param((Traffic(9, 1), Traffic(90, 10)), Next.ON, id="as the old one's"),
        pytest.param((Traffic(9, 1), Traffic(90, 9)), Next.BACK, id="worse than the old one's"),
        pytest.param((Traffic(0), Traffic(90)), Next.BACK, id="nobody asks"),
    ],
)
def test_after_an_odd_window_few_requests_have_to_clear_the_release(few: Pair, follows: Next) -> None:
    assert next_of([ODD, *[FEW] * 7], few) is Next.AGAIN
    assert next_of([ODD, *[FEW] * 8], few) is follows


SEEN = st.sampled_from([None, *((Traffic(new, failed), Traffic(9, 1)) for new, failed in ((0, 0), (3, 0), (3, 1), (3, 3), (50, 1)))])


@given(st.lists(st.tuples(st.sampled_from(Verdict), SEEN), min_size=300, max_size=300))
def test_every_step_ends_or_is_held(found: list[tuple[Verdict, Pair | None]]) -> None:
    verdicts = [one for one, _ in found]
    follows = [next_of(verdicts[:count], found[count - 1][1]) for count in range(1, len(verdicts) + 1)]
    ended = next(place for place, one in enumerate(follows) if one is not Next.AGAIN)
    seen = verdicts[: ended + 1]
    if follows[ended] is Next.ON:
        assert seen[-1] is GOOD or (seen[-1] is FEW and (2 <= seen.count(FEW) <= 8 or ODD in seen))
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
