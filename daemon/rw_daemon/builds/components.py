"""Which packages lie in a tree of files, by what package managers leave there. Pure: the caller reads the files.

Where they leave it: deb, ``/var/lib/dpkg/status``, in images without a shell ``status.d/``; apk, ``/lib/apk/db/installed``; Python,
``*.dist-info/METADATA``; Node, ``package.json`` of each folder in ``node_modules``; Ruby, ``specifications/*.gemspec``; Composer,
``vendor/composer/installed.json``; Go, the build information in a program (``debug/buildinfo``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from urllib.parse import quote

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
GO_BEGIN, GO_END = bytes.fromhex("3077af0c9274080241e1c107e6d618e6"), bytes.fromhex("f932433186182072008242104116d8f2")
PROGRAM_LIMIT_BYTES = 300_000_000
_GEM = re.compile(r"/specifications/(?:default/)?(.+)-(\d[^/]*)\.gemspec$")
_NODE = re.compile(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/@]+/package\.json$")


@dataclass(frozen=True, order=True)
class Component:
    """One package.

    :param kind: of the package manager, as package URLs name it (``deb``, ``pypi``, ``npm`` …). ``space``: the distribution.
    :param licence: as its maker wrote it; mostly, but not always, an SPDX expression.
    """

    kind: str
    name: str
    version: str
    licence: str = ""
    space: str = ""

    @property
    def url(self) -> str:
        """The package URL: github.com/package-url/purl-spec."""
        name = re.sub(r"[-_.]+", "-", self.name).lower() if self.kind == "pypi" else self.name
        path = "/".join(quote(part, safe=".-_~") for part in (*self.space.split("/"), *name.split("/")) if part)
        return f"pkg:{self.kind}/{path}" + (f"@{quote(self.version, safe='.-_~:')}" if self.version else "")


@dataclass(frozen=True)
class Entry:
    """A file: its path without a leading slash, its size, and how to read it."""

    path: str
    size_bytes: int
    is_executable: bool
    read: Callable[[], bytes]


def components(entries: Iterable[Entry]) -> list[Component]:
    """Return the packages, each once and in order. What cannot be read as what its name says is passed over."""
    found: set[Component] = set()
    system: set[Component] = set()
    distribution = ""
    for entry in entries:
        if entry.path in OS_RELEASE:
            distribution = distribution or _field(entry.read().decode(errors="replace"), "ID")
        elif entry.path.startswith(("var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed")):
            system |= set(_system(entry))
        else:
            found |= set(_of_language(entry))
    return sorted(found | {Component(one.kind, one.name, one.version, one.licence, distribution) for one in system})


def _field(text: str, name: str) -> str:
    line = re.search(rf"^{name}=(.*)$", text, re.MULTILINE)
    return line[1].strip().strip("\"'") if line else ""


def _system(entry: Entry) -> Iterator[Component]:
    if entry.path.endswith((".md5sums", "-old")):
        return
    kind, fields = ("deb", ("Package", "Version", "Status", "-")) if "dpkg" in entry.path else ("apk", ("P", "V", "-", "L"))
    for block in entry.read().decode(errors="replace").split("\n\n"):
        said = dict(line.split(":", 1) for line in block.splitlines() if ":" in line and not line.startswith(" "))
        name, version, status, licence = (said.get(one, "").strip() for one in fields)
        if name and version and status in {"", "install ok installed"}:
            yield Component(kind, name, version, licence)


def _of_language(entry: Entry) -> Iterator[Component]:
    try:
        if entry.path.endswith((".dist-info/METADATA", ".egg-info/PKG-INFO")):
            yield from _python(entry.read())
        elif _NODE.search(entry.path):
            yield from _node(json.loads(entry.read()))
        elif gem := _GEM.search("/" + entry.path):
            yield Component("gem", gem[1], gem[2])
        elif entry.path.endswith("vendor/composer/installed.json"):
            yield from _composer(json.loads(entry.read()))
        elif entry.is_executable and entry.size_bytes <= PROGRAM_LIMIT_BYTES:
            yield from _go(entry.read())
    except (ValueError, AttributeError, TypeError, KeyError):
        return


def _python(content: bytes) -> Iterator[Component]:
    said = BytesHeaderParser().parsebytes(content)
    if said["Name"] and said["Version"]:
        yield Component("pypi", str(said["Name"]), str(said["Version"]), str(said["License-Expression"] or said["License"] or "").strip())


def _node(said: dict[str, object]) -> Iterator[Component]:
    licence = said.get("license")
    if isinstance(said["name"], str) and isinstance(said["version"], str):
        yield Component("npm", said["name"], said["version"], licence if isinstance(licence, str) else "")


def _composer(said: dict[str, list[dict[str, object]]]) -> Iterator[Component]:
    for one in said["packages"]:
        licences = one.get("license")
        yield Component("composer", str(one["name"]), str(one["version"]), " OR ".join(licences) if isinstance(licences, list) else "")


def _go(content: bytes) -> Iterator[Component]:
    """Read the modules that a Go program says it is made of; a replaced one is named by what replaced it."""
    if not content.startswith(b"\x7fELF") or (begin := content.find(GO_BEGIN)) < 0:
        return
    text = content[begin + len(GO_BEGIN) : content.find(GO_END, begin)].decode(errors="replace")
    made: list[Component] = []
    for word, name, version in re.findall(r"^(dep|=>)\t(\S+)\t(\S+)", text, re.MULTILINE):
        if word == "=>" and made:
            made.pop()
        made.append(Component("golang", name, version))
    yield from made
