"""Work in parts, each of which is done whatever becomes of the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rw_shared.errors import EngineUnreachableError, RwError

log = logging.getLogger(__name__)


class Parts:
    """Keeps what nobody foresaw until all parts were tried: whoever runs them may try again then."""

    def __init__(self, *, is_local: bool = False) -> None:
        """:param is_local: they are parts of one target: when its engine goes away there is no use in the others."""
        self._is_local = is_local
        self._unforeseen: list[Exception] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Log what goes wrong, and go on behind it."""
        try:
            yield
        except EngineUnreachableError as error:
            if self._is_local:
                raise
            log.warning("%s: %s", name, error.why)
        except RwError as error:
            log.error("%s: %s %s", name, error.message, error.why)
        except Exception as error:
            log.exception(name)
            self._unforeseen.append(error)

    def end(self) -> None:
        """Raise what nobody foresaw, if there was any."""
        if self._unforeseen:
            raise ExceptionGroup("not everything was done", self._unforeseen)
