"""A socket in front of a socket, that a test can cut and mend: an engine goes away without anything happening to it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType


class Cable:
    """Passes bytes both ways between ``path`` and ``behind``, while it is whole."""

    def __init__(self, path: Path, behind: str) -> None:
        self.path, self._behind = path, behind
        self._is_whole = True
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_unix_server(self._accept, self.path)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._is_whole = False
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def mend(self) -> None:
        """Take connections again."""
        self._is_whole = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(self._behind)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._open.add(sink)
            task = asyncio.create_task(self._pass(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof() if sink.can_write_eof() else sink.close()
        if source.at_eof() and sink.is_closing():
            self._open.discard(sink)
