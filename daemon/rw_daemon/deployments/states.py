"""Where a deployment may go from where it is. Anything else is a bug of the caller."""

from __future__ import annotations

from rw_shared.models import DeploymentStatus as S

_GIVEN_UP = frozenset({S.FAILED, S.CANCELLED, S.SKIPPED})

NEXT: dict[S, frozenset[S]] = {
    S.QUEUED: frozenset({S.WAITING, S.INITIALIZING, S.BUILDING}) | _GIVEN_UP,
    S.WAITING: frozenset({S.INITIALIZING, S.BUILDING, S.DEPLOYING}) | _GIVEN_UP,
    S.INITIALIZING: frozenset({S.BUILDING, S.DEPLOYING}) | _GIVEN_UP,
    S.BUILDING: frozenset({S.WAITING, S.DEPLOYING}) | _GIVEN_UP,
    S.DEPLOYING: frozenset({S.ACTIVE, S.COMPLETED, S.CRASHED, S.ROLLED_BACK}) | _GIVEN_UP,
    S.ACTIVE: frozenset({S.COMPLETED, S.CRASHED, S.SLEEPING, S.REMOVING, S.ROLLED_BACK}),
    S.SLEEPING: frozenset({S.ACTIVE, S.CRASHED, S.REMOVING}),
    S.CRASHED: frozenset({S.ACTIVE, S.REMOVING, S.REMOVED}),
    S.COMPLETED: frozenset({S.ACTIVE, S.REMOVING, S.REMOVED}),
    S.REMOVING: frozenset({S.REMOVED, S.ACTIVE, S.CRASHED}),
    S.REMOVED: frozenset(),
    S.FAILED: frozenset(),
    S.SKIPPED: frozenset(),
    S.CANCELLED: frozenset(),
    S.ROLLED_BACK: frozenset(),
}


def move(before: S, after: S) -> S:
    """Return ``after`` when the move is allowed; ``ValueError`` is a bug in the caller, users never see it."""
    if after not in NEXT[before]:
        raise ValueError(f"a deployment cannot go from {before} to {after}")
    return after
