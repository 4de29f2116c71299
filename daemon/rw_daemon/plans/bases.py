"""Which images a Dockerfile starts from, and how an image's name is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

HUB = "docker.io"
MOVING = frozenset({"latest", "slim", "alpine", "lts", "stable", "current", "edge", "nightly", "main", "master", "mainline", "cli", "fpm"})
_SYNTAX = re.compile(r"^#\s*syntax\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_ARG = re.compile(r"^\s*ARG\s+(\w+)(?:=(.*))?$", re.IGNORECASE)
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_BORROWED = re.compile(r"^\s*(?:COPY|RUN)\s.*?(?:--from=|\bfrom=)([^\s,]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")


@dataclass(frozen=True)
class Image:
    """A name in its parts: ``ghcr.io``, ``owner/app``, ``1.2`` (or ``sha256:…``)."""

    registry: str
    repository: str
    tag: str

    @classmethod
    def of(cls, name: str) -> Image:
        """Read a name as Docker does: without a registry it is the hub's, without a tag ``latest``."""
        path, _, digest = name.partition("@")
        first, slash, rest = path.partition("/")
        is_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
        registry, path = (first, rest) if is_registry else (HUB, path)
        repository, _, tag = path.partition(":")
        return cls(registry, repository, digest or tag or "latest")

    @property
    def may_move(self) -> bool:
        """Its registry is named and its tag may mean another image by now. The hub's are taken as they are here: it counts pulls."""
        return self.registry != HUB and not self.tag.startswith("sha256:")

    @property
    def is_pinned(self) -> bool:
        """Its tag is a digest or names a version or a release (``trixie``), not only a flavour: that means another image some day."""
        return not set(self.tag.split("-")) <= MOVING

    @property
    def source(self) -> str:
        """The name without its tag."""
        return self.repository if self.registry == HUB else f"{self.registry}/{self.repository}"


def bases_of(text: str, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Return the images that a build of this Dockerfile needs, each once: its stages', what it copies from, its frontend.

    A name that depends on something only the engine knows (``$TARGETARCH``) is left out.

    :param arguments: the build's arguments, which win over the defaults of ``ARG`` lines.
    """
    known: dict[str, str] = {}
    stages = {"scratch"}
    found = list(_SYNTAX.findall(text.split("\nFROM", 1)[0]))
    for line in re.sub(r"\\[ \t]*\n", " ", text).splitlines():
        if argument := _ARG.match(line):
            name, default = argument[1], (argument[2] or "").strip().strip("\"'")
            if name in arguments or argument[2] is not None:
                known[name] = arguments.get(name, default)
        elif used := _FROM.match(line) or _BORROWED.match(line):
            image = _filled(used[1], known)
            if image.lower() not in stages and not image.isdigit() and "$" not in image:
                found.append(image)
            if used.re is _FROM and used[2]:
                stages.add(used[2].lower())
    return tuple(dict.fromkeys(found))


def _filled(name: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda one: known.get(one[1] or one[3]) or (one[2] or one[0]), name)
