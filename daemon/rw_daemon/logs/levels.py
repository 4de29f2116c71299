"""What a line says of itself: its level and, for JSON lines, its attributes. Pure."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

LEVELS = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warn": "warn",
    "warning": "warn",
    "error": "error",
    "err": "error",
    "critical": "error",
    "fatal": "error",
    "panic": "error",
}
_PREFIX = re.compile(
    r"^\W{0,2}(?:\d[\d:.,T /Z+-]*\W{0,3})?(?:\[\d+\]\s*)?\[?(trace|debug|info|notice|warn(?:ing)?|error|err|critical|fatal|panic)\]?\b",
    re.IGNORECASE,
)
_KEY = re.compile(r"\blevel=\"?(\w+)")
LONGEST_JSON = 64 * 1024  # characters; a longer line is kept as it is


def read(text: str) -> tuple[str, str, dict[str, Any]]:
    """Return level, message and attributes. The level is ``debug``, ``info``, ``warn``, ``error`` or empty."""
    if text.startswith("{") and text.endswith("}") and len(text) <= LONGEST_JSON:
        parsed = _object(text)
        if parsed is not None:
            return parsed
    head = text[:120]
    match = _PREFIX.match(head) or _KEY.search(head)
    return (LEVELS.get(match[1].lower(), "") if match else ""), text, {}


def _object(text: str) -> tuple[str, str, dict[str, Any]] | None:
    try:
        found = from_json(text)
    except ValueError:
        return None
    message = next((found[key] for key in ("message", "msg", "event") if isinstance(found.get(key), str)), None)
    if message is None:
        return None
    level = next((str(found[key]) for key in ("level", "severity", "lvl") if key in found), "")
    attrs = {key: value for key, value in found.items() if key not in {"message", "msg", "level", "severity"}}
    return LEVELS.get(level.lower(), ""), message, attrs
