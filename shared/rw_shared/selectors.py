"""Which series of a Prometheus text are meant, as Prometheus spells it: ``http_errors_total{code=~"5.."}``. Pure.

Source: Prometheus, querying basics (instant vector selectors): a label that is not there is an empty text, patterns match the whole value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,\s*|$)', re.DOTALL)
_ESCAPE = re.compile(r'\\([\\"n])')
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}


@dataclass(frozen=True)
class Selector:
    """A metric's name and what its labels must be: label, ``=``, ``!=``, ``=~`` or ``!~``, and the value or pattern."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    def fits(self, name: str, labels: Mapping[str, str]) -> bool:
        """Return whether a series is meant."""
        return name == self.name and all(_TESTS[test](labels.get(label, ""), wanted) for label, test, wanted in self.matchers)


def parse(text: str) -> Selector:
    """Return the selector that a text spells; ``ValueError`` where it spells none, or a pattern is none."""
    found = _SELECTOR.fullmatch(text)
    if found is None:
        raise ValueError(f"no selector: {text!r}")
    matchers, rest = [], found[2] or ""
    while rest.strip():
        one = _MATCHER.match(rest)
        if one is None:
            raise ValueError(f"no matcher: {rest!r}")
        wanted = _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], one[3])
        if one[2].endswith("~"):
            try:
                re.compile(wanted)
            except re.error as error:
                raise ValueError(f"no pattern: {wanted!r}: {error}") from None
        matchers.append((one[1], one[2], wanted))
        rest = rest[one.end() :]
    return Selector(found[1], tuple(matchers))
