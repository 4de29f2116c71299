"""What was said of a release so far, read from its events in one go: the verdicts, and the watch that is not over.

Nothing of a step is kept in memory: a new daemon counts on where the one before it was killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rw_daemon.deployments.judgements import Verdict
from rw_daemon.store.store import Store
from rw_shared.events import RolloutJudged, RolloutPaced, RolloutShifted, RolloutWatched, RolloutWatchEnded, StoredEvent
from rw_shared.models import Deployment, DeploymentStatus, Pace

EVENTS_AT_MOST = 10_000
EVERYTHING = 100  # percent; steps before the last are judged at less
WINDOWS_AT_MOST = 8
"""Of one step in which something stays odd. Then the release is taken back: a rollout never hangs, and doubt is no success."""
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
    """

    last: RolloutJudged | None = None
    step: tuple[Verdict, ...] = ()
    watch: tuple[Verdict, ...] = ()
    watched: RolloutWatched | None = None


async def said_of(store: Store, deployment: str) -> Said:
    """Return what was said of a deployment's release so far."""
    return read(await store.events(deployment=deployment, limit=EVENTS_AT_MOST))


def read(events: Iterable[StoredEvent]) -> Said:
    """Return what a deployment's events say, in order; others than a rollout's are passed over."""
    last: RolloutJudged | None = None
    watched: RolloutWatched | None = None
    step: list[Verdict] = []
    watch: list[Verdict] = []
    for event in (one.event() for one in events if one.name in OURS):
        match event:
            case RolloutJudged():
                last = event
                (watch if event.share == EVERYTHING else step).append(Verdict(event.verdict))
            case RolloutShifted() | RolloutPaced():
                step = []
            case RolloutWatched():
                watched = event
            case RolloutWatchEnded():
                watched = None
    return Said(last, tuple(step), tuple(watch), watched)


def standing(deployment: Deployment, said: Said) -> str:
    """Return how a release stands that is on its way, or watched, with the last verdict; empty for any other."""
    is_watched = deployment.status is DeploymentStatus.ACTIVE and said.watched is not None
    if said.last is None or (deployment.status.is_settled and not is_watched):
        return ""
    place = "watched" if is_watched else f"{'paused ' if deployment.pace is Pace.PAUSED else ''}at {deployment.share} %"
    return f"v{deployment.version} is {place}. {said.last.verdict}: {said.last.words}"


def next_of(step: Sequence[Verdict]) -> Next:
    """Return what follows from a step's verdicts, the last of which has just been given.

    A window without data is lengthened once; then the step goes on, and says so, unless something odd was seen in it.
    """
    odd, few = step.count(Verdict.SUSPICIOUS), step.count(Verdict.NO_DATA)
    if step[-1] is Verdict.BAD or (odd and odd + few >= WINDOWS_AT_MOST):
        return Next.BACK
    if step[-1] is Verdict.GOOD or (few > 1 and not odd):
        return Next.ON
    return Next.HELD if list(step[-UNKNOWN_RUNNING:]) == [Verdict.UNKNOWN] * UNKNOWN_RUNNING else Next.AGAIN


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
