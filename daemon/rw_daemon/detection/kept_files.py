"""What a compiled program may read when it runs: templates, static files, migrations, settings. Pure."""

from __future__ import annotations

import posixpath
import re

from rw_daemon.detection.source import Source

_NOT_READ = re.compile(r"(?i)(readme.*|licen[cs]e.*|changelog.*|makefile|dockerfile|procfile|railway\.(toml|json)|nixpacks\.toml)$")


def kept_files(source: Source, *, code: tuple[str, ...], left_out: str) -> list[str]:
    """Return the highest folders without code, and single files beside code.

    :param code: endings of source files (``.go``); a folder with one of them below it is not kept as a whole.
    :param left_out: pattern of whole paths that the program never reads: manifests, tests, what the build makes.
    """
    without = re.compile(left_out)
    folders = {posixpath.dirname(path) for path in source.paths if path.endswith(code)}
    with_code = {""} | {folder[:end] for folder in folders for end in [*(at for at, sign in enumerate(folder) if sign == "/"), len(folder)]}
    kept = set()
    for path in source.paths:
        if path.endswith(code) or path.startswith(".") or without.match(path) or _NOT_READ.match(posixpath.basename(path)):
            continue
        parts = path.split("/")
        kept.add(next(("/".join(parts[:end]) for end in range(1, len(parts)) if "/".join(parts[:end]) not in with_code), path))
    return sorted(kept)
