"""The query language of ``rw logs -q``: text, phrases, attributes, ranges, AND, OR, NOT, parentheses. Pure.

timeout                       the line contains it, without regard to case
"connection reset"            a phrase
@level:error  @user.id:42     an attribute, of the line's JSON or one of the line's own (level, service, replica, stream, step)
@status:>=500  @ms:100..250   a comparison, a range with both ends
a b   a AND b   a OR b   -a   both; both; either; not. AND binds closer than OR, parentheses closest
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rw_shared.errors import UsageError

Row = dict[str, Any]
Wanted = Callable[[Row], bool]
DEEPEST = 50  # parentheses and signs: beyond, nobody wrote it by hand
LONGEST = 2000  # characters
OWN = ("level", "service", "replica", "stream", "step", "deployment", "version", "message", "source")

_TOKEN = re.compile(r'\s*(?:(?P<mark>[()]|-(?=\S))|@(?P<key>[\w.-]+):(?P<value>"[^"]*"|[^\s()]+)|"(?P<phrase>[^"]*)"|(?P<word>[^\s()"]+))')
_COMPARED = re.compile(r"(>=|<=|>|<)(-?\d+(?:\.\d+)?)")
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")


def parse(text: str) -> Wanted:
    """Return a function that tells whether a kept line, as its JSON object, fits; everything fits an empty text.

    :raises UsageError: it cannot be understood; its words say where.
    """
    if len(text) > LONGEST:
        raise UsageError(f"The query is longer than {LONGEST} characters.", hint="Say it in fewer words.")
    tokens = _tokens(text)
    if not tokens:
        return lambda _: True
    parser = _Parser(text, tokens)
    found = parser.either(0)
    if parser.next is not None:
        raise parser.trouble("a closing parenthesis too many")
    return found


@dataclass(frozen=True)
class _Token:
    """``kind`` is ``(``, ``)``, ``-``, ``AND``, ``OR`` or ``term``."""

    kind: str
    at: int
    test: Wanted | None = None


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UsageError(f"The query {text!r} cannot be understood at character {at + 1}.", hint='Close the quotes: "like this".')
        begin = match.end() - len(match[0].lstrip())
        found.append(_token(match, begin))
        at = match.end()
    return found


def _token(match: re.Match[str], at: int) -> _Token:
    if match["mark"]:
        return _Token(match["mark"], at)
    if match["key"]:
        return _Token("term", at, _attribute(match["key"], match["value"]))
    if match["phrase"] is not None:
        return _Token("term", at, _contains(match["phrase"]))
    if match["word"] in {"AND", "OR"}:
        return _Token(match["word"], at)
    if match["word"] == "NOT":
        return _Token("-", at)
    return _Token("term", at, _contains(match["word"]))


class _Parser:
    """Recursive descent: either := both (OR both)*, both := one (AND? one)*, one := - one | ( either ) | term."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text, self._tokens, self._at = text, tokens, 0

    @property
    def next(self) -> _Token | None:
        """The token that is looked at."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def trouble(self, words: str) -> UsageError:
        """Return the error that says what is wrong here."""
        where = self.next.at + 1 if self.next else len(self._text) + 1
        message = f"The query {self._text!r} cannot be understood at character {where}: {words}."
        return UsageError(message, hint="`rw logs --help` shows some.")

    def either(self, depth: int) -> Wanted:
        """Read alternatives."""
        parts = [self._both(depth)]
        while self.next and self.next.kind == "OR":
            self._at += 1
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self, depth: int) -> Wanted:
        parts = [self._one(depth)]
        while self.next and self.next.kind not in {"OR", ")"}:
            self._at += self.next.kind == "AND"
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self, depth: int) -> Wanted:
        token = self.next
        if token is None or token.kind in {"AND", "OR", ")"}:
            raise self.trouble("something to look for is missing")
        if depth > DEEPEST:
            raise self.trouble("it is nested too deeply")
        self._at += 1
        if token.test is not None:
            return token.test
        if token.kind == "-":
            refused = self._one(depth + 1)
            return lambda row: not refused(row)
        inner = self.either(depth + 1)
        if self.next is None or self.next.kind != ")":
            raise self.trouble("a closing parenthesis is missing")
        self._at += 1
        return inner


def _contains(words: str) -> Wanted:
    wanted = words.casefold()
    return lambda row: wanted in str(row["message"]).casefold()


def _attribute(key: str, value: str) -> Wanted:
    if compared := _COMPARED.fullmatch(value):
        return _number(key, _against(compared[1], float(compared[2])))
    if both := _RANGE.fullmatch(value):
        low, high = float(both[1]), float(both[2])
        return _number(key, lambda number: low <= number <= high)
    wanted = value.strip('"').casefold()
    return lambda row: (found := _found(row, key)) is not None and _text(found).casefold() == wanted


def _against(sign: str, limit: float) -> Callable[[float], bool]:
    return {">": limit.__lt__, ">=": limit.__le__, "<": limit.__gt__, "<=": limit.__ge__}[sign]


def _number(key: str, fits: Callable[[float], bool]) -> Wanted:
    def wanted(row: Row) -> bool:
        try:
            return fits(float(_found(row, key)))
        except (TypeError, ValueError, OverflowError):
            return False

    return wanted


def _found(row: Row, key: str) -> Any:
    """Return an attribute, ``a.b`` also of an object in an object; ``None`` when there is none."""
    attrs = row.get("attrs") or {}
    if key in attrs:
        return attrs[key]
    inner: Any = attrs
    for part in key.split("."):
        inner = inner.get(part) if isinstance(inner, dict) else None
    return inner if inner is not None else row.get(key) if key in OWN else None


def _text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
