"""Waking readers when something is written into a folder: one inotify instance for the daemon, on the event loop, no polling."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

IN_MODIFY, IN_CREATE, IN_MOVED_TO = 0x2, 0x100, 0x80  # linux/inotify.h
EVENT = struct.Struct("iIII")
FALLBACK_SECONDS = 0.05  # where no watch can be had (their number is limited), readers look this often
SAFETY_SECONDS = 5.0
FLOW_SECONDS = 0.01  # in a flow of writes readers look this often: woken at each line, the daemon takes a tenth of a core from the app


class FolderChanges:
    """Tells readers of folders that there may be something new. Use it on one event loop; ``close`` it."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._events: dict[int, set[asyncio.Event]] = {}

    @contextlib.contextmanager
    def watch(self, folder: Path) -> Iterator[FolderWatch]:
        """Watch ``folder`` while the context lasts."""
        event = asyncio.Event()
        number = self._add(folder)
        if number >= 0:
            self._events.setdefault(number, set()).add(event)
        try:
            yield FolderWatch(event, pause=SAFETY_SECONDS if number >= 0 else FALLBACK_SECONDS)
        finally:
            self._drop(number, event)

    def close(self) -> None:
        """Give the inotify instance back."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
        self._descriptor = -1

    def _add(self, folder: Path) -> int:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            return -1
        if self._descriptor < 0:
            self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            if self._descriptor < 0:
                return -1
            self._listen()
        return int(libc.inotify_add_watch(self._descriptor, os.fsencode(folder), IN_MODIFY | IN_CREATE | IN_MOVED_TO))

    def _drop(self, number: int, event: asyncio.Event) -> None:
        waiting = self._events.get(number, set())
        waiting.discard(event)
        if number >= 0 and not waiting:
            self._events.pop(number, None)
            if self._descriptor >= 0:
                ctypes.CDLL(None).inotify_rm_watch(self._descriptor, number)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data, at = os.read(self._descriptor, 65536), 0
            while at < len(data):
                number, _, _, length = EVENT.unpack_from(data, at)
                at += EVENT.size + length
                for event in self._events.get(number, ()):
                    event.set()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        loop.call_later(FLOW_SECONDS, self._listen)

    def _listen(self) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().add_reader(self._descriptor, self._readable)


class FolderWatch:
    """One reader's bell."""

    def __init__(self, event: asyncio.Event, *, pause: float) -> None:
        self._event, self._pause = event, pause

    def ring(self) -> None:
        """Wake the reader by hand."""
        self._event.set()

    async def wait(self) -> None:
        """Return when something was written since the last return, at the latest after a few seconds.

        What comes after a rest is told at once, what comes in a flow a hundred times a second.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._event.wait()
        self._event.clear()
