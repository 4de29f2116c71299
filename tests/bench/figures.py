"""What a measurement returns: figures with their units, and how they are timed and shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

ROUNDS = 5
REST_SECONDS = 1.0


@dataclass(frozen=True)
class Figure:
    """One figure. ``goal`` is in words, ``note`` what else has to be known of it."""

    what: str
    value: float
    unit: str
    goal: str = ""
    note: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether something failed of which nothing may: no matter of a machine's pace."""
        return self.goal == "0" and self.value > 0

    def row(self, target: str) -> str:
        """Return its row of a table."""
        where = f", {target}" if target else ""
        more = f" (goal {self.goal})" if self.goal else ""
        return f"| {self.what}{where} | {shown(self.value)} {self.unit}{more}{self.note and f'; {self.note}'} |"

    def to_json(self, target: str) -> dict[str, Any]:
        """Return it for a script."""
        return {"target": target, **asdict(self)}


@dataclass(frozen=True)
class Run:
    """How to measure: on which target, and whether a short proof is enough that it can be measured at all."""

    target: str
    is_short: bool = False

    def rounds(self, count: int = ROUNDS) -> int:
        """Return ``count``, or the two that a short run has."""
        return min(count, 2) if self.is_short else count


Measurement = Callable[[Run], Iterator[Figure]]


def shown(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def seconds(work: Callable[[], object], *, rounds: int) -> float:
    """Return the median time of ``work``."""
    return in_turn(work, rounds=rounds)[0]


def in_turn(*works: Callable[[], object], rounds: int) -> list[float]:
    """Return the median times in seconds, taken in turn: the machine's own pace changes within minutes.

    Between two of them there is a rest, so that one does not pay for what the other leaves behind (an old release that stops).
    """
    found: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for times, work in zip(found, works, strict=True):
            if len(works) > 1:
                time.sleep(REST_SECONDS)
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    return [statistics.median(times) for times in found]
