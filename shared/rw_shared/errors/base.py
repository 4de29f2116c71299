"""What every error is: a code, a message, a reason, a hint; and how it crosses the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

FOREIGN_TEXT_LIMIT = 2000  # characters of another program's words that an error carries along


def clip(text: str, limit: int = FOREIGN_TEXT_LIMIT) -> str:
    """Return the end of ``text``, at most ``limit`` characters: the last words of a failing program say most."""
    text = text.strip()
    return text if len(text) <= limit else "…" + text[-limit + 1 :]


class RwError(Exception):
    """A fault with a code, a message, a reason and a hint.

    :param message: what happened, one sentence.
    :param why: the cause, one or a few sentences; may be empty.
    :param hint: what to type or change next.
    :param candidates: names the user may have meant.
    :param details: JSON values for scripts (probes, last log lines, …).
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    registry: ClassVar[dict[str, type[RwError]]] = {}

    def __init__(
        self, message: str, *, why: str = "", hint: str = "", candidates: Sequence[str] = (), details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.why, self.hint = message, why, hint
        self.candidates, self.details = tuple(candidates), dict(details or {})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        taken = RwError.registry.setdefault(cls.code, cls)
        if taken is not cls:
            raise TypeError(f"{cls.__name__} and {taken.__name__} share the code {cls.code}")

    def to_wire(self) -> dict[str, Any]:
        """Return the ``error`` object of contracts.md section 1."""
        return {
            "code": self.code,
            "message": self.message,
            "why": self.why,
            "hint": self.hint,
            "candidates": list(self.candidates),
            "details": self.details,
        }

    @staticmethod
    def from_wire(wire: Mapping[str, Any]) -> RwError:
        """Return the error that the other process raised; a code from a newer rw becomes an ``UnknownError`` that keeps its words."""
        cls = RwError.registry.get(str(wire.get("code", "")), UnknownError)
        return cls._revive(wire)

    @classmethod
    def _revive(cls, wire: Mapping[str, Any]) -> Self:
        error = cls.__new__(cls)  # a subclass's constructor takes facts; the sentences are already made
        RwError.__init__(
            error,
            str(wire.get("message", "")),
            why=str(wire.get("why", "")),
            hint=str(wire.get("hint", "")),
            candidates=wire.get("candidates") or (),
            details=wire.get("details") or {},
        )
        return error


class UnknownError(RwError):
    """An error of a kind that this version does not know."""

    code = "UNKNOWN"


class InternalError(RwError):
    """A bug in rw: the daemon's log holds the traceback under the id."""

    code = "INTERNAL"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"rw made a mistake (reference {reference}).",
            why="An unexpected error; nothing was changed beyond what the events show.",
            hint="Run `rw daemon logs` and look for the reference.",
            details={"reference": reference},
        )
