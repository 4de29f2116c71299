"""EDN, the data that Clojure's manifests are written in: lists, vectors, maps, keywords, texts. Pure.

Source: github.com/edn-format/edn. What only Clojure's own reader knows (``#"regex"``, ``~form``, ``^meta``) is read over.
"""

from __future__ import annotations

import re
from typing import Any

from rw_shared.errors import ConfigInvalidError

_TOKEN = re.compile(
    r"""(?P<nothing>[\s,]+|;[^\n]*|[~@'`]+)|(?P<quoted>#?"(?:\\.|[^"\\])*")|(?P<open>\#?[({\[])|(?P<close>[)}\]])"""
    r"""|(?P<mark>\#_|\^)|(?P<tag>\#[^\s,()\[\]{}";]*)|(?P<word>\\(?:\w+|.)|[^\s,()\[\]{}";^~@'`][^\s,()\[\]{}";]*)""",
    re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_DEPTH = 100
_MARK = object()  # what stands behind ``#_`` or ``^`` is no data


def read(path: str, text: str) -> list[Any]:
    """Return the forms of a file: lists and vectors as lists, maps as dicts, keywords as texts with their colon, texts with a quote.

    A text is told from a symbol by the ``"`` in front. ``ConfigInvalidError``: brackets that do not fit, or nested too deeply.
    """
    stack: list[tuple[str, list[Any]]] = [("", [])]
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConfigInvalidError(path, f"a text that begins at character {at} has no end.")
        word, kind, at = match[0], match.lastgroup, match.end()
        if kind == "open":
            if len(stack) > _DEPTH:
                raise ConfigInvalidError(path, "is nested too deeply.")
            stack.append((word, []))
        elif kind == "close":
            opening, items = stack.pop() if len(stack) > 1 else ("", [])
            if _CLOSING.get(opening[-1:]) != word:
                raise ConfigInvalidError(path, f"a {word!r} too many, before character {at}.")
            _add(stack[-1][1], _map(items) if opening == "{" else _forms(items))
        elif kind in {"word", "quoted", "mark"}:
            _add(stack[-1][1], _MARK if kind == "mark" else word if kind == "word" else _quoted(word))
    if len(stack) > 1:
        raise ConfigInvalidError(path, f"a {_CLOSING[stack[-1][0][-1]]!r} is missing at the end.")
    return _forms(stack[0][1])


def _quoted(word: str) -> str:
    return '"' + re.sub(r"\\(.)", r"\1", word.lstrip("#")[1:-1])


def _add(items: list[Any], value: Any) -> None:
    """Append a form; one behind a mark goes with it."""
    if value is _MARK or not items or items[-1] is not _MARK:
        items.append(value)
    else:
        items.pop()


def _forms(items: list[Any]) -> list[Any]:
    return [one for one in items if one is not _MARK]


def _map(items: list[Any]) -> dict[str, Any]:
    forms = _forms(items)
    return {key: value for key, value in zip(forms[::2], forms[1::2], strict=False) if isinstance(key, str)}


def text(value: Any) -> str:
    """Return a text without its mark; empty for anything else."""
    return value[1:] if isinstance(value, str) and value.startswith('"') else ""
