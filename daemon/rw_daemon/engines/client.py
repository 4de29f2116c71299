"""An async client of the Docker Engine API on a local unix socket.

Why no SDK: its blocking calls need a thread each, and a few followed logs fill asyncio's pool. Short requests and long
streams have separate connection pools here, so that no number of open streams keeps a request waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import json as jsons
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from rw_shared.errors import DiskFullError, EngineFailedError, EngineRemoteError, EngineUnreachableError, clip

NEWEST = (1, 45)
"""The newest API version whose answers rw was written for; a newer engine still speaks it."""
OLDEST = (1, 41)
"""Engine 20.10, the oldest whose BuildKit rw uses."""
NO_SPACE = "no space left on device"
REQUEST_SECONDS = 60.0
"""A short request. Stops and builds name their own."""
PING_SECONDS = 5.0
DEFAULT_SOCKET = "/var/run/docker.sock"

Content = bytes | str | AsyncIterator[bytes]


class Engine:
    """A Docker engine on this machine.

    :param address: ``unix:///path`` or a path. :raises EngineRemoteError: it is neither.
    """

    def __init__(self, address: str) -> None:
        if "://" in address and not address.startswith("unix://"):
            raise EngineRemoteError(address)
        self.address = address
        self._socket = address.removeprefix("unix://")
        self._short = self._client(httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30.0))
        self._long = self._client(httpx.Limits(max_connections=1024, max_keepalive_connections=0))
        self._version = ""
        self._negotiating = asyncio.Lock()

    @staticmethod
    def address_of(environ: Mapping[str, str], *, read_text: Callable[[Path], str] = Path.read_text) -> str:
        """Return the address that the docker command would use, in its order of precedence.

        DOCKER_HOST, DOCKER_CONTEXT, the configuration's currentContext, the default socket, the rootless socket.
        ``read_text`` raises OSError for a file that is not there.

        :raises EngineUnreachableError: a context is named that is not there.
        """
        if host := environ.get("DOCKER_HOST"):
            return host
        folder = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "~")).expanduser() / ".docker")
        context = environ.get("DOCKER_CONTEXT") or _current_context(folder, read_text)
        if context and context != "default":
            return _endpoint(folder, context, read_text)
        rootless = Path(environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / "docker.sock"
        if not Path(DEFAULT_SOCKET).exists() and rootless.exists():
            return f"unix://{rootless}"
        return f"unix://{DEFAULT_SOCKET}"

    async def version(self) -> str:
        """Return the API version spoken with this engine (``1.41``); asked for once.

        :raises EngineFailedError: the engine is older than 20.10.
        """
        if not self._version:
            async with self._negotiating:
                if not self._version:  # another request was first
                    await self.ping()
        return self._version

    async def ping(self) -> str:
        """Return the engine's own version (``28.5.2``, empty where it does not say), from its answer's head: ``/version`` takes 7 ms.

        :raises EngineUnreachableError: nobody answers. :raises EngineFailedError: it is older than 20.10.
        """
        try:
            answer = await self._short.get("/_ping", timeout=PING_SECONDS)
        except httpx.TransportError as error:
            raise self._unreachable(error, seconds=PING_SECONDS) from error
        self._judge("answer a ping", answer)
        spoken = _numbers(answer.headers.get("api-version", ""))
        if spoken < OLDEST:
            raise EngineFailedError("be used by rw", status=answer.status_code, reason="It is older than version 20.10 (API 1.41).")
        self._version = ".".join(map(str, min(spoken, NEWEST)))
        return str(answer.headers.get("server", "")).partition(" ")[0].partition("/")[2]

    async def is_leaving(self) -> bool:
        """Return whether it takes no connection any more: one that shuts down answers on open ones until all containers are stopped."""
        try:
            await self._long.get("/_ping", timeout=PING_SECONDS)
        except httpx.TransportError:
            return True
        return False

    async def began(self) -> datetime | None:
        """Return when this engine started; ``None`` where it cannot be told.

        By its default bridge, which it makes anew each time, unless containers have outlived the engine before (live-restore).
        """
        found = await self.request("GET", "/networks/bridge", missing_ok=True)
        return datetime.fromisoformat(found["Created"]) if found else None

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
        missing_ok: bool = False,
        timeout_seconds: float = REQUEST_SECONDS,
    ) -> Any:
        """Return the answer: JSON decoded, other text as ``str``, ``None`` for an empty one (or a 404 with ``missing_ok``).

        :param params: values that are no strings are sent as JSON (``filters``), booleans as ``true`` or ``false``.
        :raises EngineUnreachableError: nobody answers. :raises EngineFailedError: the engine refused; ``engine_status`` says how.
        :raises DiskFullError: its disk is full.
        """
        url = f"/v{await self.version()}{path}"
        try:
            answer = await self._short.request(
                method, url, params=_texts(params), json=json, content=content, headers=headers, timeout=timeout_seconds
            )
        except httpx.TransportError as error:
            raise self._unreachable(error, seconds=timeout_seconds) from error
        if answer.status_code == 404 and missing_ok:
            return None
        self._judge(f"{method} {path}", answer)
        if not answer.content:
            return None
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.text

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Yield the answer while it arrives; it may be silent for as long as it likes.

        A connection that breaks while the answer is read raises ``EngineUnreachableError``, too. Errors as in ``request``.
        """
        url = f"/v{await self.version()}{path}"
        timeout = httpx.Timeout(REQUEST_SECONDS, read=None, write=None)
        try:
            async with self._long.stream(method, url, params=_texts(params), content=content, headers=headers, timeout=timeout) as answer:
                if answer.is_error:
                    await answer.aread()
                self._judge(f"{method} {path}", answer)
                yield answer
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    async def close(self) -> None:
        """Close all connections, those of open streams too."""
        await self._short.aclose()
        await self._long.aclose()

    def _client(self, limits: httpx.Limits) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(uds=self._socket, limits=limits)
        return httpx.AsyncClient(transport=transport, base_url="http://docker", trust_env=False)

    def _judge(self, action: str, answer: httpx.Response) -> None:
        if not answer.is_error:
            return
        reason = _reason(answer)
        if NO_SPACE in reason.lower():
            raise DiskFullError("the Docker engine's disk")
        raise EngineFailedError(action, status=answer.status_code, reason=reason)

    def _unreachable(self, error: httpx.TransportError, *, seconds: float = REQUEST_SECONDS) -> EngineUnreachableError:
        silent = f"It did not answer within {seconds:g} s." if isinstance(error, httpx.TimeoutException) else ""
        return EngineUnreachableError(self.address, why=silent or str(error) or type(error).__name__)


def _current_context(folder: Path, read_text: Callable[[Path], str]) -> str:
    try:
        return str(jsons.loads(read_text(folder / "config.json")).get("currentContext", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _endpoint(folder: Path, context: str, read_text: Callable[[Path], str]) -> str:
    """Return a context's host; docker keeps it under the digest of the context's name."""
    name = hashlib.sha256(context.encode()).hexdigest()
    try:
        meta = jsons.loads(read_text(folder / "contexts" / "meta" / name / "meta.json"))
        return str(meta["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnreachableError(f"context {context}", why="There is no Docker context of that name.") from error


def _texts(params: Mapping[str, Any] | None) -> dict[str, str] | None:
    if params is None:
        return None
    return {name: value if isinstance(value, str) else jsons.dumps(value) for name, value in params.items()}


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def _reason(answer: httpx.Response) -> str:
    try:
        return clip(str(answer.json()["message"]))
    except (ValueError, KeyError, TypeError):
        return clip(answer.text)
