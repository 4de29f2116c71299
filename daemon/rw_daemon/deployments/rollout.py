"""A gradual release: the new one gets a growing part of the requests while a judge compares it with the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rw_daemon.clock import Clock
from rw_daemon.deployments.judge import Judge, Judgement, Limits, Verdict, is_broken, words_of
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import Router
from rw_daemon.deployments.steps import of
from rw_daemon.edge import health
from rw_daemon.edge.edge import Edge, Endpoint, Traffic
from rw_daemon.settings import Settings
from rw_daemon.store.store import ServiceRow, Store
from rw_shared.config import RolloutConfig
from rw_shared.errors import EdgeFailedError, RolloutFailedError
from rw_shared.events import RolloutJudged, RolloutShifted
from rw_shared.models import Deployment

LOOK_SECONDS = 1.0
"""Within a window: whether it is so bad that nobody needs to wait for its end, or gone."""
WINDOWS_AT_MOST = 8
"""Of one step that stays odd or cannot be measured. Then the release is taken back: a rollout never hangs, and doubt is no success."""
DEAD_PROBES = 3


class Rollout:
    """Walks the steps before the last one, which is the ordinary switch."""

    def __init__(self, *, store: Store, router: Router, edge: Edge, retirer: Retirer, clock: Clock, settings: Settings) -> None:
        self._store, self._router, self._edge, self._retirer = store, router, edge, retirer
        self._clock, self._settings = clock, settings

    async def run(
        self, deployment: Deployment, row: ServiceRow, config: RolloutConfig, endpoints: Sequence[Endpoint], ended: asyncio.Future[Any]
    ) -> str:
        """Return the last verdict in words once the new release may have everything.

        :param endpoints: of the new release. :param ended: done when one of its replicas ended.
        :raises RolloutFailedError: it did worse than the old one; the caller takes it back.
        """
        judge, words = Judge(Limits(config.max_error_rate, config.max_latency_seconds)), ""
        for share in config.steps[:-1]:
            self._router.share(deployment, share)
            await self._router.apply()
            await self._store.append(RolloutShifted(at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share))
            words = await self._step(deployment, row, config, judge, share, endpoints, ended)
        return words

    async def undo(self, deployment: Deployment) -> None:
        """Give everything back to the old release and wait for the requests that the new one still has. Nothing where it had none."""
        if not self._router.share(deployment, 0):
            return
        await self._router.apply()
        await self._store.append(RolloutShifted(at=self._clock.now(), **of(deployment), deployment=deployment.id, share=0))
        await self._retirer.drained(deployment.id)
        await self._clock.sleep(self._settings.quiet_seconds)

    async def _step(
        self,
        deployment: Deployment,
        row: ServiceRow,
        config: RolloutConfig,
        judge: Judge,
        share: int,
        endpoints: Sequence[Endpoint],
        ended: asyncio.Future[Any],
    ) -> str:
        """Look at windows until one of them is good. One without data is repeated once: then the step goes on, and says so."""
        without = 0
        for _ in range(WINDOWS_AT_MOST):
            found = await self._window(deployment, row, config, judge, share, endpoints, ended)
            await self._store.append(
                RolloutJudged(
                    at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share, verdict=found.verdict, words=found.words
                )
            )
            if found.verdict is Verdict.BAD:
                raise RolloutFailedError(deployment.service, share=share, why=found.words)
            without += found.verdict is Verdict.NO_DATA
            if found.verdict is Verdict.GOOD or without > 1:
                return f"{found.verdict}: {found.words}"
        raise RolloutFailedError(deployment.service, share=share, why=f"No good window in {WINDOWS_AT_MOST}. The last: {found.words}")

    async def _window(
        self,
        deployment: Deployment,
        row: ServiceRow,
        config: RolloutConfig,
        judge: Judge,
        share: int,
        endpoints: Sequence[Endpoint],
        ended: asyncio.Future[Any],
    ) -> Judgement:
        """Watch for a step's seconds; cut short by what needs no second look."""
        deadline = self._clock.monotonic() + config.step_seconds
        before, dead = await self._figures(deployment, row), 0
        while True:
            await self._clock.sleep(min(LOOK_SECONDS, max(deadline - self._clock.monotonic(), 0.01)))
            if ended.done():
                raise RolloutFailedError(deployment.service, share=share, why="A replica of it ended by itself.")
            dead = 0 if await self._lives(endpoints) else dead + 1
            if dead == DEAD_PROBES:
                raise RolloutFailedError(deployment.service, share=share, why=f"It did not answer {dead} times running.")
            now = await self._figures(deployment, row)
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

    async def _figures(self, deployment: Deployment, row: ServiceRow) -> tuple[Traffic, Traffic] | None:
        try:
            found = await self._edge.samples(deployment.id, row.serving)
        except EdgeFailedError:
            return None
        return found[deployment.id], found[row.serving]

    async def _lives(self, endpoints: Sequence[Endpoint]) -> bool:
        """Return whether every replica answers at all: where real requests are few, that is all that can be said."""
        timeout = self._settings.probe_timeout_seconds
        return all([await health.live(one, path="", timeout_seconds=timeout) for one in endpoints])
