"""What a snapshot holds: one line a file, in a canonical text whose digest names the snapshot."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from rw_shared.models import FileChange

EXECUTABLE, PLAIN, LINK = "x", "f", "l"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link.

    :param kind: ``f`` plain, ``x`` executable, ``l`` symbolic link.
    :param size: bytes.
    :param content: sha256 of the bytes, 64 hexadecimal digits; of a link, its target itself.
    """

    path: str
    kind: str
    size: int
    content: str


@dataclass(frozen=True)
class Manifest:
    """All entries of a snapshot, sorted by path."""

    entries: tuple[Entry, ...]

    @property
    def size_bytes(self) -> int:
        """The sum of all files."""
        return sum(entry.size for entry in self.entries)

    def changes_since(self, earlier: Manifest) -> tuple[FileChange, ...]:
        """Return what is different from an earlier tree, sorted by path."""
        before, now = ({entry.path: entry for entry in one.entries} for one in (earlier, self))
        kinds = {path: "added" if path not in before else "modified" for path in now if now[path] != before.get(path)}
        kinds |= dict.fromkeys(before.keys() - now.keys(), "removed")
        return tuple(FileChange.model_validate({"path": path, "kind": kinds[path]}) for path in sorted(kinds))

    def dumps(self) -> bytes:
        """Return the canonical text: equal trees give equal bytes."""
        rows = [[entry.path, entry.kind, entry.size, entry.content] for entry in self.entries]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=True).encode()

    @classmethod
    def loads(cls, text: bytes) -> Manifest:
        """Read the canonical text back."""
        return cls(tuple(Entry(*row) for row in json.loads(text)))

    @property
    def digest(self) -> str:
        """The snapshot's name: ``sha256:`` and 64 hexadecimal digits."""
        return "sha256:" + hashlib.sha256(self.dumps()).hexdigest()
