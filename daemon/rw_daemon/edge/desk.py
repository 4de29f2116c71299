"""Answers Envoy's question where a held request goes: a listener on a socket of its own, beside the API, which knows no such questions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from rw_daemon.edge import held, pages
from rw_daemon.edge.edge import Lead

BACKLOG = 1024
QUESTION = re.compile(rb"\S+ /(\S*) HTTP/1\.1\r\n")
ACCEPT = re.compile(rb"\r\naccept: *([^\r]*)\r\n", re.IGNORECASE)


class Desk:
    """Takes questions for as long as the daemon lives. One that is cut off by its end is asked again of the next daemon."""

    def __init__(self, socket: Path, lead: Callable[[str], Awaitable[Lead]]) -> None:
        """:param lead: returns where requests for a service go, by its route's key, once they can go there."""
        self._socket, self._lead = socket, lead

    async def serve(self) -> None:
        """Answer for ever."""
        self._socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._answer, self._socket, backlog=BACKLOG)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()  # not serve_forever, whose end waits for those who are held
            self._socket.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):  # Envoy ended: its clients are gone as well
            question = await reader.readuntil(b"\r\n\r\n")
            key, accept = QUESTION.match(question), ACCEPT.search(question)
            lead = await self._lead(key[1].decode() if key else "")
            writer.write(answer(lead, accept[1].decode("latin-1") if accept else ""))
            await writer.drain()
        writer.close()


def answer(lead: Lead, accept: str) -> bytes:
    """Return the HTTP response that says where to go, or the page for a client that accepts ``accept``."""
    if lead.release:
        return _response(200, "OK", {held.TO: lead.release}, "")
    kind, text = pages.page(pages.REFUSED_AS, lead.code, lead.words, accept=accept)
    return _response(pages.REFUSED, "Refused", {"content-type": kind, "retry-after": str(pages.RETRY_SECONDS)}, text)


def _response(status: int, reason: str, headers: dict[str, str], text: str) -> bytes:
    body = text.encode()
    rows = {**headers, "content-length": str(len(body)), "connection": "close"}
    head = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in rows.items())]
    return "\r\n".join([*head, "", ""]).encode() + body
