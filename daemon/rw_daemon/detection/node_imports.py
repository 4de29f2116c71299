"""Which packages a project's code imports while it runs: by their names in the text, for code of Node is not parsed here. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from rw_daemon.detection.package_json import Package

SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
LOOKED_AT, LARGEST_BYTES = 300, 200_000  # files, and of what length: a bundle is no code of the project's own
_ASIDE = re.compile(
    r"(^|/)(node_modules|dist|build|tests?|__tests__|e2e|scripts|migrations|public)/|\.(test|spec|config|stories|d)\.|(^|/)\."
)
_TYPES = re.compile(r"^\s*(?:import|export)\s+type\b[^;\n]*", re.MULTILINE)
_IMPORT = re.compile(r"""(?:\bfrom\s*|\brequire\s*\(\s*|\bimport\s*\(?\s*)["']((?:@[\w.-]+/)?[\w.-]+)[^"'\n]*["']""")


def imported(package: Package, names: Collection[str]) -> str:
    """Return the first of ``names`` that the code of a package imports; empty when it imports none of them. Types are not imported."""
    if not names:
        return ""
    prefix = f"{package.folder}/" if package.folder else ""
    paths = [one for one in package.source.paths if one.startswith(prefix) and one.endswith(SUFFIXES) and not _ASIDE.search(one)]
    for path in paths[:LOOKED_AT]:
        content = package.source.data(path)
        if len(content) <= LARGEST_BYTES:
            text = _TYPES.sub("", content.decode("utf-8", errors="replace"))
            if found := next((one for one in _IMPORT.findall(text) if one in names), ""):
                return found
    return ""
