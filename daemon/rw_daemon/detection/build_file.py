"""What a file of another build tool asks for, in rw's words. Its readers are ``nixpacks_file`` and ``railpack_file``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rw_daemon.plans.plan import Notice
from rw_shared.errors import ConfigInvalidError

KEPT = "..."
PROVIDERS = {
    "c#": "dotnet", "csharp": "dotnet", "f#": "dotnet", "fsharp": "dotnet", "golang": "go", "staticfile": "static",
    **{name: name for name in ("clojure", "cobol", "cpp", "crystal", "dart", "deno", "dotnet", "elixir", "gleam", "go", "haskell", "java")},
    **{name: name for name in ("node", "php", "python", "ruby", "rust", "scala", "shell", "static", "swift", "zig")},
}  # fmt: skip
PACKAGES = "Name the Debian packages in RW_BUILD_APT_PACKAGES."
_COMMAND = "Set RW_BUILD_BUILD_CMD and RW_BUILD_START_CMD."
UNREAD = {
    **dict.fromkeys(("RAILPACK_ANGULAR_PROJECT", "RAILPACK_DJANGO_APP_NAME"), _COMMAND),
    **dict.fromkeys(("NIXPACKS_PYTHON_PACKAGE_MANAGER", "RAILPACK_NODE_NPM_INSTALL"), "Set RW_BUILD_INSTALL_CMD."),
    **dict.fromkeys(("RAILPACK_PRUNE_DEPS", "RAILPACK_NODE_PRUNE_CMD", "RAILPACK_NODE_INSTALL_PATTERNS", "NIXPACKS_NO_MUSL"), ""),
    "RAILPACK_GLEAM_INCLUDE_SOURCE": "",
    "NIXPACKS_PHP_FALLBACK_PATH": "",
    **dict.fromkeys(("NIXPACKS_NO_CACHE", "RAILPACK_DISABLE_CACHES", "RAILPACK_ERLANG_VERSION"), ""),
}
"""Variables of both tools that rw reads nowhere, with what to type instead."""
Said = tuple[str, str]
"""A value and where it stands: file and key."""


@dataclass(frozen=True)
class Commands:
    """The commands of one step; ``...`` among them stands for those that were found.

    :param after: the step that a new one comes behind; empty for the usual place.
    """

    step: str
    commands: tuple[str, ...]
    source: str
    after: str = ""


@dataclass(frozen=True)
class BuildFile:
    """Everything that is mapped.

    :param provider: rw's name of the buildpack. :param beside: those of further languages in the same image.
    :param packages: Debian packages by side, added to those that were found.
    :param environment: variables of the image.
    :param caches: folders that survive builds, by step: relative to the app's, or absolute.
    :param path: folders for PATH, relative to the app's or absolute.
    :param variables: the tool's own variables, weaker than the same ones of a user, with the place of each.
    """

    provider: Said | None = None
    beside: tuple[Said, ...] = ()
    start: Said | None = None
    commands: tuple[Commands, ...] = ()
    packages: Mapping[str, Said] = field(default_factory=dict)
    environment: Mapping[str, Said] = field(default_factory=dict)
    variables: Mapping[str, Said] = field(default_factory=dict)
    caches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def provider(name: str, place: str) -> Said:
    """Return the buildpack of a provider's name. ``ConfigInvalidError``: rw has none."""
    if name not in PROVIDERS:
        raise ConfigInvalidError(place, f"no buildpack is called {name[:60]!r}.", hint=f"Known: {', '.join(sorted(PROVIDERS))}.")
    return PROVIDERS[name], place


def not_mapped(place: str, what: str = "has no counterpart in rw and is passed over", fix: str = "") -> Notice:
    """Return the notice of something that has no effect."""
    return Notice(code="NOT_MAPPED", message=f"{place} {what}.", fix=fix)


def unread(said: Mapping[str, str]) -> tuple[Notice, ...]:
    """Return a notice of each variable that is set and has no effect."""
    return tuple(not_mapped(name, fix=fix) for name, fix in sorted(UNREAD.items()) if said.get(name))


def text(value: Any, place: str) -> str:
    """Return a text; empty for nothing. ``ConfigInvalidError`` for anything else."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    raise ConfigInvalidError(place, f"a text was expected, {str(value)[:60]!r} was found.")


def texts(value: Any, place: str) -> tuple[str, ...]:
    """Return a list of texts; empty for nothing, and of one for a text alone. ``ConfigInvalidError`` for anything else."""
    items = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(items, list):
        raise ConfigInvalidError(place, f"a list of texts was expected, {str(value)[:60]!r} was found.")
    return tuple(one for one in (text(item, place) for item in items) if one)


def table(value: Any, place: str) -> dict[str, Any]:
    """Return a table; empty for nothing. ``ConfigInvalidError`` for anything else."""
    if value is None or isinstance(value, dict):
        return value or {}
    raise ConfigInvalidError(place, f"a table was expected, {str(value)[:60]!r} was found.")


def variables(values: Any, place: str, *, own: str) -> tuple[dict[str, Said], dict[str, Said]]:
    """Return the image's variables and the tool's own ones, which begin with ``own``. ``ConfigInvalidError``: a value is no scalar."""
    image: dict[str, Said] = {}
    tool: dict[str, Said] = {}
    for name, value in table(values, place).items():
        if not isinstance(value, str | int | float):
            raise ConfigInvalidError(f"{place}.{name}", "a text or a number was expected.")
        plain = str(value).lower() if isinstance(value, bool) else str(value)
        (tool if name.startswith(own) else image)[name] = (plain, f"{place}.{name}")
    return image, tool
