"""Ids that sort by time and never collide: a prefix that says of what, 9 letters of time, 8 of chance."""

from __future__ import annotations

import secrets
from datetime import datetime

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letter is taken for another


def _spell(number: int, length: int) -> str:
    return "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(length)))


def new_id(prefix: str, *, at: datetime) -> str:
    """Return an id such as ``dep_1h8x4k2m9q7w3r5tz``, lower case letters and digits after the prefix."""
    return f"{prefix}_{_spell(int(at.timestamp() * 1000), 9)}{_spell(secrets.randbits(40), 8)}"
