"""Places of serving releases that are given up: nothing is started in them by itself, and the other replicas go on serving.

They are kept in memory only. A daemon that starts is told of every replica that ended, and gives it a new chance.
"""

from __future__ import annotations

from dataclasses import dataclass

from rw_daemon.deployments import explain
from rw_daemon.runtimes.runtime import Exit, Instance, Release


@dataclass(frozen=True)
class Vacancy:
    """The last replica of a place, and how it came to its end.

    :param exit: ``None`` when it did not end and hung.
    :param is_done: it ended as it should, and is not wanted any more.
    """

    instance: Instance
    exit: Exit | None
    restarts: int
    is_done: bool = False

    @property
    def ending(self) -> str:
        """How it ended, as the end of a sentence."""
        plural = "" if self.restarts == 1 else "s"
        return explain.ending(self.exit) + (f" after {self.restarts} restart{plural}" if self.restarts else "")

    @property
    def words(self) -> str:
        """How it ended, and that this is the end of it."""
        return f"{self.ending} and is {'done' if self.is_done else 'given up'}"


class Vacancies:
    """Knows which places are given up. One is not any more once something else is in it."""

    def __init__(self) -> None:
        self._left: dict[str, dict[int, Vacancy]] = {}

    def leave(self, vacancy: Vacancy) -> None:
        """Give a place up."""
        self._left.setdefault(vacancy.instance.key.deployment, {})[vacancy.instance.index] = vacancy

    def holds(self, instance: Instance) -> bool:
        """Return whether the place of a replica is given up, and the replica is the one it was given up with."""
        known = self._left.get(instance.key.deployment, {}).get(instance.index)
        return known is not None and known.instance.id == instance.id

    def of(self, release: Release) -> list[Vacancy]:
        """Return the places of a release that are given up, in the order in which they were."""
        known = self._left.get(release.key.deployment, {})
        there = {one.id for one in release.instances}
        return [one for one in known.values() if one.instance.id in there]

    def forget(self, deployment: str) -> None:
        """Forget the places of a release that came to its end."""
        self._left.pop(deployment, None)

    def told(self, release: Release, *, wanted: int) -> str:
        """Return for people how many replicas run and what became of the others; nothing where no place is given up."""
        left = self.of(release)
        if not left:
            return ""
        running = sum(one.is_running and not self.holds(one) for one in release.instances)
        each = " ".join(f"Replica {one.instance.index} {one.words}." for one in sorted(left, key=lambda one: one.instance.index))
        return f"{running} of {wanted} replicas run{'s' if running == 1 else ''}. {each} `rw restart` starts it again."
