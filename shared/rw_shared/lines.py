"""On which line of a TOML or JSON text a key is set: parsers do not tell, and an error without a line is half an error. Pure."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_QUOTES = re.compile(r"""["'\s]""")


def find(text: str, key: str, *, is_json: bool) -> int:
    """Return the line, from 1, that sets a dotted ``key``; else that of the nearest table around it; 1 when it cannot be told.

    A table of an array has its place, from 0, in its name: ``metrics.1.max``.
    """
    return _in_json(text, key.split(".")) if is_json else _in_toml(text, key)


def _in_toml(text: str, key: str) -> int:
    table = ""
    set_at: dict[str, int] = {}
    tables: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            table = _QUOTES.sub("", header[2])
            set_at.setdefault(table, number)
            if header[1] == "[[":
                tables[table] = place = tables.get(table, -1) + 1
                table = f"{table}.{place}"
                set_at[table] = number
        elif assignment := _ASSIGNMENT.match(line):
            name = _QUOTES.sub("", assignment[1])
            set_at.setdefault(f"{table}.{name}" if table else name, number)
    while key and key not in set_at:
        key = key.rpartition(".")[0]
    return set_at.get(key, 1)


def _in_json(text: str, parts: list[str]) -> int:
    at = 0
    for part in parts:
        found = re.compile(rf'"{re.escape(part)}"\s*:').search(text, at)
        if found is None:
            break
        at = found.start()
    return text.count("\n", 0, at) + 1
