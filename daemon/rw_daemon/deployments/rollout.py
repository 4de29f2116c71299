"""A gradual release: the new one gets a growing part of the requests while a judge compares it with the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rw_daemon.clock import Clock, rest
from rw_daemon.deployments.judge import Judge, Judgement, Limits, Verdict, is_broken, words_of
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import Router, is_proven
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.edge import health
from rw_daemon.edge.edge import Edge, Endpoint, Traffic
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_shared.config import RolloutConfig, Strategy
from rw_shared.errors import EdgeFailedError, RolloutFailedError
from rw_shared.events import RolloutJudged, RolloutPaced, RolloutShifted
from rw_shared.models import Deployment, Pace

LOOK_SECONDS = 1.0
"""Within a window: whether it is so bad that nobody needs to wait for its end, or gone."""
WINDOWS_AT_MOST = 8
"""Of one step that stays odd or cannot be measured. Then the release is taken back: a rollout never hangs, and doubt is no success."""
DEAD_PROBES = 3
IN_STEPS = {Strategy.GRADUAL, Strategy.BLUE_GREEN}
ASKED_ONLY = "No share of the requests yet; it answers rw's own."


@dataclass(frozen=True)
class Trial:
    """A new release beside the one that serves.

    :param serving: the old release's deployment. :param endpoints: of the new one. :param ended: done when a replica of it ended.
    """

    deployment: Deployment
    serving: str
    config: RolloutConfig
    endpoints: Sequence[Endpoint]
    ended: asyncio.Future[Any]

    def failed(self, share: int, why: str) -> RolloutFailedError:
        """Return the error of having been taken back at ``share`` percent."""
        return RolloutFailedError(self.deployment.service, share=share, why=why)


@dataclass
class Told:
    """What somebody wants of a rollout that is going on."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_aborted: bool = False


def shares_of(config: RolloutConfig) -> tuple[int, ...]:
    """Return the steps before everything, in percent. A blue-green release has none of the requests until it has all of them."""
    return (0,) if config.strategy is Strategy.BLUE_GREEN else config.steps[:-1]


