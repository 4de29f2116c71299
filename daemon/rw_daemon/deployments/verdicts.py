"""What was said of a release so far, read from its events in one go: the verdicts, and the watch that is not over.

Nothing of a step is kept in memory: a new daemon counts on where the one before it was killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from rw_daemon.deployments.counts import Pair
from rw_daemon.deployments.judge import FEW_REQUESTS, is_doubtful
from rw_daemon.deployments.judgements import Verdict
from rw_daemon.store.store import Store
from rw_shared.events import RolloutJudged, RolloutPaced, RolloutShifted, RolloutWatched, RolloutWatchEnded, StoredEvent
from rw_shared.models import Deployment, DeploymentStatus, Pace

EVENTS_AT_MOST = 10_000
EVERYTHING = 100  # percent; steps before the last are judged at less
WINDOWS_AT_MOST = 8
"""Of one step in which something stays odd. Then the release is taken back: a rollout never hangs, and doubt is no success."""
WINDOWS_UNASKED, WINDOWS_FEW = 2, 4
"""Windows running that one is lengthened to without a single request (waiting longer shows nothing), and with some of which none failed."""
UNKNOWN_RUNNING = 4
"""Windows running that could not be measured. Then the step is held: nothing is known against the release, and nothing for it."""
OURS = {one.name for one in (RolloutJudged, RolloutPaced, RolloutShifted, RolloutWatched, RolloutWatchEnded)}


class Next(StrEnum):
    """What follows from the verdicts of a step."""

    ON = "on"
    AGAIN = "again"
    HELD = "held"
    BACK = "back"


@dataclass(frozen=True)
class Said:
    """What was said of a release.

    :param last: the verdict given last.
    :param step: the verdicts since the share that it has, or since somebody's last word.
    :param watch: the windows judged after the last shift.
    :param watched: what a watch that is not over needs.
    :param paced: the last word on how it goes on, somebody's or rw's own.
    :param most: the largest share that it ever had, in percent.
    """

    last: RolloutJudged | None = None
    step: tuple[Verdict, ...] = ()
    watch: tuple[Verdict, ...] = ()
    watched: RolloutWatched | None = None
    paced: RolloutPaced | None = None
    most: int = 0


async def said_of(store: Store, deployment: str) -> Said:
    """Return what was said of a deployment's release so far."""
    return read(await store.events(deployment=deployment, limit=EVENTS_AT_MOST))


def read(events: Iterable[StoredEvent]) -> Said:
    """Return what a deployment's events say, in order; others than a rollout's are passed over."""
    last: RolloutJudged | None = None
    watched: RolloutWatched | None = None
    paced: RolloutPaced | None = None
    most = 0
    step: list[Verdict] = []
    watch: list[Verdict] = []
    for event in (one.event() for one in events if one.name in OURS):
        match event:
            case RolloutJudged():
                last = event
                (watch if event.share == EVERYTHING else step).append(Verdict(event.verdict))
            case RolloutShifted():
                step, most = [], max(most, event.share)
            case RolloutPaced():
                step, paced = [], event
            case RolloutWatched():
                watched = event
            case RolloutWatchEnded():
                watched = None
    return Said(last, tuple(step), tuple(watch), watched, paced, most)


def standing(deployment: Deployment, said: Said) -> str:
    """Return how a release stands that is on its way, or watched, with the last verdict; empty for any other."""
    is_watched = deployment.status is DeploymentStatus.ACTIVE and said.watched is not None
    is_on_its_way = not deployment.status.is_settled and bool(said.last or said.paced or said.most)
    if not is_watched and not is_on_its_way:
        return ""
    place = "watched." if is_watched else f"at {deployment.share} %."
    if deployment.pace is Pace.PAUSED and not is_watched:
        place = f"paused at {deployment.share} %: `rw rollout resume {deployment.service}` goes on."
    verdict = f" {said.last.verdict}: {said.last.words}" if said.last else ""
    return f"v{deployment.version} is {place}{verdict}"


def next_of(step: Sequence[Verdict], few: Pair | None = None) -> Next:
    """Return what follows from a step's verdicts, the last of which has just been given.

    A window with too few requests is lengthened; then the step goes on, and says so, unless something odd was seen in it.
    :param few: what both releases did in the lengthened window, where the last verdict is on that.
    """
    odd, lengthened = step.count(Verdict.SUSPICIOUS), _lengthened(step)
    if step[-1] is Verdict.BAD or odd >= WINDOWS_AT_MOST:
        return Next.BACK
    if step[-1] is Verdict.GOOD:
        return Next.ON
    if step[-1] is Verdict.NO_DATA and lengthened >= (WINDOWS_AT_MOST if odd else _most(few, lengthened)):
        return Next.BACK if _is_in_doubt(few, has_been_odd=odd > 0) else Next.ON
    return Next.HELD if list(step[-UNKNOWN_RUNNING:]) == [Verdict.UNKNOWN] * UNKNOWN_RUNNING else Next.AGAIN


def _is_in_doubt(few: Pair | None, *, has_been_odd: bool) -> bool:
    """Return whether what little there is speaks against a release. After an odd window it has to speak for it: silence will not do."""
    if has_been_odd:
        return few is None or not few[0].requests or few[0].rate > few[1].rate
    return few is not None and is_doubtful(*few)


def _lengthened(step: Sequence[Verdict]) -> int:
    """Return how many windows the last one consists of by now; those that could not be measured come between and are not counted."""
    told = [one for one in step if one is not Verdict.UNKNOWN]
    return len(list(takewhile(lambda one: one is Verdict.NO_DATA, reversed(told))))


def _most(few: Pair | None, lengthened: int) -> int:
    """Return to how many windows one is lengthened. Where enough requests came, it is a metric of the app's own that has no data.

    One that is longer already than what is known would make it knew more in a daemon that was killed: it gets its chance to know again.
    """
    most = WINDOWS_UNASKED
    if few is not None and 0 < few[0].requests < FEW_REQUESTS:
        most = WINDOWS_AT_MOST if few[0].failed else WINDOWS_FEW
    return most if lengthened <= most else WINDOWS_AT_MOST


def outcome_of(watch: Sequence[Verdict], *, seconds: float) -> tuple[str, str]:
    """Return how a watch ended that found nothing bad, and in words how much it knows."""
    without, unknown = watch.count(Verdict.NO_DATA), watch.count(Verdict.UNKNOWN)
    counts = ((without, "had too few requests"), (unknown, "could not be measured"))
    but = "".join(f"; {count} of {len(watch)} windows {what}" for count, what in counts if count)
    if unknown == len(watch):
        return "unmeasured", f"Nothing is known of it{but}."
    if without + unknown == len(watch):
        return "passed", f"Nothing is known against it, for {seconds:g} s{but}."
    return "passed", f"As good as the release before it, for {seconds:g} s{but}."
