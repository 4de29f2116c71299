"""Rows of several streams, in the order in which they come. Streams only show the way: what is true stands in the daemon's state."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rw_cli.client import Client, Json
from rw_shared.errors import RwError

TICK_SECONDS = 0.1
Stream = tuple[str, dict[str, Any], str]
"""Path, query, and the field of a row that is its cursor."""


class Rows:
    """A thread reads each stream; ``next`` takes their rows one by one."""

    def __init__(self, client: Client, streams: Sequence[Stream]) -> None:
        self._client, self._streams = client, streams
        self._rows = queue.SimpleQueue[Json]()
        self._done = threading.Event()

    def __enter__(self) -> Rows:
        for path, query, cursor in self._streams:
            threading.Thread(target=self._read, args=(path, query, cursor), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def next(self) -> Json:
        """Return a row, or an empty one when none came within a tick."""
        try:
            return self._rows.get(timeout=TICK_SECONDS)
        except queue.Empty:
            return {}

    def rest(self) -> list[Json]:
        """Return what has come and was not taken yet."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._rows.get_nowait())
        return found

    def _read(self, path: str, query: Json, cursor: str) -> None:
        with suppress(RwError, OSError):  # the stored state decides; a stream that cannot be had takes nothing away from it
            for row in self._client.stream(path, query=query, cursor=cursor, ended=self._done.is_set):
                self._rows.put(row)
