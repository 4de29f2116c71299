"""One window of a release that is compared with the one before it: cut short by what needs no second look, and by somebody's word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rw_daemon.clock import Clock, rest
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
ALIVE = "it answers rw's own requests"
ASKED_ONLY = f"No share of the requests yet; {ALIVE}"


@dataclass(frozen=True)
class Trial:
    """A new release that is compared with an old one.

    :param serving: the old release's deployment. :param endpoints: of the new one, to be asked whether they live.
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
    """What somebody wants of a release that is being judged."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_aborted: bool = False


@dataclass
class Window:
    """A window that is being looked at.

    :param before: the edge's figures at its beginning, of both releases. :param seen: what came since; ``None`` when nobody knows.
    :param dead: probes running that were not answered.
    """

    start: Start
    before: tuple[Traffic, Traffic] | None
    seen: tuple[Traffic, Traffic] | None = None
    dead: int = 0


class Windows:
    """Looks at windows."""

    def __init__(self, edge: Edge, meters: Meters, clock: Clock, settings: Settings) -> None:
        self._edge, self._meters, self._clock, self._settings = edge, meters, clock, settings

    async def look(self, trial: Trial, judge: Judge, told: Told, *, share: int, seconds: float) -> Judgement | None:
        """Return the verdict on the next ``seconds``; ``None`` when somebody said something meanwhile.

        :raises RolloutFailedError: somebody aborted it, a replica ended, or it does not answer.
        """
        deadline = self._clock.monotonic() + seconds
        window = Window(await self._meters.start(trial.gauged), await self._figures(trial))
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
        window.dead = 0 if await self._lives(trial.endpoints) else window.dead + 1
        if window.dead == DEAD_PROBES:
            raise trial.failed(share, f"It did not answer {DEAD_PROBES} times running.")
        now = await self._figures(trial)
        window.seen = _between(window.before, now, trial.before)
        window.before = window.before if window.seen else now
        if window.seen and is_broken(window.seen[0]):
            return Judgement(Verdict.BAD, words_of(*window.seen))
        return None

    async def _judged(self, trial: Trial, judge: Judge, window: Window, told: Told, share: int) -> Judgement | None:
        """Return the verdict on a window that is over. A command may take its time: meanwhile the release is looked at as before."""
        seen = window.seen
        measuring = asyncio.ensure_future(self._meters.end(trial.gauged, window.start, seen))
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

    def _edges(self, judge: Judge, seen: tuple[Traffic, Traffic] | None, *, share: int, is_asked: bool) -> Judgement:
        """Return what the edge saw of a window, and of a release that had few requests, that it lives at least."""
        if seen is None:
            return Judgement(Verdict.UNKNOWN, "The edge gave no figures.")
        found = judge.window(*seen)
        if found.verdict is not Verdict.NO_DATA or not is_asked:
            return found
        return Judgement(Verdict.NO_DATA, f"{found.words}; {ALIVE}") if share else Judgement(Verdict.GOOD, ASKED_ONLY)

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


def _between(
    before: tuple[Traffic, Traffic] | None, now: tuple[Traffic, Traffic] | None, fixed: Traffic | None
) -> tuple[Traffic, Traffic] | None:
    """Return what came in between; ``None`` when the proxy could not be read, or began to count anew. ``fixed`` stands for the old one."""
    if before is None or now is None:
        return None
    try:
        return now[0].since(before[0]), now[1].since(before[1]) if fixed is None else fixed
    except ValueError:
        return None


def _heard(trial: Trial, told: Told, share: int) -> bool:
    """Return whether somebody said something; ``RolloutFailedError`` when it was to take the release back."""
    if told.is_aborted:
        raise trial.failed(share, "It was aborted by hand.")
    return told.news.is_set()


async def _woken(work: asyncio.Future[Any], news: asyncio.Event) -> None:
    """Return when the work is done, somebody says something, or it is time to look again."""
    said = asyncio.ensure_future(news.wait())
    await asyncio.wait({work, said}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    said.cancel()
