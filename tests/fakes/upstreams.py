"""Little HTTP servers that say who they are, a client of raw sockets, and constant load: for everything behind the edge."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field


def free_port() -> int:
    """Return a port that is free now, below the range of outgoing connections."""
    for port in range(20_000 + time.monotonic_ns() % 9_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


class Upstream:
    """An app: answers with its name and what it got, as JSON. ``/stream`` sends ten pieces, ``/slow`` takes half a second."""

    def __init__(self, name: str) -> None:
        self.name, self.port = name, 0
        self.seen: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> Upstream:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop as a careless app does: every connection is cut."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.decode("latin-1"), reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rows = head.strip().split("\r\n")
        method, path, _ = line.split()
        headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
        size = await self._body(headers, reader)
        self.seen[f"{method} {path}"] += 1
        if path == "/slow":
            await asyncio.sleep(0.5)
        if path == "/stream":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for index in range(10):
                writer.write(b"2\r\n%d\n\r\n" % index)
                await writer.drain()
                await asyncio.sleep(0.05)
            writer.write(b"0\r\n\r\n")
            return
        status = int(path.removeprefix("/status/")) if path.startswith("/status/") else 200
        body = json.dumps({"app": self.name, "method": method, "path": path, "size": size, "headers": headers}).encode()
        writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()

    async def _body(self, headers: dict[str, str], reader: asyncio.StreamReader) -> int:
        if "content-length" in headers:
            return len(await reader.readexactly(int(headers["content-length"])))
        size = 0
        while headers.get("transfer-encoding") == "chunked" and (step := int(await reader.readline(), 16)):
            size += len((await reader.readexactly(step + 2))[:-2])
        if headers.get("transfer-encoding") == "chunked":
            await reader.readline()
        return size


@dataclass
class Answer:
    """What came back. ``status`` 0: nothing, or not all of it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def app(self) -> str:
        return str(self.json["app"])


class Connection:
    """One HTTP/1.1 connection, kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str = "/", *, host: str, method: str = "GET", body: bytes = b"", headers: tuple[str, ...] = ()) -> Answer:
        """Send a request once, and return the answer; raises what the socket raises."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        rows = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
        if body or method not in {"GET", "HEAD"}:
            rows.append(f"Content-Length: {len(body)}")
        writer.write(("\r\n".join(rows) + "\r\n\r\n").encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in head[1:])}
        answer = Answer(int(head[0].split()[1]), found, b"")
        if "content-length" in found:
            answer.body = await reader.readexactly(int(found["content-length"]))
        elif found.get("transfer-encoding") == "chunked":
            while step := int(await reader.readline(), 16):
                answer.body += (await reader.readexactly(step + 2))[:-2]
            await reader.readline()
        if found.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


async def ask(port: int, path: str = "/", **more: object) -> Answer:
    """Ask once over a fresh connection."""
    connection = Connection(port)
    try:
        return await connection.ask(path, **more)  # type: ignore[arg-type]
    finally:
        connection.close()


class Load:
    """Constant load while the context lasts: GETs and POSTs, on kept connections and on fresh ones. Nothing is sent twice by this client.

    A kept connection that the server closed with ``Connection: close`` is opened anew, as clients do; anything else counts as failed.
    """

    def __init__(self, port: int, *, host: str, workers: int = 4) -> None:
        self._port, self._host, self._workers = port, host, workers
        self.sent = 0
        self.apps: Counter[str] = Counter()
        self.failed: list[str] = []
        self.slowest_seconds = 0.0
        self._over = False

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._work(index)) for index in range(self._workers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)

    async def reach(self, count: int) -> None:
        """Return once ``count`` requests were sent."""
        while self.sent < count:
            await asyncio.sleep(0.01)

    async def _work(self, index: int) -> None:
        kept = Connection(self._port)
        turn = 0
        while not self._over:
            turn += 1
            method = "POST" if turn % 2 else "GET"
            is_fresh = index % 2 == 1
            connection = Connection(self._port) if is_fresh else kept
            began = time.monotonic()
            self.sent += 1
            try:
                answer = await connection.ask(
                    f"/{index}-{turn}", host=self._host, method=method, body=b"x" * 100 if method == "POST" else b""
                )
                if answer.status == 200:
                    self.apps[answer.app] += 1
                else:
                    self.failed.append(f"{method} {answer.status} {answer.body[:100]!r}")
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failed.append(f"{method} {'fresh' if is_fresh else 'kept'} {error!r}")
                connection.close()
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
            if is_fresh:
                connection.close()
        kept.close()
