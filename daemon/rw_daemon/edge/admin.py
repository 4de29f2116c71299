"""Envoy's admin socket: which version is in force, how many requests are open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from rw_shared.errors import EdgeFailedError

CALL_SECONDS = 3.0


class Admin:
    """A client whose connections are not kept: the socket is a new one after each start of Envoy."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_keepalive_connections=0))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://envoy", timeout=CALL_SECONDS)

    async def is_ready(self, *, epoch: int = -1) -> bool:
        """Return whether Envoy answers and serves: any, or the one of a hot restart (the one before answers for a while)."""
        if not self._socket.exists():
            return False
        try:
            if epoch == -1:  # asked at each change of routes: one word instead of 20 kB
                return (await self._client.get("/ready")).text.strip() == "LIVE"
            found: dict[str, Any] = (await self._client.get("/server_info")).json()
        except (httpx.HTTPError, ValueError):
            return False
        return found.get("state") == "LIVE" and bool(epoch == found.get("command_line_options", {}).get("restart_epoch", 0))

    async def stats(self, pattern: str) -> dict[str, Any]:
        """Return the counters, gauges and texts whose name fits ``pattern``, a regular expression. ``EdgeFailedError``."""
        rows = await self._statistics(pattern)
        return {row["name"]: row["value"] for row in rows if "name" in row}

    async def traffic(self, clusters: Sequence[str]) -> list[dict[str, Any]]:
        """Return the rows of statistics that tell what became of clusters' requests, histograms among them. ``EdgeFailedError``."""
        wanted = "|".join(re.escape(one) for one in clusters)
        pattern = rf"^cluster\.({wanted})\.upstream_rq_(completed|5xx|rx_reset|time)$"
        return await self._statistics(pattern, histogram_buckets="cumulative")

    async def listeners(self) -> set[str]:
        """Return the names of what listens. ``EdgeFailedError``."""
        try:
            rows = (await self._client.get("/listeners", params={"format": "json"})).json().get("listener_statuses", [])
        except (httpx.HTTPError, ValueError) as error:
            raise EdgeFailedError(f"its admin socket gave no listeners: {error!r}", log=str(self._socket)) from None
        return {row["name"] for row in rows}

    async def reopen_logs(self) -> None:
        """Have the access log opened anew, after it was renamed. ``EdgeFailedError``."""
        try:
            await self._client.post("/reopen_logs")
        except httpx.HTTPError as error:
            raise EdgeFailedError(f"its admin socket did not reopen the logs: {error!r}", log=str(self._socket)) from None

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _statistics(self, pattern: str, **more: str) -> list[dict[str, Any]]:
        try:
            answer = await self._client.get("/stats", params={"format": "json", "filter": pattern, **more})
            rows: list[dict[str, Any]] = answer.json()["stats"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise EdgeFailedError(f"its admin socket gave no statistics: {error!r}", log=str(self._socket)) from None
        return rows
