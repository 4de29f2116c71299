"""The network of each environment: there while a container of it is, or is about to be."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from rw_daemon.engines.client import Engine
from rw_daemon.runtimes.runtime import ReleaseKey
from rw_shared.errors import EngineFailedError


class Networks:
    """Makes and removes them. Services find each other there by their names."""

    def __init__(self, engine: Engine, *, home: str, is_used: Callable[[ReleaseKey], Awaitable[bool]]) -> None:
        """:param home: digest that tells this daemon's from another's. :param is_used: whether an environment has any container."""
        self._engine, self._home, self._is_used = engine, home, is_used
        self._lock = asyncio.Lock()
        self._joining: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def joined(self, key: ReleaseKey) -> AsyncIterator[str]:
        """Give the environment's network, made when it is not there; it stays as long as somebody is about to join it.

        Without that, another release's end takes it away between a replica's removal and its successor's creation.
        """
        name = self._name(key)
        self._joining[name] += 1
        try:
            await self._ensure(name, key)
            yield name
        finally:
            self._joining[name] -= 1

    async def remove(self, key: ReleaseKey) -> None:
        """Remove the environment's network if nobody is in it, or about to be."""
        name = self._name(key)
        async with self._lock:
            if self._joining[name] or await self._is_used(key):
                return
            with contextlib.suppress(EngineFailedError):  # something of the user's is attached to it
                await self._engine.request("DELETE", f"/networks/{name}", missing_ok=True)

    def _name(self, key: ReleaseKey) -> str:
        return f"rw-{key.project}-{key.environment}-{self._home}"

    async def _ensure(self, name: str, key: ReleaseKey) -> None:
        async with self._lock:
            if await self._engine.request("GET", f"/networks/{name}", missing_ok=True) is None:
                labels = {"rw.home": self._home, "rw.project": key.project, "rw.environment": key.environment}
                body = {"Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": labels}
                await self._engine.request("POST", "/networks/create", json=body)
