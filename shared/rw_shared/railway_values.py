"""The values of a railway file: what reads each kind of them, and how one of the wrong kind is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Any, Protocol

from rw_shared import selectors
from rw_shared.config import OnFailure, Queue, Reading, RestartPolicy, Strategy
from rw_shared.errors import ConfigInvalidError

# host, path in small letters, tag: as the distribution project's reference grammar has it
IMAGE = r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::\w[\w.-]{0,127})?"


class Reader(Protocol):
    """Knows the file, and so where a key stands in it."""

    def wrong(self, key: str, expected: str, found: Any) -> ConfigInvalidError:
        """Return the error about a value, with file and line."""
        ...


def _text(reader: Reader, key: str, value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise reader.wrong(key, "a text", value)
    return value


def texts(reader: Reader, key: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts."""
    if not isinstance(value, list):
        raise reader.wrong(key, "a list of texts", value)
    return tuple(_text(reader, key, one) for one in value)


def _commands(reader: Reader, key: str, value: Any) -> tuple[str, ...]:
    found = texts(reader, key, value if isinstance(value, list) else [value])
    return tuple(one for one in found if one.strip())


def _image(reader: Reader, key: str, value: Any) -> str:
    name = _text(reader, key, value)
    if not re.fullmatch(IMAGE, name):
        raise reader.wrong(key, "an image's name like registry.example.com/team/shop:cache", value)
    return name


def _url_path(reader: Reader, key: str, value: Any) -> str:
    path = _text(reader, key, value).strip()
    if not path.isprintable() or " " in path or not path.isascii():
        raise reader.wrong(key, "a path like /health, without spaces", value)
    return path if not path or path.startswith("/") else f"/{path}"


def _seconds(reader: Reader, key: str, value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise reader.wrong(key, "a number of seconds", value) from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86_400:
        raise reader.wrong(key, "a number of seconds from 0 to 86400", value)
    return float(value)


def _flag(reader: Reader, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise reader.wrong(key, "true or false", value)
    return value


def _count(reader: Reader, key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1000:
        raise reader.wrong(key, "a whole number from 0 to 1000", value)
    return value


def positive(reader: Reader, key: str, value: Any) -> float:
    """Return a number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        raise reader.wrong(key, "a number above 0", value)
    return float(value)


def _one_of(kind: type[StrEnum]) -> Callable[[Reader, str, Any], StrEnum]:
    """Return what reads one of an enumeration's values, in any case."""

    def read(reader: Reader, key: str, value: Any) -> StrEnum:
        said = _text(reader, key, value).lower()
        for one in kind:
            if one.lower() == said:
                return one
        raise reader.wrong(key, f"one of {', '.join(kind)}", value)

    return read


def _table(reader: Reader, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise reader.wrong(key, "a table", value)
    return value


def _title(reader: Reader, key: str, value: Any) -> str:
    text = _text(reader, key, value).strip()
    if not text.isprintable() or not 0 < len(text) <= 40:
        raise reader.wrong(key, "a name of at most 40 letters", value)
    return text


def _selector(reader: Reader, key: str, value: Any) -> str:
    try:
        selectors.parse(_text(reader, key, value))
    except ValueError:
        raise reader.wrong(key, 'a metric such as errors_total or http_requests_total{code=~"5.."}', value) from None
    return str(value)


def _number(reader: Reader, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or abs(value) > 1e300:
        raise reader.wrong(key, "a number", value)
    return float(value)


def _shares(reader: Reader, key: str, value: Any) -> tuple[int, ...]:
    expected = "a list of rising whole percents that ends with 100"
    if not isinstance(value, list) or not value or any(isinstance(one, bool) or not isinstance(one, int) for one in value):
        raise reader.wrong(key, expected, value)
    if value[-1] != 100 or value[0] < 1 or any(later <= earlier for earlier, later in pairwise(value)):
        raise reader.wrong(key, expected, ", ".join(map(str, value)))
    return tuple(value)


def _rate(reader: Reader, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise reader.wrong(key, "a share from 0 to 1", value)
    return float(value)


READERS: dict[str, Callable[[Reader, str, Any], Any]] = {
    "text": _text, "texts": texts, "commands": _commands, "url_path": _url_path, "seconds": _seconds, "count": _count,
    "policy": _one_of(RestartPolicy), "strategy": _one_of(Strategy), "queue": _one_of(Queue), "outcome": _one_of(OnFailure), "flag": _flag,
    "shares": _shares, "rate": _rate, "positive": positive,
    "title": _title, "selector": _selector, "reading": _one_of(Reading), "number": _number, "image": _image, "table": _table,
}  # fmt: skip


def snake(key: str) -> str:
    """Return a key of the file as a name in code."""
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), key)


def kind_of(value: Any) -> str:
    """Return what a value is, in words, and the value where it is short."""
    names = {
        bool: "a truth value",
        str: "the text",
        int: "the number",
        float: "the number",
        list: "a list",
        dict: "a table",
        type(None): "nothing",
    }
    word = names.get(type(value), type(value).__name__)
    return f"{word} {value!r}"[:80] if isinstance(value, str | int | float) else word