class Rollout:
    """Walks the steps before the last one, which is the ordinary switch."""

    def __init__(
        self, *, store: Store, recorder: Recorder, router: Router, edge: Edge, retirer: Retirer, clock: Clock, settings: Settings
    ) -> None:
        self._store, self._recorder, self._router, self._edge, self._retirer = store, recorder, router, edge, retirer
        self._clock, self._settings = clock, settings
        self._told: dict[str, Told] = {}

    async def run(self, trial: Trial) -> None:
        """Return once the new release may have everything. One that a daemon before this one began goes on at the share it has.

        :raises RolloutFailedError: it did worse than the old one, or somebody aborted it; the caller takes it back.
        """
        deployment = trial.deployment
        self._told[deployment.id] = Told()
        try:
            judge = Judge(Limits(trial.config.max_error_rate, trial.config.max_latency_seconds))
            if not trial.config.auto_promote and deployment.pace is Pace.STEPS and not deployment.share:
                await self.pace(deployment, Pace.PAUSED, actor="rw")
            for share in shares_of(trial.config):
                if await self._pace_of(deployment) is Pace.PROMOTED:
                    return
                if share >= deployment.share:
                    await self._shifted(deployment, share)
                    await self._step(trial, judge, share)
        finally:
            del self._told[deployment.id]

    async def pace(self, deployment: Deployment, pace: Pace, *, actor: str) -> None:
        """Have a rollout wait, go on, or skip the rest of its steps; also one whose steps have not begun."""
        await self._store.append(RolloutPaced(at=self._clock.now(), **of(deployment), actor=actor, deployment=deployment.id, pace=pace))
        if told := self._told.get(deployment.id):
            told.news.set()

    def abort(self, deployment: str) -> bool:
        """Have a rollout's release taken back; ``False`` where its steps are not being walked."""
        told = self._told.get(deployment)
        if told is not None:
            told.is_aborted = True
            told.news.set()
        return told is not None

    async def undo(self, deployment: Deployment) -> None:
        """Give everything back to the old release and wait for the requests that the new one still has. Nothing where it had none."""
        if is_proven(deployment):
            await self._shifted(deployment, 0)
            await self._retirer.quiet(deployment.id)

    async def _shifted(self, deployment: Deployment, share: int) -> None:
        event = RolloutShifted(at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share)
        is_news = share != (await self._recorder.read(deployment.id)).share
        await self._router.apply(shares={deployment.id: share}, record=lambda: (event,) if is_news else ())

    async def _pace_of(self, deployment: Deployment) -> Pace:
        return (await self._recorder.read(deployment.id)).pace

    async def _step(self, trial: Trial, judge: Judge, share: int) -> None:
        """Look at windows until one of them is good. One without data is repeated once: then the step goes on, and says so.

        While it is paused, windows are judged as well, since a bad release is taken back all the same; a good one waits.
        """
        deployment, windows, without, last = trial.deployment, 0, 0, ""
        given_up = self._clock.monotonic() + self._settings.paused_seconds
        while windows < WINDOWS_AT_MOST:
            pace = await self._pace_of(deployment)
            if pace is Pace.PROMOTED:
                return
            found = await self._window(trial, judge, share)
            if found is None:
                continue  # somebody said something: what was seen so far is not a whole window
            is_paused = pace is Pace.PAUSED
            if not is_paused or found.verdict != last:  # a pause may last for hours
                await self._judged(deployment, share, found)
            last = found.verdict
            if found.verdict is Verdict.BAD:
                raise trial.failed(share, found.words)
            if is_paused:
                if self._clock.monotonic() >= given_up:
                    raise trial.failed(share, f"It was paused for {self._settings.paused_seconds / 3600:.0f} h and nobody resumed it.")
                continue
            windows += 1
            without += found.verdict is Verdict.NO_DATA
            if found.verdict is Verdict.GOOD or without > 1:
                return
        raise trial.failed(share, f"No good window in {WINDOWS_AT_MOST}. The last verdict: {last}.")

    async def _judged(self, deployment: Deployment, share: int, found: Judgement) -> None:
        await self._store.append(
            RolloutJudged(
                at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share, verdict=found.verdict, words=found.words
            )
        )

    async def _window(self, trial: Trial, judge: Judge, share: int) -> Judgement | None:
        """Watch for a step's seconds; cut short by what needs no second look, and by somebody's word: ``None``."""
        told = self._told[trial.deployment.id]
        told.news.clear()
        deadline = self._clock.monotonic() + trial.config.step_seconds
        before, dead = await self._figures(trial), 0
        while True:
            if told.is_aborted:
                raise trial.failed(share, "It was aborted by hand.")
            if told.news.is_set():
                return None
            await rest(self._clock, min(LOOK_SECONDS, max(deadline - self._clock.monotonic(), 0.01)), unless=told.news)
            if trial.ended.done():
                raise trial.failed(share, "A replica of it ended by itself.")
            dead = 0 if await self._lives(trial.endpoints) else dead + 1
            if dead == DEAD_PROBES:
                raise trial.failed(share, f"It did not answer {dead} times running.")
            now = await self._figures(trial)
            is_over = self._clock.monotonic() >= deadline
            try:
                if before is None or now is None:
                    raise ValueError("no figures")
                new, old = (one.since(earlier) for one, earlier in zip(now, before, strict=True))
            except ValueError:  # the proxy could not be read, or began to count anew
                if is_over:
                    return Judgement(Verdict.UNKNOWN, "The edge gave no figures.")
                before = now
                continue
            if is_broken(new):
                return Judgement(Verdict.BAD, words_of(new, old))
            if is_over:
                found = judge.window(new, old)
                return Judgement(Verdict.GOOD, ASKED_ONLY) if not share and found.verdict is Verdict.NO_DATA else found

    async def _figures(self, trial: Trial) -> tuple[Traffic, Traffic] | None:
        try:
            found = await self._edge.samples(trial.deployment.id, trial.serving)
        except EdgeFailedError:
            return None
        return found[trial.deployment.id], found[trial.serving]

    async def _lives(self, endpoints: Sequence[Endpoint]) -> bool:
        """Return whether every replica answers at all: where real requests are few, that is all that can be said."""
        timeout = self._settings.probe_timeout_seconds
        return all(await asyncio.gather(*(health.live(one, path="", timeout_seconds=timeout) for one in endpoints)))
