"""A line that tells how far something is, for whoever waits longer than a second at a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException

FIRST_SECONDS = 1.0
AGAIN_SECONDS = 0.3
CLEAR = "\r\x1b[K"


@contextmanager
def shown(words: Callable[[float], str], *, is_live: bool) -> Iterator[None]:
    """Redraw ``words(seconds)`` on stderr until the block ends, from its first second on; then the line is gone again.

    :param is_live: whether stderr is a terminal that can be redrawn; nothing is shown otherwise.
    """
    if not is_live:
        yield
        return
    done = threading.Event()
    drawing = threading.Thread(target=_draw, args=(words, done), daemon=True)  # the block itself hears Ctrl-C at once
    drawing.start()
    try:
        yield
    finally:
        done.set()
        drawing.join(AGAIN_SECONDS)


def _draw(words: Callable[[float], str], done: threading.Event) -> None:
    seconds = FIRST_SECONDS
    if done.wait(FIRST_SECONDS):
        return
    while not done.is_set():
        with suppress(OSError, HTTPException, ValueError):  # how far it is, is not worth an error
            _write(f"{CLEAR}{words(seconds)}")
        seconds += AGAIN_SECONDS
        done.wait(AGAIN_SECONDS)
    _write(CLEAR)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
