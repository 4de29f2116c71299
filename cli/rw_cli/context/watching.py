"""Notices that something in a folder may have changed. What really changed, a snapshot tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

REST_MS = 150
"""So long must be quiet before a burst of changes counts as over."""
CAP_MS = 2000
"""A burst that never rests counts as over after this."""
WAIT_MS = 5000
SHARE = 0.02
"""Of one core, at most, for looking where the system does not tell: a look that took 20 ms is followed by a second's pause."""
LEAST_POLL_SECONDS = 0.5


class Notices(Protocol):
    """What the system offers."""

    def __call__(self, folders: Sequence[Path], stopped: threading.Event) -> Iterator[object]:
        """Watch folders, not what lies below them, from this call on; the iterator yields after each burst until ``stopped`` is set.

        :raises FileNotFoundError: a folder is gone. ``OSError``: the system watches no more.
        """
        ...


def inotify(folders: Sequence[Path], stopped: threading.Event) -> Iterator[object]:
    """Watch by the system's own means."""
    from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError  # lazy: only `--watch` needs it

    try:  # the documented backend itself: unlike `watchfiles.watch` it watches as soon as it is made
        made = RustNotify(
            [str(folder) for folder in folders],
            debug=False, force_polling=False, poll_delay_ms=0, recursive=False, ignore_permission_denied=True,
        )  # fmt: skip
    except WatchfilesRustInternalError as error:
        raise OSError(str(error)) from error
    return iter(lambda: _burst(made, stopped), None)


def _burst(made: Any, stopped: threading.Event) -> object | None:
    while (found := made.watch(CAP_MS, REST_MS, WAIT_MS, stopped)) == "timeout":
        pass
    return None if found in ("stop", "signal") else found


class Watcher:
    """Watches the folders of a tree; where the system cannot watch that many, it says when to look.

    :param say: is told once when and why it falls back to looking.
    """

    def __init__(
        self, root: Path, *, say: Callable[[str], None], notices: Notices = inotify, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._root, self._say, self._notices, self._now = root, say, notices, now
        self._folders: frozenset[str] = frozenset()
        self._stopped = threading.Event()
        self._changed = threading.Event()
        self._look_at: float | None = None

    def over(self, folders: Iterable[str], *, took_seconds: float) -> None:
        """Watch these folders, relative to the root, from now on.

        :param took_seconds: how long a look at the tree takes, by which the pauses between looks are chosen.
        """
        wanted = frozenset(folders)
        if self._look_at is not None:
            self._look_at = self._now() + max(LEAST_POLL_SECONDS, took_seconds / SHARE)
        elif wanted != self._folders:
            self._stopped.set()
            self._folders, self._stopped = wanted, threading.Event()
            paths = [self._root / folder for folder in sorted(wanted)]
            ready = threading.Event()
            threading.Thread(target=self._watch, args=(paths, self._stopped, ready), daemon=True).start()
            ready.wait()
            self._changed.set()  # what happened in a new folder before it was watched is found by one look more

    def changed(self) -> bool:
        """Return whether a look is worth while; asking takes the mark away."""
        found = self._changed.is_set()
        if found:  # clearing it anyway would lose a mark that was set meanwhile
            self._changed.clear()
        return found or (self._look_at is not None and self._now() >= self._look_at)

    def close(self) -> None:
        """End all watching."""
        self._stopped.set()

    def _watch(self, paths: Sequence[Path], stopped: threading.Event, ready: threading.Event) -> None:
        try:
            bursts = self._notices(paths, stopped)
            ready.set()
            for _ in bursts:
                self._changed.set()
        except FileNotFoundError:  # gone since the look that found it: the next look finds what there is
            self._folders = frozenset()
            self._changed.set()
        except OSError as error:
            if not stopped.is_set():
                self._look_at = self._now()
                self._say(f"The system cannot watch {len(paths)} folders ({error}): they are looked at again and again instead.")
        finally:
            ready.set()
