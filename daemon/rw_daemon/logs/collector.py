"""Reads the output of every replica, once, and goes on after a restart where it stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from rw_daemon.logs import levels
from rw_daemon.logs.logs import Logs, NewLine
from rw_daemon.runtimes.runtime import Instance, Line, Runtime
from rw_daemon.variables.masking import Mask
from rw_shared.errors import RwError

log = logging.getLogger(__name__)
BACKLOG_LINES = 20_000
"""Beyond, reading waits for the disk: what an app prints waits in its own files meanwhile, not in memory."""
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.1, 5.0
DRAIN_SECONDS = 3.0


class Collector:
    """One task for each replica; a replica is never read twice."""

    def __init__(self, logs: Logs, *, mask_of: Callable[[str], Awaitable[Mask]]) -> None:
        """``mask_of`` returns what blacks out the secrets of a deployment."""
        self._logs, self._mask_of = logs, mask_of
        self._tasks: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def attach(self, instance: Instance, runtime: Runtime) -> None:
        """Begin to read a replica's output, unless that is done already."""
        known = self._tasks.get(instance.id)
        if known is None or known[1].done():
            task = asyncio.get_running_loop().create_task(self._collect(instance, runtime), name=f"logs of {instance.id}")
            self._tasks[instance.id] = (instance.key.deployment, task)

    async def _collect(self, instance: Instance, runtime: Runtime) -> None:
        key, pause = instance.key, FIRST_PAUSE_SECONDS
        place = await self._logs.place(project=key.project, environment=key.environment, service=key.service, instance=instance.id)
        mask: Mask | None = None
        while True:
            try:
                mask = mask or await self._mask_of(key.deployment)
                async for line in runtime.lines(instance, after=place):
                    self._logs.append((self._line(instance, line, mask(line.text)),))
                    place, pause = line.cursor, FIRST_PAUSE_SECONDS
                    if self._logs.backlog > BACKLOG_LINES:
                        await self._logs.flushed()
                return
            except RwError as error:
                log.warning("the output of %s cannot be read: %s", instance.id, error.why)
            except Exception:
                log.exception("the output of %s cannot be read", instance.id)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _line(self, instance: Instance, line: Line, text: str) -> NewLine:
        level, message, attrs = levels.read(text)
        key = instance.key
        return NewLine(
            ts=line.at,
            project=key.project,
            environment=key.environment,
            service=key.service,
            deployment=key.deployment,
            version=key.version,
            replica=instance.index,
            stream=line.stream,
            level=level,
            message=message,
            attrs=attrs,
            instance=instance.id,
            place=line.cursor,
        )

    async def drain(self, deployment: str) -> None:
        """Wait until the output of a deployment's ended replicas is read to its end, at most a few seconds."""
        tasks = [task for owner, task in self._tasks.values() if owner == deployment]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        await self._logs.flushed()

    def detach(self, deployment: str) -> None:
        """Stop reading a deployment: its replicas are gone."""
        for name, (owner, task) in list(self._tasks.items()):
            if owner == deployment:
                task.cancel()
                del self._tasks[name]

    async def close(self) -> None:
        """Stop reading everything; the next daemon goes on."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
