"""What Cargo.toml files say: packages, their targets, workspaces, the lock file. Wrong types count as absent. Pure.

Source: the Cargo book, "Cargo Targets" (where a target's file is looked for) and "Workspaces".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rw_daemon.detection import globs
from rw_daemon.detection.source import Source

NAME, LOCK = "Cargo.toml", "Cargo.lock"
CONFIGS = (".cargo/config.toml", ".cargo/config")
_DEPENDENCIES = ("dependencies", "dev-dependencies", "build-dependencies")
_TARGET_FOLDERS = {"example": "examples", "test": "tests", "bench": "benches"}


def table(value: Any) -> dict[str, Any]:
    """Return a table, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text(value: Any, default: str = "") -> str:
    """Return a text, ``default`` for anything else."""
    return value if isinstance(value, str) else default


def texts(value: Any) -> list[str]:
    """Return the texts of a list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


@dataclass(frozen=True)
class Crate:
    """One package of a source tree. ``folder`` is empty for the root."""

    source: Source
    folder: str
    data: dict[str, Any]

    @property
    def package(self) -> dict[str, Any]:
        """The table ``[package]``."""
        return table(self.data.get("package"))

    @property
    def name(self) -> str:
        """The package's name; empty for a manifest that only declares a workspace."""
        said = self.package.get("name")
        return said if isinstance(said, str) and re.fullmatch(r"[\w-]+", said) else ""

    def at(self, path: str) -> str:
        """Return a path of the package as one of the source tree."""
        return posixpath.normpath(posixpath.join(self.folder, path))

    def has(self, path: str) -> bool:
        """Return whether a file of the package is there."""
        return self.source.has(self.at(path))

    def inherited(self, key: str, root: Crate) -> str:
        """Return a text of ``[package]``, from the workspace where it says ``key.workspace = true``."""
        said = self.package.get(key)
        if table(said).get("workspace") is True:
            said = table(table(root.data.get("workspace")).get("package")).get(key)
        return text(said)

    @cached_property
    def binaries(self) -> dict[str, str]:
        """The binaries that a build without options makes, with their files: the package's own first, then by name."""
        found: dict[str, str] = {}
        if self.name and self.package.get("autobins") is not False:
            if self.has("src/main.rs"):
                found[self.name] = "src/main.rs"
            inside = self.at("src/bin") + "/"
            for path in self.source.paths if self.source.has_folder(inside) else ():
                match = re.fullmatch(r"([\w-]+)(?:\.rs|/main\.rs)", path.removeprefix(inside)) if path.startswith(inside) else None
                if match:
                    found.setdefault(match[1], path[len(inside) - len("src/bin/") :])
        for one in self._declared("bin"):
            name, file = text(one.get("name")), text(one.get("path"))
            if not re.fullmatch(r"[\w-]+", name):
                continue
            for other in [key for key, at in found.items() if key != name and at == file]:
                del found[other]
            found[name] = file or found.get(name) or self._place(name)
            if not set(texts(one.get("required-features"))) <= set(texts(table(self.data.get("features")).get("default"))):
                del found[name]
        return found

    def _place(self, name: str) -> str:
        places = (f"src/bin/{name}.rs", f"src/bin/{name}/main.rs")
        return next((path for path in places if self.has(path)), "src/main.rs")

    def _declared(self, kind: str) -> list[dict[str, Any]]:
        said = self.data.get(kind)
        return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []

    def stubs(self) -> Iterator[tuple[str, bool]]:
        """Yield the files without which Cargo does not read the manifest, and whether each of them is a program."""
        if not self.name:
            return
        yield from ((self.at(path), True) for path in self.binaries.values())
        library = table(self.data.get("lib"))
        path = text(library.get("path"), "src/lib.rs")
        if library or self.has(path) or not self.binaries:
            yield self.at(path), False
        build = self.package.get("build", "build.rs")
        if isinstance(build, str) and self.has(build):
            yield self.at(build), True
        for kind, folder in (("bin", "src/bin"), *_TARGET_FOLDERS.items()):
            for one in self._declared(kind):
                path = text(one.get("path"), f"{folder}/{one.get('name')}.rs")
                if self.has(path):
                    yield self.at(path), True

    @property
    def dependencies(self) -> dict[str, Any]:
        """What the package itself depends on, by name."""
        return table(self.data.get("dependencies"))

    def neighbours(self, root: Crate) -> Iterator[str]:
        """Yield the folders of the packages that it takes from the same tree."""
        shared = table(table(root.data.get("workspace")).get("dependencies"))
        tables = [self.data, *(table(one) for one in table(self.data.get("target")).values())]
        for name, said in [
            pair for one in tables for kind in _DEPENDENCIES for pair in table(one.get(kind)).items()
        ]:  # a table for a target holds the same kinds
            from_root = table(said).get("workspace") is True
            path = table(shared.get(name) if from_root else said).get("path")
            if isinstance(path, str):
                yield posixpath.normpath(posixpath.join("" if from_root else self.folder, path))


@dataclass(frozen=True)
class Workspace:
    """All packages of a source tree that one build may read."""

    source: Source

    @cached_property
    def root(self) -> Crate:
        """The manifest at the top."""
        return Crate(self.source, "", self.source.toml(NAME))

    @cached_property
    def crates(self) -> list[Crate]:
        """The root, the members that it names, and what these take from the same tree; by path."""
        found = {"": self.root}
        pending = [*self._named(), *self.root.neighbours(self.root)]
        while pending:
            folder = pending.pop()
            if folder not in found and self.source.has(f"{folder}/{NAME}"):
                found[folder] = Crate(self.source, folder, self.source.toml(f"{folder}/{NAME}"))
                pending += found[folder].neighbours(self.root)
        return [found[folder] for folder in sorted(found)]

    def _named(self) -> list[str]:
        declared = table(self.root.data.get("workspace"))
        folders = (posixpath.dirname(path) for path in self.source.paths if path.endswith("/" + NAME))
        return globs.among(folders, texts(declared.get("members")), texts(declared.get("exclude")))

    @property
    def members(self) -> list[Crate]:
        """The packages; the root where it is one itself."""
        return [crate for crate in self.crates if crate.name]

    @cached_property
    def default_members(self) -> list[Crate]:
        """The members that a build without options builds."""
        declared = [globs.clean(one) for one in texts(table(self.root.data.get("workspace")).get("default-members"))]
        chosen = [crate for crate in self.members if any(globs.fits(crate.folder or ".", one) for one in declared)]
        return chosen or ([self.root] if self.root.name else self.members)

    @cached_property
    def vendored(self) -> list[str]:
        """The folders that hold copies of dependencies, by ``.cargo/config.toml``."""
        places = [table(one).get("directory") for path in CONFIGS for one in table(self.source.toml(path).get("source")).values()]
        return [globs.clean(one) for one in places if isinstance(one, str) and self.source.has_folder(globs.clean(one))]

    @cached_property
    def locked(self) -> set[str]:
        """The names of all packages in the lock file."""
        packages = self.source.toml(LOCK).get("package")
        found = [table(one).get("name") for one in packages] if isinstance(packages, list) else []
        return {one for one in found if isinstance(one, str)}

    @property
    def output(self) -> str:
        """The folder below a target folder in which release binaries appear: with a triple where one is configured."""
        said = [table(self.source.toml(path).get("build")).get("target") for path in CONFIGS]
        triple = next((one for one in said if isinstance(one, str) and re.fullmatch(r"[\w.-]+", one)), "")
        return f"{triple}/release" if triple else "release"
