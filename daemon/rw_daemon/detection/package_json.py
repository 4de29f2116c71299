"""What package.json says, of one folder. Wrong types count as absent: npm itself is as lenient."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rw_daemon.detection.source import Source

NAME = "package.json"
JSON5 = "package.json5"  # which pnpm reads as well (pnpm.io/package_json)
LOCAL = ("file:", "link:", "portal:", "./", "../")
LIFECYCLE = ("preinstall", "install", "postinstall", "prepare")


@dataclass(frozen=True)
class Package:
    """One package.json. ``folder`` is relative to the context, empty for its root."""

    source: Source
    folder: str = ""

    @classmethod
    def read(cls, source: Source, folder: str = "") -> Package:
        """Return the package of a folder."""
        return cls(source, folder)

    def at(self, name: str) -> str:
        """Return the path of a file in the package's folder."""
        return posixpath.join(self.folder, name)

    @cached_property
    def data(self) -> dict[str, Any]:
        """The whole object. ``ConfigInvalidError`` when it cannot be parsed."""
        path = self.source.first(self.at(NAME), self.at(JSON5)) or self.at(NAME)
        return self.source.jsonc(path) if path.endswith(JSON5) else self.source.json(path)

    def texts(self, key: str) -> dict[str, str]:
        """Return the entries of a table whose values are text."""
        table = self.data.get(key)
        return {name: value for name, value in table.items() if isinstance(value, str)} if isinstance(table, dict) else {}

    def text(self, key: str) -> str:
        """Return a value that is text; empty otherwise."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""

    @property
    def scripts(self) -> dict[str, str]:
        """Script name → command."""
        return self.texts("scripts")

    @cached_property
    def development(self) -> dict[str, str]:
        """What only the build needs."""
        return self.texts("devDependencies")

    @cached_property
    def packages(self) -> dict[str, str]:
        """All packages that are asked for, with their ranges."""
        return {**self.development, **self.texts("optionalDependencies"), **self.texts("dependencies")}

    @cached_property
    def _local(self) -> dict[str, str | None]:
        """Value of a package that is none of the registry's → where it lies in these sources, ``None`` where it does not."""
        said = [value for value in self.packages.values() if value.startswith(LOCAL)]
        found = {}
        for value in said:
            path = posixpath.normpath(self.at(value.partition(":")[2] if ":" in value else value))
            is_below = path not in {".", self.folder} and not path.startswith("..")
            found[value] = path if is_below and (self.source.has(path) or self.source.has(posixpath.join(path, NAME))) else None
        return found

    @property
    def local(self) -> list[str]:
        """Packages that are part of these sources: archives, and folders with a slash."""
        return [path if self.source.has(path) else f"{path}/" for path in self._local.values() if path]

    @property
    def needs_sources_to_install(self) -> bool:
        """Any source may have a part in it: a script runs while packages are installed, here or in a package that is a folder."""
        if None in self._local.values() or any(name in self.scripts for name in LIFECYCLE):
            return True
        folders = [Package(self.source, one.rstrip("/")) for one in self.local if one.endswith("/")]
        return any(one.local or one.needs_sources_to_install for one in folders)  # in this order: two may name each other
