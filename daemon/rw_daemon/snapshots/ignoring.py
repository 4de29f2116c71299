"""Which files of a folder belong to a snapshot: ``.railwayignore``, else ``.gitignore`` and ``.dockerignore``, and what never does."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from pathlib import Path

import pathspec

NEVER = {".git"}
NEVER_BY_DEFAULT = {"node_modules", "__pycache__", ".venv", ".DS_Store", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
EXAMPLES = {".env.example", ".env.sample", ".env.template", ".env.dist"}
EDITORS = ("*~", ".#*", ".*.sw?", "*___jb_tmp___", "*___jb_old___", ".goutputstream-*", "4913")
"""What editors put beside a file while it is saved. Sources: Vim's help (swap-file, backup), Emacs' manual (auto-save, locks)."""
OWN = ".railwayignore"


_EDITORS = re.compile("|".join(fnmatch.translate(pattern) for pattern in EDITORS))


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
        return (
            name in NEVER_BY_DEFAULT
            or _EDITORS.fullmatch(name) is not None
            or ((name == ".env" or name.startswith(".env.")) and name not in EXAMPLES)
        )

    def _said(self, path: str) -> bool | None:
        """Return what the rules say, the innermost file first; ``None`` when no rule speaks of the path."""
        for prefix, rules in reversed(self._rules):
            if path.startswith(prefix):
                result = rules.check_file(path.removeprefix(prefix))
                if result.include is not None:
                    return result.include
        return None


def as_dockerignore(text_of: Callable[[str], str]) -> str:
    """Return the rules of a tree as a ``.dockerignore`` for builds without rw, so that they leave out what rw leaves out.

    Its patterns start at the root, where those of ``.gitignore`` match at any depth. Files that lie deeper are not taken up.

    :param text_of: returns the text of a file of the tree; empty when it is not there.
    """
    own = text_of(OWN)
    kept = [] if own else text_of(".dockerignore").splitlines()
    taken = [_anchored(line) for line in (own or text_of(".gitignore")).splitlines()]
    never = [f"**/{name}" for name in (*sorted(NEVER | NEVER_BY_DEFAULT), *EDITORS)]
    secret = ["**/.env", "**/.env.*", *(f"!**/{name}" for name in sorted(EXAMPLES))]
    recipe = ["Dockerfile", "Dockerfile.dockerignore"]
    return "\n".join(line for line in (*never, *secret, *recipe, *kept, *taken) if line.strip()) + "\n"


def _anchored(line: str) -> str:
    """Return one rule of a ``.gitignore`` as Docker reads it."""
    rule = line.strip()
    if not rule or rule.startswith("#"):
        return ""
    mark, rule = ("!", rule[1:]) if rule.startswith("!") else ("", rule)
    inner = rule.rstrip("/")
    return mark + (inner.removeprefix("/") if "/" in inner else f"**/{inner}")


def is_virtualenv(folder: Path) -> bool:
    """Return whether a folder is a Python environment, whatever its name."""
    return (folder / "pyvenv.cfg").is_file()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError):
        return None
