"""The ends of replicas, told to whoever waits: the proof of a new release, and the supervisor of the old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rw_daemon.runtimes.runtime import Instance, Runtime


class Exits:
    """Hands each end of a replica to the ones that listen for its deployment, and to the supervisor."""

    def __init__(self, listener: Callable[[Instance], None]) -> None:
        """:param listener: is told of each end that nobody waits for."""
        self._waiting: dict[str, asyncio.Future[Instance]] = {}
        self._listener = listener
        self._alarms: dict[str, asyncio.Future[Instance]] = {}

    def alarm(self, deployment: str) -> asyncio.Future[Instance]:
        """Return a future that gets the first replica of a serving release that ended, or does not answer, from now on."""
        made = self._alarms[deployment] = asyncio.get_running_loop().create_future()
        made.add_done_callback(lambda _: self._alarms.pop(deployment, None))
        return made

    def trouble(self, instance: Instance) -> None:
        """Say that a replica ended which nobody stopped, or does not answer: the supervisor does."""
        if waiting := self._alarms.get(instance.key.deployment):
            waiting.set_result(instance)

    def first(self, deployment: str) -> asyncio.Future[Instance]:
        """Return a future that gets the first replica of ``deployment`` that ends from now on."""
        return self._waiting.setdefault(deployment, asyncio.get_running_loop().create_future())

    def forget(self, deployment: str) -> None:
        """Nobody waits for this deployment any more: from here on the supervisor is told."""
        waiting = self._waiting.pop(deployment, None)
        if waiting is not None:
            waiting.cancel()

    async def follow(self, runtime: Runtime) -> None:
        """Pass on what ``runtime`` tells, for ever."""
        async for change in runtime.watch():
            self.tell(change.instance)

    def tell(self, instance: Instance) -> None:
        """Pass on the end of one replica."""
        if instance.is_running:
            return
        waiting = self._waiting.get(instance.key.deployment)
        if waiting is not None:
            if not waiting.done():
                waiting.set_result(instance)
        else:
            self._listener(instance)
