"""A read-only view of a source tree. Tests fill it with a dict; a snapshot hands in a mapping that reads when asked."""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, TypeVar

import yaml

from rw_shared.errors import ConfigInvalidError

T = TypeVar("T")
# a string, which stays as it is, or what strict JSON lacks; an end that is missing is the end of the text, so that each is read once
_STRING = r'("(?:\\.|[^"\\])*+(?:"|\Z))'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMA = re.compile(_STRING + r"|,(?=\s*+[}\]])", re.DOTALL)


class Source:
    """Files by POSIX path relative to the root. Folders exist only through their files."""

    def __init__(self, files: Mapping[str, bytes] | Mapping[str, str] | Mapping[str, str | bytes]) -> None:
        self._files = files
        self._known: dict[str, Any] = {}

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Return what ``make`` works out from the tree, which never changes; it is called once for a key."""
        if key not in self._known:
            self._known[key] = make()
        found: T = self._known[key]
        return found

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All files, sorted."""
        return tuple(sorted(self._files))

    @cached_property
    def _folders(self) -> frozenset[str]:
        parents: set[str] = set()
        for path in self.paths:
            parts = path.split("/")[:-1]
            parents.update("/".join(parts[: end + 1]) for end in range(len(parts)))
        return frozenset(parents)

    def has(self, path: str) -> bool:
        """Return whether ``path`` is a file."""
        return path in self._files

    def has_folder(self, path: str) -> bool:
        """Return whether any file lies below ``path``."""
        return path.rstrip("/") in self._folders

    def first(self, *paths: str) -> str | None:
        """Return the first of ``paths`` that is a file."""
        return next((path for path in paths if path in self._files), None)

    def glob(self, pattern: str) -> list[str]:
        """Return the files whose whole path fits the shell pattern (``*`` also crosses folders), sorted."""
        return [path for path in self.paths if fnmatchcase(path, pattern)]

    def data(self, path: str) -> bytes:
        """Return a file's bytes; empty when it is not there."""
        content = self._files.get(path, b"")
        return content.encode() if isinstance(content, str) else content

    def text(self, path: str) -> str:
        """Return a file's text; empty when it is not there. Bytes that are not UTF-8 are replaced, a BOM is dropped."""
        return self.data(path).decode("utf-8-sig", errors="replace")

    def toml(self, path: str) -> dict[str, Any]:
        """Return a TOML file's tables; empty when it is not there. ``ConfigInvalidError`` when it cannot be parsed."""
        try:
            return tomllib.loads(self.text(path))
        except tomllib.TOMLDecodeError as error:
            raise ConfigInvalidError(path, f"is not valid TOML: {error}") from None
        except (RecursionError, ValueError):
            raise ConfigInvalidError(path, "is nested too deeply, or holds a number that is too long.") from None

    def json(self, path: str) -> dict[str, Any]:
        """Return a JSON file's object; empty when it is absent or of another type. ``ConfigInvalidError`` when it cannot be parsed."""
        return _object(path, self.text(path))

    def jsonc(self, path: str) -> dict[str, Any]:
        """Return the object of a JSON file that may hold comments and trailing commas; otherwise as ``json``."""
        bare = _COMMENT.sub(lambda match: match[1] or " ", self.text(path))
        return _object(path, _COMMA.sub(lambda match: match[1] or "", bare))

    def yaml(self, path: str) -> dict[str, Any]:
        """Return a YAML file's mapping; empty when it is absent or of another type. Tags of other programs count as null.

        ``ConfigInvalidError`` when it cannot be parsed.
        """
        try:
            value = yaml.load(self.text(path), _Yaml)  # noqa: S506  # a SafeLoader, which makes plain values alone
        except yaml.YAMLError as error:
            raise ConfigInvalidError(path, f"is not valid YAML: {' '.join(str(error).split())}") from None
        except (RecursionError, ValueError, TypeError):
            raise ConfigInvalidError(path, "is nested too deeply, or holds a value that cannot be.") from None
        return value if isinstance(value, dict) else {}

    def below(self, folder: str) -> Source:
        """Return the tree below ``folder``; itself for an empty one."""
        prefix = folder.strip("/") + "/"
        if prefix == "/":
            return self
        first, end = bisect_left(self.paths, prefix), bisect_left(self.paths, prefix[:-1] + "0")  # the letter behind the slash
        return Source(_Some(self._files, {path.removeprefix(prefix): path for path in self.paths[first:end]}))

    def without(self, folders: Sequence[str]) -> Source:
        """Return the tree without what lies below ``folders``."""
        inside = tuple(f"{one}/" for one in folders)
        return Source(_Some(self._files, {path: path for path in self.paths if not path.startswith(inside)})) if inside else self


def _object(path: str, text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigInvalidError(path, f"is not valid JSON: {error}") from None
    except (RecursionError, ValueError):
        raise ConfigInvalidError(path, "is nested too deeply, or holds a number that is too long.") from None
    return value if isinstance(value, dict) else {}


class _Yaml(yaml.SafeLoader):
    """Plain values; what another program would make of its own tags is not known here."""


_Yaml.add_multi_constructor("", lambda _loader, _suffix, _node: None)
_Yaml.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


class _Some(Mapping[str, Any]):
    """Some files of another mapping, by their new names."""

    def __init__(self, files: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._files, self._names = files, names

    def __getitem__(self, path: str) -> Any:
        return self._files[self._names[path]]

    def __contains__(self, path: object) -> bool:
        return path in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
