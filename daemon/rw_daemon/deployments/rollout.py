"""A gradual release: the new one gets a growing part of the requests while a judge compares it with the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.deployments.judge import Judge, Judgement, Limits, Verdict, is_broken, words_of
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import Router
from rw_daemon.deployments.steps import of
from rw_daemon.edge import health
from rw_daemon.edge.edge import Edge, Endpoint, Traffic
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_shared.config import RolloutConfig
from rw_shared.errors import EdgeFailedError, RolloutFailedError
from rw_shared.events import RolloutJudged, RolloutShifted
from rw_shared.models import Deployment

LOOK_SECONDS = 1.0
"""Within a window: whether it is so bad that nobody needs to wait for its end, or gone."""
WINDOWS_AT_MOST = 8
"""Of one step that stays odd or cannot be measured. Then the release is taken back: a rollout never hangs, and doubt is no success."""
DEAD_PROBES = 3


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


class Rollout:
    """Walks the steps before the last one, which is the ordinary switch."""

    def __init__(self, *, store: Store, router: Router, edge: Edge, retirer: Retirer, clock: Clock, settings: Settings) -> None:
        self._store, self._router, self._edge, self._retirer = store, router, edge, retirer
        self._clock, self._settings = clock, settings

    async def run(self, trial: Trial) -> None:
        """Return once the new release may have everything.

        :raises RolloutFailedError: it did worse than the old one; the caller takes it back.
        """
        judge = Judge(Limits(trial.config.max_error_rate, trial.config.max_latency_seconds))
        for share in trial.config.steps[:-1]:
            self._router.share(trial.deployment, share)
            await self._shifted(trial.deployment, share)
            await self._step(trial, judge, share)

    async def undo(self, deployment: Deployment) -> None:
        """Give everything back to the old release and wait for the requests that the new one still has. Nothing where it had none."""
        if not self._router.share(deployment, 0):
            return
        await self._shifted(deployment, 0)
        await self._retirer.quiet(deployment.id)

    async def _shifted(self, deployment: Deployment, share: int) -> None:
        await self._router.apply()
        await self._store.append(RolloutShifted(at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share))

    async def _step(self, trial: Trial, judge: Judge, share: int) -> None:
        """Look at windows until one of them is good. One without data is repeated once: then the step goes on, and says so."""
        deployment, without = trial.deployment, 0
        for _ in range(WINDOWS_AT_MOST):
            found = await self._window(trial, judge, share)
            await self._store.append(
                RolloutJudged(
                    at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share, verdict=found.verdict, words=found.words
                )
            )
            if found.verdict is Verdict.BAD:
                raise trial.failed(share, found.words)
            without += found.verdict is Verdict.NO_DATA
            if found.verdict is Verdict.GOOD or without > 1:
                return
        raise trial.failed(share, f"No good window in {WINDOWS_AT_MOST}. The last: {found.words}")

    async def _window(self, trial: Trial, judge: Judge, share: int) -> Judgement:
        """Watch for a step's seconds; cut short by what needs no second look."""
        deadline = self._clock.monotonic() + trial.config.step_seconds
        before, dead = await self._figures(trial), 0
        while True:
            await self._clock.sleep(min(LOOK_SECONDS, max(deadline - self._clock.monotonic(), 0.01)))
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
                return judge.window(new, old)

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
