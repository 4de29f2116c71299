"""One window of a release that is compared with the one before it: cut short by what needs no second look, and by somebody's word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from rw_daemon.clock import Clock, rest
from rw_daemon.deployments.judge import Judge, Judgement, Verdict, is_broken, words_of
from rw_daemon.edge import health
from rw_daemon.edge.edge import Edge, Endpoint, Traffic
from rw_daemon.runtimes.runtime import Instance
from rw_daemon.settings import Settings
from rw_shared.config import RolloutConfig
from rw_shared.errors import EdgeFailedError, RolloutFailedError
from rw_shared.models import Deployment

LOOK_SECONDS = 1.0
"""Within a window: whether it is so bad that nobody needs to wait for its end, or gone."""
DEAD_PROBES = 3
ASKED_ONLY = "No share of the requests yet; it answers rw's own."


@dataclass(frozen=True)
class Trial:
    """A new release that is compared with an old one.

    :param serving: the old release's deployment. :param endpoints: of the new one, to be asked whether they live.
    :param ended: done when a replica of it ended. :param ending: says in words how it did.
    :param before: what the old one did while it had the requests; without it, both are looked at in the same window.
    """

    deployment: Deployment
    serving: str
    config: RolloutConfig
    endpoints: Sequence[Endpoint]
    ended: asyncio.Future[Instance]
    ending: Callable[[Instance], Awaitable[str]]
    before: Traffic | None = None

    def failed(self, share: int, why: str) -> RolloutFailedError:
        """Return the error of having been taken back at ``share`` percent."""
        return RolloutFailedError(self.deployment.service, share=share, why=why)


@dataclass
class Told:
    """What somebody wants of a release that is being judged."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_aborted: bool = False


class Windows:
    """Looks at windows."""

    def __init__(self, edge: Edge, clock: Clock, settings: Settings) -> None:
        self._edge, self._clock, self._settings = edge, clock, settings

    async def look(self, trial: Trial, judge: Judge, told: Told, *, share: int, seconds: float) -> Judgement | None:
        """Return the verdict on the next ``seconds``; ``None`` when somebody said something meanwhile.

        :raises RolloutFailedError: somebody aborted it, a replica ended, or it does not answer.
        """
        deadline = self._clock.monotonic() + seconds
        before, dead = await self._figures(trial), 0
        while True:
            if told.is_aborted:
                raise trial.failed(share, "It was aborted by hand.")
            if told.news.is_set():
                return None
            await rest(self._clock, min(LOOK_SECONDS, max(deadline - self._clock.monotonic(), 0.01)), unless=told.news)
            if trial.ended.done():
                raise trial.failed(share, await trial.ending(trial.ended.result()))
            dead = 0 if await self._lives(trial.endpoints) else dead + 1
            if dead == DEAD_PROBES:
                raise trial.failed(share, f"It did not answer {dead} times running.")
            now = await self._figures(trial)
            is_over = self._clock.monotonic() >= deadline
            try:
                new, old = _between(before, now)
            except ValueError:  # the proxy could not be read, or began to count anew
                if is_over:
                    return Judgement(Verdict.UNKNOWN, "The edge gave no figures.")
                before = now
                continue
            old = old if trial.before is None else trial.before
            if is_broken(new):
                return Judgement(Verdict.BAD, words_of(new, old))
            if is_over:
                found = judge.window(new, old)
                return Judgement(Verdict.GOOD, ASKED_ONLY) if not share and found.verdict is Verdict.NO_DATA else found

    async def _figures(self, trial: Trial) -> tuple[Traffic, Traffic] | None:
        new, serving = trial.deployment.id, trial.serving if trial.before is None else trial.deployment.id
        try:
            found = await self._edge.samples(new, serving)
        except EdgeFailedError:
            return None
        return found[new], found[serving]

    async def _lives(self, endpoints: Sequence[Endpoint]) -> bool:
        """Return whether every replica answers at all: where real requests are few, that is all that can be said."""
        timeout = self._settings.probe_timeout_seconds
        return all(await asyncio.gather(*(health.live(one, path="", timeout_seconds=timeout) for one in endpoints)))


def _between(before: tuple[Traffic, Traffic] | None, now: tuple[Traffic, Traffic] | None) -> tuple[Traffic, Traffic]:
    if before is None or now is None:
        raise ValueError("no figures")
    return now[0].since(before[0]), now[1].since(before[1])
