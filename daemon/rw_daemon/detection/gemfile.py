"""What a Gemfile and its lock say. A Gemfile is Ruby code: only what stands there literally is read; the lock by its indentation. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property

from rw_daemon.detection.ranges import pessimistic
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved, Wanted

NAMES = {"Gemfile": "Gemfile.lock", "gems.rb": "gems.locked"}
VERSION_FILES = (".ruby-version", ".tool-versions")
_GEM = re.compile(r"^[ \t]*gem[ \t(]+['\"]([\w.-]+)['\"](.*)$", re.MULTILINE)
_PATH = re.compile(r"\bpath(?::|\s*=>)\s*['\"]([^'\"]+)['\"]")
_PATH_BLOCK = re.compile(r"^[ \t]*path[ \t(]+['\"]([^'\"]+)['\"]", re.MULTILINE)
_RUBY = re.compile(r"^[ \t]*ruby[ \t(]+(['\"][^\n]*)", re.MULTILINE)
_RUBY_FILE = re.compile(r"^[ \t]*ruby[ \t(]+file:[ \t]*['\"]([^'\"]+)['\"]", re.MULTILINE)
_SOURCE = re.compile(r"\bsource[ \t(:]+['\"]https?://([A-Za-z0-9.-]+)")
_GEMSPEC = re.compile(r"^[ \t]*gemspec\b", re.MULTILINE)
_QUOTED = re.compile(r"['\"]([^'\"]*)['\"]")
_SPEC = re.compile(r" {4}([\w.-]+) \(")
_LOCKED_RUBY = re.compile(r"ruby (\d+\.\d+)")
_TOKEN = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*")


def tag(version: Resolved) -> str:
    """Return the image's tag. Bundler refuses any other Ruby than the one a Gemfile names to the last number."""
    return version.allowed if re.fullmatch(r"\d+\.\d+\.\d+", version.allowed) else version.version


@dataclass(frozen=True)
class Gemfile:
    """The gems of a project; one without a Gemfile has none."""

    source: Source

    @property
    def name(self) -> str:
        """Gemfile or gems.rb; empty when there is neither."""
        return self.source.first(*NAMES) or ""

    @property
    def lock(self) -> str:
        """The lock file; empty when it is not there or says nothing."""
        lock = NAMES.get(self.name, "")
        return lock if self.source.text(lock).strip() else ""

    @cached_property
    def code(self) -> str:
        """The Gemfile without comments."""
        text = self.source.text(self.name) if self.name else ""
        return _TOKEN.sub(lambda match: "" if match[0].startswith("#") else match[0], text)

    @cached_property
    def asked(self) -> frozenset[str]:
        """The gems that the Gemfile names."""
        return frozenset(match[1] for match in _GEM.finditer(self.code))

    @cached_property
    def gems(self) -> frozenset[str]:
        """All gems that will be installed, as far as is known."""
        return self.asked | self._locked("GEM") | self._locked("GIT") | self._locked("PATH")

    @property
    def fetched(self) -> frozenset[str]:
        """Those that are not in the sources."""
        return self.gems - self._locked("PATH") - {match[1] for match in _GEM.finditer(self.code) if _PATH.search(match[2])}

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Folders of the sources that hold gems; ``.`` when the project is one itself."""
        said = [match[1] for found in _GEM.finditer(self.code) for match in _PATH.finditer(found[2])]
        said += _PATH_BLOCK.findall(self.code)
        said += [line.strip().removeprefix("remote: ") for line in self._section("PATH") if line.startswith("  remote: ")]
        found = {posixpath.normpath(one) for one in said} | ({"."} if _GEMSPEC.search(self.code) else set())
        return tuple(sorted(one for one in found if one == "." or self.source.has_folder(one)))

    def versions(self) -> tuple[list[Wanted], list[Wanted]]:
        """Return what is said of Ruby itself: in a file of its own, and in Gemfile and lock."""
        own = [Wanted(self.source.text(one).strip(), one) for one in VERSION_FILES[:1] if self.source.has(one)]
        manifests = []
        if said := _RUBY.search(self.code):
            texts = _QUOTED.findall(re.split(r",\s*\w+(?::|\s*=>)", said[1])[0])
            manifests.append(Wanted(pessimistic(" ".join(texts)), f"ruby in {self.name}"))
        if (file := _RUBY_FILE.search(self.code)) and file[1] not in VERSION_FILES:
            manifests.append(Wanted(self.source.text(posixpath.normpath(file[1])).strip(), file[1]))
        if locked := next((match for line in self._section("RUBY VERSION") if (match := _LOCKED_RUBY.search(line))), None):
            # what was used, which tells more than a range; Bundler takes any of its patches
            said_exactly = any(one.text[:1].isdigit() for one in manifests)
            manifests.insert(len(manifests) if said_exactly else 0, Wanted(locked[1], self.lock))
        return own, manifests

    def inputs(self) -> tuple[str, ...]:
        """Return all that an installation reads."""
        if "." in self.folders:
            return (".",)
        files = [self.name, self.lock, *VERSION_FILES, ".bundle/config"]
        files += [match[1] for match in _RUBY_FILE.finditer(self.code)]
        folders = [f"{one}/" for one in (*self.folders, "vendor/cache") if self.source.has_folder(one)]
        return (*dict.fromkeys(one for one in files if one and self.source.has(one)), *folders)

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that the lock was made for; empty without a lock."""
        return tuple(line.strip() for line in self._section("PLATFORMS") if line.strip())

    def credentials(self) -> tuple[str, ...]:
        """Return the variables that Bundler takes a user and a password from, one for each source of gems."""
        hosts = {match[1].lower() for match in _SOURCE.finditer(self.code)}
        return tuple(f"BUNDLE_{host.upper().replace('-', '___').replace('.', '__')}" for host in sorted(hosts))

    def _locked(self, section: str) -> frozenset[str]:
        return frozenset(match[1] for line in self._section(section) if (match := _SPEC.match(line)))

    def _section(self, title: str) -> list[str]:
        """Return the lines of all sections of that name in the lock."""
        found, is_inside = [], False
        for line in self.source.text(self.lock).splitlines() if self.lock else ():
            if line[:1].strip():
                is_inside = line.strip() == title
            elif is_inside:
                found.append(line)
        return found
