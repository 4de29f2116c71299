"""What package.json says, of one folder. Wrong types count as absent: npm itself is as lenient."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rw_daemon.detection.source import Source

NAME = "package.json"
JSON5 = "package.json5"  # which pnpm reads as well (pnpm.io/package_json)
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

    @property
    def needs_sources_to_install(self) -> bool:
        """A script of its own runs while packages are installed, or a package is a folder of these sources."""
        local = any(value.startswith(("file:", "link:", "portal:", "./", "../")) for value in self.packages.values())
        return local or any(name in self.scripts for name in LIFECYCLE)
