"""What composer.json and composer.lock say: packages, extensions, the PHP that is wanted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rw_daemon.detection.ranges import pessimistic
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted

NAME, LOCK = "composer.json", "composer.lock"
EXTENSION = "ext-"


@dataclass(frozen=True)
class Composer:
    """One composer.json; of a project without one nothing is required."""

    source: Source

    @property
    def is_there(self) -> bool:
        """Return whether the project uses Composer."""
        return self.source.has(NAME)

    @cached_property
    def required(self) -> dict[str, str]:
        """Package → range, of composer.json alone. ``ConfigInvalidError`` when it cannot be parsed."""
        return _texts(self.source.json(NAME).get("require"))

    @cached_property
    def locked(self) -> dict[str, dict[str, str]]:
        """Package → what it requires, of composer.lock. ``ConfigInvalidError`` when it cannot be parsed."""
        packages = self.source.json(LOCK).get("packages")
        entries = [one for one in packages if isinstance(one, dict)] if isinstance(packages, list) else []
        return {str(one.get("name")): _texts(one.get("require")) for one in entries}

    @property
    def packages(self) -> frozenset[str]:
        """All packages that will be installed, as far as is known."""
        return frozenset({*self.required, *self.locked})

    @property
    def extensions(self) -> frozenset[str]:
        """The extensions that the project and its packages ask for."""
        asked = [*self.required, *(name for requires in self.locked.values() for name in requires)]
        return frozenset(name.removeprefix(EXTENSION).lower() for name in asked if name.startswith(EXTENSION))

    def versions(self) -> list[Wanted]:
        """Return what is said of PHP itself."""
        platform = self.source.json(NAME).get("config")
        fixed = _texts(platform.get("platform")) if isinstance(platform, dict) else {}
        said = (("config.platform.php", fixed.get("php", "")), ("require.php", self.required.get("php", "")))
        return [Wanted(pessimistic(text), f"{key} in {NAME}") for key, text in said]

    def inputs(self) -> tuple[str, ...]:
        """Return the files that an installation reads; all sources where a package is a folder of them."""
        listed = self.source.json(NAME).get("repositories")
        repositories = listed.values() if isinstance(listed, dict) else listed if isinstance(listed, list) else ()
        if any(isinstance(one, dict) and one.get("type") == "path" for one in repositories):
            return (".",)
        return tuple(one for one in (NAME, LOCK, "symfony.lock", "auth.json") if self.source.has(one))


def _texts(value: Any) -> dict[str, str]:
    return {str(key): one for key, one in value.items() if isinstance(one, str)} if isinstance(value, dict) else {}
