"""Procfile: process types and their commands."""

from __future__ import annotations

import re

from rw_daemon.detection.source import Source
from rw_shared.errors import ConfigInvalidError
from rw_shared.models import NAME_PATTERN

NAME = "Procfile"
RELEASE = "release"
_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(.+)")


def read(source: Source) -> dict[str, str]:
    """Return the commands by process type, in the order of the file; empty without a Procfile.

    Names become lower case, ``_`` becomes ``-``. ``ConfigInvalidError`` names the line that is not ``name: command``.
    """
    found: dict[str, str] = {}
    for number, raw in enumerate(source.text(NAME).splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ConfigInvalidError(f"{NAME}:{number}", f"`name: command` was expected, {line[:60]!r} was found.")
        name = match[1].lower().replace("_", "-")
        if not re.fullmatch(NAME_PATTERN, name):
            raise ConfigInvalidError(f"{NAME}:{number}", f"{match[1]!r} cannot be a service's name.")
        if name in found:
            raise ConfigInvalidError(f"{NAME}:{number}", f"{name!r} stands there twice.")
        found[name] = match[2].strip()
    return found
