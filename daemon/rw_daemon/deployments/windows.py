"""One window of a release that is compared with the one before it: cut short by what needs no second look, and by somebody's word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rw_daemon.clock import Clock, rest
from rw_daemon.deployments.counts import Count, Pair
from rw_daemon.deployments.judge import Judge, is_broken, words_of
from rw_daemon.deployments.judgements import Judgement, Verdict
from rw_daemon.deployments.meters import Gauged, Meters, Start
from rw_daemon.deployments.targets import Target
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
ABORTED = "It was aborted by hand."
ALIVE = "it answers rw's own requests"
ASKED_ONLY = f"No share of the requests yet; {ALIVE}"


@dataclass(frozen=True)
class Trial:
    """A new release that is compared with an old one.

    :param serving: the old release's deployment. :param endpoints: of the new one, to be asked whether they live, at ``health_path``
        where the app has one.
    :param ended: done when a replica of it ended. :param ending: says in words how it did. :param target: where both run.
    :param before: what the old one did while it had the requests; without it, both are looked at in the same window.
    """

    deployment: Deployment
    serving: str
    config: RolloutConfig
    endpoints: Sequence[Endpoint]
    ended: asyncio.Future[Instance]
    ending: Callable[[Instance], Awaitable[str]]
    target: Target
    before: Traffic | None = None
    health_path: str = ""

    @property
    def gauged(self) -> Gauged:
        """What of the app's own is looked at. A metric that says nothing but in comparison is left out where there is none."""
        metrics = [one for one in self.config.metrics if self.before is None or not one.is_relative]
        return Gauged(self.deployment, self.target, metrics, self.serving if self.before is None else "")

    def failed(self, share: int, why: str) -> RolloutFailedError:
        """Return the error of having been taken back at ``share`` percent."""
        return RolloutFailedError(self.deployment.service, share=share, why=why)


@dataclass
class Told:
    """What somebody wants of a release that is being judged.

    :param is_switching: it is about to have every request: what is said from now on may come too late.
    """

    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_aborted: bool = False
    is_switching: bool = False


@dataclass
class Window:
    """A window that is being looked at.

    :param start: what the app's own metrics were at its beginning. :param own: the requests of this window alone, which they go by.
    :param count: those that are judged, of the windows before as well where they were too few. :param dead: probes running that failed.
    """

    start: Start
    own: Count
    count: Count
    dead: int = 0

    def read(self, now: Pair | None) -> None:
        """Take the edge's counters."""
        self.own.read(now)
        self.count.read(now)


class Windows:
    """Looks at windows."""

    def __init__(self, edge: Edge, meters: Meters, clock: Clock, settings: Settings) -> None:
        self._edge, self._meters, self._clock, self._settings = edge, meters, clock, settings

    async def look(self, trial: Trial, judge: Judge, told: Told, *, share: int, seconds: float) -> Judgement | None:
        """Return the verdict on the next ``seconds``, and on those before where they had too few requests; ``None`` when somebody said
        something meanwhile.

        :raises RolloutFailedError: somebody aborted it, a replica ended, or it does not answer.
        """
        deadline = self._clock.monotonic() + seconds
        window = Window(await self._meters.start(trial.gauged), Count(fixed=trial.before), judge.count)
        window.read(await self._figures(trial))
        while True:
            if _heard(trial, told, share):
                return None
            await rest(self._clock, min(LOOK_SECONDS, max(deadline - self._clock.monotonic(), 0.01)), unless=told.news)
            if bad := await self._glance(trial, window, share):
                return bad
            if self._clock.monotonic() >= deadline:
                return await self._judged(trial, judge, window, told, share)

    async def _glance(self, trial: Trial, window: Window, share: int) -> Judgement | None:
        """Return a verdict where nobody needs to wait for the window's end; ``RolloutFailedError`` as ``look``."""
        if trial.ended.done():
            raise trial.failed(share, await trial.ending(trial.ended.result()))
        window.dead = 0 if await self._lives(trial) else window.dead + 1
        if window.dead == DEAD_PROBES:
            raise trial.failed(share, f"{_unanswered(trial.health_path)} {DEAD_PROBES} times running.")
        window.read(await self._figures(trial))
        seen = window.count.seen
        return Judgement(Verdict.BAD, words_of(*seen)) if seen and is_broken(seen[0]) else None

    async def _judged(self, trial: Trial, judge: Judge, window: Window, told: Told, share: int) -> Judgement | None:
        """Return the verdict on a window that is over. A command may take its time: meanwhile the release is looked at as before."""
        seen = window.count.seen
        measuring = asyncio.ensure_future(self._meters.end(trial.gauged, window.start, window.own.seen))
        try:
            while not measuring.done():
                await _woken(measuring, told.news)
                if _heard(trial, told, share):
                    return None
                if not measuring.done() and (bad := await self._glance(trial, window, share)):
                    return bad
            return judge.metrics.judge(self._edges(judge, seen, share=share, is_asked=bool(trial.endpoints)), measuring.result())
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)

    def _edges(self, judge: Judge, seen: Pair | None, *, share: int, is_asked: bool) -> Judgement:
        """Return what the edge saw of a window, and of a release that had few requests, that it lives at least."""
        if seen is None:
            return Judgement(Verdict.UNKNOWN, "The edge gave no figures.")
        found = judge.window(*seen)
        if found.verdict is not Verdict.NO_DATA or not is_asked:
            return found
        return replace(found, words=f"{found.words}; {ALIVE}") if share else Judgement(Verdict.GOOD, ASKED_ONLY)

    async def _figures(self, trial: Trial) -> Pair | None:
        new, serving = trial.deployment.id, trial.serving if trial.before is None else trial.deployment.id
        try:
            found = await self._edge.samples(new, serving)
        except EdgeFailedError:
            return None
        return found[new], found[serving]

    async def _lives(self, trial: Trial) -> bool:
        """Return whether every replica is well, by its health path, or answers at all: of few requests nothing else is known."""
        timeout = self._settings.probe_timeout_seconds
        asked = (health.live(one, path=trial.health_path, timeout_seconds=timeout) for one in trial.endpoints)
        return all(await asyncio.gather(*asked))


def _unanswered(path: str) -> str:
    return f"GET {path} did not answer below 500" if path else "It did not answer"


def _heard(trial: Trial, told: Told, share: int) -> bool:
    """Return whether somebody said something; ``RolloutFailedError`` when it was to take the release back."""
    if told.is_aborted:
        raise trial.failed(share, ABORTED)
    return told.news.is_set()


async def _woken(work: asyncio.Future[Any], news: asyncio.Event) -> None:
    """Return when the work is done, somebody says something, or it is time to look again."""
    said = asyncio.ensure_future(news.wait())
    await asyncio.wait({work, said}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    said.cancel()
