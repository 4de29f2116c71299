"""Typed calls to the daemon over its unix socket. The standard library's client: httpx would double the start-up time."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from rw_shared.errors import DaemonUnreachableError, InternalError, RwError

Json = dict[str, Any]
CALL_SECONDS = 600.0  # a snapshot of a large folder takes long; a daemon that died closes the socket at once
AGAIN_SECONDS = 10.0  # so long a call that broke is tried again: a daemon that starts takes less
FIRST_PAUSE_SECONDS = 0.05
LAST_PAUSE_SECONDS = 1.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket.

    :param path: of the socket. :param timeout: seconds, ``None`` for none.
    """

    def __init__(self, path: str, *, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket. ``OSError``."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """The daemon, as a command sees it. Every fault comes back as the ``RwError`` that the daemon raised.

    :param ensure: brings the daemon up and returns once its socket answers; raises ``DaemonUnreachableError``.
    :param revive: the same for one that streams were read from and that is gone; it may leave it down.
    :param silent: makes the error of one that is there and said nothing for so many seconds.
    """

    def __init__(
        self,
        path: str,
        *,
        ensure: Callable[[], None],
        silent: Callable[[float], RwError] = lambda _: DaemonUnreachableError(why="It says nothing.", log="`rw daemon logs`"),
        revive: Callable[[], object] | None = None,
    ) -> None:
        self._path, self._ensure, self._silent, self._revive = path, ensure, silent, revive or ensure

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> Json:
        """Return the answer. Tried again when the daemon ends in the middle: orders carry an idempotency key.

        :param seconds: after which it counts as silent.
        """
        deadline, pause = time.monotonic() + AGAIN_SECONDS, 0.0
        while True:
            try:
                return self.once(method, path, body=body, query=query, seconds=seconds)
            except TimeoutError as error:
                raise self._silent(seconds) from error
            except (ConnectionError, FileNotFoundError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise DaemonUnreachableError(why=str(error), log="`rw daemon logs`") from error
                time.sleep(pause)
                self._ensure()
            except OSError as error:
                raise DaemonUnreachableError(why=str(error), log="`rw daemon logs`") from error
            pause = min(max(pause * 2, FIRST_PAUSE_SECONDS), LAST_PAUSE_SECONDS)

    def once(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> Json:
        """Return the answer of a daemon that already runs; ``OSError`` when none does, ``TimeoutError`` when it is silent for so long."""
        connection = UnixConnection(self._path, timeout=seconds)
        try:
            text = None if body is None else json.dumps(body).encode()
            connection.request(method, _target(path, query), body=text, headers={"Content-Type": "application/json"})
            response = connection.getresponse()
            return _answer(response.status, response.read(), response.headers.get("X-Request-Id", ""))
        finally:
            connection.close()

    def stream(self, path: str, *, query: Mapping[str, Any], cursor: str, ended: Callable[[], bool] = lambda: False) -> Iterator[Json]:
        """Yield the rows of a WebSocket without end: resumed after the row whose ``cursor`` field came last when the daemon restarts."""
        wanted, pause = dict(query), FIRST_PAUSE_SECONDS
        while not ended():
            try:
                for row in self._rows(path, wanted, ended):
                    pause = FIRST_PAUSE_SECONDS
                    if "error" in row and "schema" in row:
                        raise RwError.from_wire(row["error"])
                    if cursor in row:
                        wanted["after"] = row[cursor]
                    yield row
            except OSError:
                if ended():
                    return
                self._revive()
            time.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _rows(self, path: str, query: Mapping[str, Any], ended: Callable[[], bool]) -> Iterator[Json]:
        from websockets.exceptions import ConnectionClosed, InvalidHandshake  # lazy: 60 ms that only streams need
        from websockets.sync.client import unix_connect

        try:
            with unix_connect(self._path, f"ws://localhost{_target(path, query)}", compression=None, max_size=None) as stream:
                while not ended():
                    try:
                        yield json.loads(stream.recv(timeout=0.2))
                    except TimeoutError:
                        continue
        except ConnectionClosed:
            return
        except InvalidHandshake as refused:
            raise ConnectionError(str(refused)) from refused


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    chosen = {name: value for name, value in (query or {}).items() if value not in (None, "", [], ())}
    return quote(path) + (f"?{urlencode(chosen, doseq=True)}" if chosen else "")


def _answer(status: int, content: bytes, request: str) -> Json:
    try:
        value = json.loads(content)
    except ValueError:
        raise InternalError(request or f"HTTP {status}") from None
    if status < 400:
        return dict(value)
    raise RwError.from_wire(value.get("error", {}))
