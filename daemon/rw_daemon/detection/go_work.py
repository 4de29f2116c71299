"""Workspaces of Go: the modules that go.work names. Pure.

Source: go.dev/ref/mod#workspaces.
"""

from __future__ import annotations

import posixpath
import re

from rw_daemon.detection.source import Source

NAME = "go.work"
MODULES = ("RW_BUILD_GO_MODULE", "RAILPACK_GO_WORKSPACE_MODULE")
"""Variables that name a module by its folder."""
_USE = re.compile(r"^use\s+(?:\(([^)]*)\)|(\S+))", re.MULTILINE)


def folders(source: Source) -> list[str]:
    """Return the folders of the modules; the root is an empty one."""
    text = re.sub(r"//[^\n]*", "", source.text(NAME))
    names = [name.strip("\"'`") for many, one in _USE.findall(text) for name in (many.split() or [one])]
    named = [posixpath.normpath(one) for one in names]
    return ["" if one == "." else one for one in named if source.has(posixpath.normpath(f"{one}/go.mod"))]
