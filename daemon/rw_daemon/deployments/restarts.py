"""How often a replica is started again, and after which pause. Nothing here waits or starts anything."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from rw_daemon.clock import Clock
from rw_daemon.runtimes.runtime import Exit, Instance
from rw_daemon.settings import Settings
from rw_shared.config import DeployConfig, RestartPolicy

DOUBLINGS = 16  # of a pause: beyond any longest one, and no number that a day of trying makes too large


@dataclass
class Budget:
    """What one place of a release has used up.

    :param since: when its replica was last seen to begin or to be healthy again, by a clock that never jumps.
    """

    used: int = 0
    since: float = 0.0


class Budgets:
    """The budgets of all places: replicas that end and replicas that hang spend from the same one."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock, self._settings = clock, settings
        self._budgets: dict[tuple[str, int], Budget] = {}

    def of(self, instance: Instance) -> Budget:
        """Return the budget of a replica's place, full again after one in it has lived long enough."""
        now = self._clock.monotonic()
        budget = self._budgets.setdefault((instance.key.deployment, instance.index), Budget(since=now))
        if now - budget.since > self._settings.restart_budget_refill_seconds:
            budget.used = 0
        budget.since = now
        return budget

    def begun(self, budget: Budget) -> None:
        """Count the health of a replica from now on: the time that it took to be proven was none."""
        budget.since = self._clock.monotonic()

    def drop(self, instance: Instance) -> None:
        """Forget a place that is given up: who starts it again by hand gives it all its restarts."""
        self._budgets.pop((instance.key.deployment, instance.index), None)

    def limit(self, deploy: DeployConfig) -> int:
        """Return how many restarts a place of a service has."""
        return self._settings.restart_budget if deploy.restart_policy_max_retries is None else deploy.restart_policy_max_retries

    def pause(self, instance: Instance, restarts: int) -> float:
        """Return how long a replica waits for its next start, in seconds."""
        return pause_before(
            restarts, name=instance.id, first=self._settings.restart_first_seconds, last=self._settings.restart_last_seconds
        )


def pause_before(restarts: int, *, name: str, first: float, last: float) -> float:
    """Return how long a replica waits for its next start, in seconds: doubling from ``first`` to ``last``, and up to a quarter longer.

    How much longer goes by its ``name``, so that replicas that fell together (their database was away) do not come back together.
    """
    share = int.from_bytes(blake2b(f"{name} {restarts}".encode(), digest_size=4).digest(), "big") / 2**32
    return min(first * 2.0 ** min(restarts, DOUBLINGS), last) * (1 + share / 4)


def wants_restart(deploy: DeployConfig, exit_: Exit | None) -> bool:
    """Return whether the policy starts a replica again that ended so. One that hangs (``None``) is replaced whatever it says."""
    if exit_ is None:
        return True
    if deploy.restart_policy_type is RestartPolicy.NEVER:
        return False
    return deploy.restart_policy_type is RestartPolicy.ALWAYS or exit_.code != 0 or exit_.signal != 0
