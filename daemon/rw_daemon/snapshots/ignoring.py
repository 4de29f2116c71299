"""Which files of a folder belong to a snapshot: ``.railwayignore``, else ``.gitignore`` and ``.dockerignore``, and what never does."""

from __future__ import annotations

from pathlib import Path

import pathspec

NEVER = {".git"}
NEVER_BY_DEFAULT = {"node_modules", "__pycache__", ".venv", ".DS_Store", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
EXAMPLES = {".env.example", ".env.sample", ".env.template", ".env.dist"}
OWN = ".railwayignore"


class Ignore:
    """The rules of one folder. ``decide`` asks about one entry, whose parents were not ignored."""

    def __init__(self, root: Path) -> None:
        own = _read(root / OWN)
        self._has_own = own is not None
        # nested .gitignore files are added as the walk meets them: prefix → rules
        self._rules: list[tuple[str, pathspec.GitIgnoreSpec]] = []
        texts = [own] if own is not None else [_read(root / ".dockerignore"), _read(root / ".gitignore")]
        for text in texts:
            if text:
                self._rules.append(("", pathspec.GitIgnoreSpec.from_lines(text.splitlines())))

    def enter(self, folder: Path, prefix: str) -> None:
        """Take up the ``.gitignore`` of a folder below the root. ``prefix`` ends in a slash."""
        if not self._has_own and (text := _read(folder / ".gitignore")):
            self._rules.append((prefix, pathspec.GitIgnoreSpec.from_lines(text.splitlines())))

    def decide(self, path: str, name: str, *, is_folder: bool) -> bool:
        """Return whether the entry is left out."""
        if name in NEVER:
            return True
        said = self._said(path + "/" if is_folder else path)
        if said is not None:
            return said
        return name in NEVER_BY_DEFAULT or ((name == ".env" or name.startswith(".env.")) and name not in EXAMPLES)

    def _said(self, path: str) -> bool | None:
        """Return what the rules say, the innermost file first; ``None`` when no rule speaks of the path."""
        for prefix, rules in reversed(self._rules):
            if path.startswith(prefix):
                result = rules.check_file(path.removeprefix(prefix))
                if result.include is not None:
                    return result.include
        return None


def is_virtualenv(folder: Path) -> bool:
    """Return whether a folder is a Python environment, whatever its name."""
    return (folder / "pyvenv.cfg").is_file()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError):
        return None
