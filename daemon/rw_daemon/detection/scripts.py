"""Commands of manifests (``scripts`` in package.json, ``tasks`` in deno.json) as start commands. Pure."""

from __future__ import annotations

import re
import shlex

_OPERATORS = re.compile(r"[;&|<>()`]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def plain(script: str) -> str:
    """Return text that may stand behind ``exec``: one command, or a shell that runs several."""
    if _OPERATORS.search(script):
        return f"sh -c {shlex.quote(script)}"
    return f"env {script}" if _ASSIGNMENT.match(script) else script
