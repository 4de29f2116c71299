"""What mix.exs and mix.lock say. mix.exs is Elixir code: only what stands there literally is read. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from rw_daemon.detection.ranges import pessimistic
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted

NAME, LOCK = "mix.exs", "mix.lock"
VERSION_FILES = (".elixir-version", ".exenv-version")
_TOKEN = re.compile(r'"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\])*"|#[^\n]*', re.DOTALL)
_APP = re.compile(r"(?<![\w:])app:\s*:(\w+)")
_ELIXIR = re.compile(r'(?<![\w:])elixir:\s*"([^"]*)"')
_DEPENDENCY = re.compile(r"\{\s*:(\w+)\s*,")
_PATH = re.compile(r'(?<![\w:])path:\s*"([^"]+)"')
_RELEASES = re.compile(r"(?<![\w:])releases:\s*\[\s*\"?(\w+)\"?:")
_RELEASES_FUNCTION = re.compile(r"\bdefp?\s+releases(?:\(\))?(?:\s+do|,\s*do:)\s*\[\s*\"?(\w+)\"?:")
_DEFAULT_RELEASE = re.compile(r"(?<![\w:])default_release:\s*:(\w+)")
_UMBRELLA = re.compile(r'(?<![\w:])apps_path:\s*"([^"]+)"')
_LOCKED = re.compile(r'^\s*"(\w+)":\s*\{:(?:hex|git)\b', re.MULTILINE)


@dataclass(frozen=True)
class Mix:
    """One project of mix, or an umbrella of several."""

    source: Source

    @cached_property
    def code(self) -> str:
        """mix.exs without comments."""
        return _without_comments(self.source.text(NAME))

    @property
    def members(self) -> list[str]:
        """The mix.exs files of an umbrella's projects; empty for a single one."""
        folder = _UMBRELLA.search(self.code)
        return [path for path in self.source.glob(f"{folder[1]}/*/{NAME}") if path.count("/") == folder[1].count("/") + 2] if folder else []

    @property
    def declared(self) -> str:
        """The release that is described: the default one, else the first. Empty when none is."""
        found = _DEFAULT_RELEASE.search(self.code) or _RELEASES.search(self.code) or _RELEASES_FUNCTION.search(self.code)
        return found[1] if found else ""

    @property
    def release(self) -> str:
        """How the release is called: as it is described, else as the app. Empty when it cannot be told."""
        app = _APP.search(self.code)
        return self.declared or (app[1] if app else "")

    @cached_property
    def apps(self) -> tuple[str, ...]:
        """The applications that are built here."""
        texts = [self.code, *(_without_comments(self.source.text(one)) for one in self.members)]
        return tuple(match[1] for text in texts if (match := _APP.search(text)))

    @cached_property
    def packages(self) -> frozenset[str]:
        """What the project depends on, as far as it is written out."""
        texts = [self.code, *(_without_comments(self.source.text(one)) for one in self.members)]
        own = {match[1] for text in texts for match in _DEPENDENCY.finditer(text)}
        return frozenset(own | set(_LOCKED.findall(self.source.text(LOCK))))

    def versions(self) -> tuple[list[Wanted], list[Wanted]]:
        """Return what is said of Elixir: in files of its own, and in mix.exs."""
        own = [Wanted(self.source.text(one).strip(), one) for one in VERSION_FILES if self.source.has(one)]
        said = _ELIXIR.search(self.code)
        return own, [Wanted(pessimistic(said[1]), f"elixir in {NAME}")] if said else []

    def inputs(self) -> tuple[str, ...]:
        """Return what fetching and compiling packages reads: their configuration is compiled into them."""
        files = [NAME, LOCK, *self.members]
        config = [one for one in self.source.paths if one.startswith("config/") and not one.endswith("/runtime.exs")]
        folders = [f"{one.strip('/')}/" for one in _PATH.findall(self.code) if not one.startswith("..") and self.source.has_folder(one)]
        return (*(one for one in files if self.source.has(one)), *config, *folders)


def _without_comments(text: str) -> str:
    return _TOKEN.sub(lambda match: "" if match[0].startswith("#") else match[0], text)
