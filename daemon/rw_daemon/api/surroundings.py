"""What surrounds every call: an id, the daemon's version, a line in the log, and the last net for bugs."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from rw_daemon.api import errors
from rw_daemon.api.journal import request_id
from rw_shared.version import VERSION

log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # what a client may send as its own id: it stands in the log


class Surroundings:
    """ASGI middleware; the outermost, so that nothing escapes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or one stream."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        identity = sent if _ID.fullmatch(sent) else f"req_{uuid4().hex[:16]}"
        token = request_id.set(identity)
        try:
            await _Call(self._app, scope, receive, send, identity).run()
        finally:
            request_id.reset(token)


class _Call:
    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, identity: str) -> None:
        self._app, self._scope, self._receive, self._send, self._identity = app, scope, receive, send, identity
        self._status = 0

    async def run(self) -> None:
        began = time.perf_counter()
        try:
            await self._app(self._scope, self._receive, self._outgoing)
        except WebSocketDisconnect:
            pass  # the reader left while something was being sent to it
        except Exception as error:
            await self._bug(error)
        took = (time.perf_counter() - began) * 1000
        log.info("%s %s → %d in %.1f ms", self._scope.get("method", "WS"), self._scope["path"], self._status, took)

    async def _outgoing(self, message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept"}:
            self._status = message.get("status", 101)
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            headers["RW-Daemon-Version"], headers["X-Request-Id"] = VERSION, self._identity
        await self._send(message)

    async def _bug(self, error: Exception) -> None:
        known = errors.unexpected(error)
        if self._scope["type"] == "websocket":
            stream = WebSocket(self._scope, self._receive, self._outgoing)
            if self._status:
                await stream.close(errors.INTERNAL_FAULT)
            else:
                await errors.close(stream, known)
        elif not self._status:
            await errors.response(known)(self._scope, self._receive, self._outgoing)
