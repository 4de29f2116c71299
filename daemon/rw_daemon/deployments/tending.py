"""Looks after the edge: brought up again whenever it ends, replaced when it hangs, told its routes until it takes them.

In a loop of its own: nothing that an app or an engine does may keep the edge waiting.
"""

from __future__ import annotations

import contextlib

from rw_daemon.clock import Clock
from rw_daemon.deployments.router import Router
from rw_daemon.edge.edge import Edge
from rw_daemon.settings import Settings
from rw_shared.errors import EdgeFailedError


class Tending:
    """Keeps the edge alive."""

    def __init__(self, edge: Edge, router: Router, clock: Clock, settings: Settings) -> None:
        self._edge, self._router, self._clock, self._settings = edge, router, clock, settings

    async def keep_up(self) -> None:
        """Bring the edge up again whenever it ends, with the routes it had."""
        while True:
            await self._edge.ended()
            await self._edge.resume()
            await self._router.apply()

    async def keep(self) -> None:
        """Tend it for ever."""
        while True:
            await self._clock.sleep(self._settings.liveness_period_seconds)
            await self.tend()

    async def tend(self) -> None:
        """Look after it once; routes that it did not take are handed to it again."""
        await self._edge.tend()
        with contextlib.suppress(EdgeFailedError):
            await self._router.catch_up()
