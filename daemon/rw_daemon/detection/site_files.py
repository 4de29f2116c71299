"""What a site's own files say about how it is served: Caddyfile, Staticfile, ``_headers``. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator

from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Notice

CADDYFILE = "Caddyfile"
TEMPLATE = "Caddyfile.template"
STATICFILE = "Staticfile"
HEADERS = "_headers"
"""Paths, and below each, indented, its headers: docs.netlify.com/routing/headers, Cloudflare Pages likewise."""
FOLDERS = ("", "public", "static", "src")
_PORT = re.compile(r"\{\$PORT\b|\{env\.PORT\}")
_FOLDER = re.compile(r"\{\{\s*\.(?:DIST_DIR|STATIC_FILE_ROOT)\s*\}\}")  # railpack's names for the folder of pages
_PATH = re.compile(r"/[\w./*~@%+-]*")
_HEADER = re.compile(r"\s+([A-Za-z][\w-]*)\s*:\s*(.+?)\s*")


def said(source: Source, key: str) -> str:
    """Return what the Staticfile says of a key; empty when it says nothing."""
    match = re.search(rf"^\s*{key}\s*:\s*(.*?)\s*$", source.text(STATICFILE), re.MULTILINE)
    return match[1].strip("\"'") if match else ""


def fallback(source: Source, *, default: bool) -> bool:
    """Return whether paths that are no file get index.html: ``index_fallback`` of the Staticfile decides."""
    return {"true": True, "false": False}.get(said(source, "index_fallback").lower(), default)


def own_caddyfile(source: Source, root: str) -> tuple[str | None, tuple[Notice, ...]]:
    """Return the project's own Caddyfile, which is used as it is, and what is to be known of it; ``None`` without one."""
    if source.has(CADDYFILE):
        text, name = source.text(CADDYFILE), CADDYFILE
    elif source.has(TEMPLATE):
        text, name = _FOLDER.sub(root or ".", source.text(TEMPLATE)), TEMPLATE
    else:
        return None, ()
    if _PORT.search(text):
        return text, ()
    words = f"{name} serves the pages, and does not listen where rw asks for them."
    return text, (Notice(code="CADDYFILE_PORT", message=words, fix="Begin the site's block with `:{$PORT:8080}`."),)


def headers(source: Source, root: str) -> list[str]:
    """Return directives for the headers that the site's ``_headers`` gives to paths. What is no path or header is skipped."""
    path = source.first(*(posixpath.join(folder, HEADERS) for folder in dict.fromkeys((root, *FOLDERS))))
    return [f"header {where} {name} {json.dumps(value)}" for where, name, value in _entries(source.text(path))] if path else []


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    where = ""
    for line in text.splitlines():
        if header := _HEADER.fullmatch(line):
            if where:
                yield where, header[1], header[2]
        elif line.strip() and not line.lstrip().startswith("#"):
            where = line.strip() if _PATH.fullmatch(line.strip()) else ""
