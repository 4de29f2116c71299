"""From what an engine tells of an image, or a disk of a folder, to where the bytes are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rw_shared.contents import Part

_SHELL = re.compile(r"^(RUN )?(?:--mount=\S+\s+)*(?:\|\d+ (?:\w+=\S*\s)*)?(?:/bin/sh -c (?:#\(nop\)\s*)?)?")
_BUILDKIT = " # buildkit"


@dataclass(frozen=True)
class Described:
    """An image as the engine knows it.

    :param layers: ``RootFS.Layers``, the lowest first. :param history: of ``GET /images/{name}/history``, the newest first.
    """

    layers: tuple[str, ...]
    history: tuple[dict[str, Any], ...]


def parts_of(image: Described, base: Described | None) -> tuple[Part, ...]:
    """Return the layers that hold something, the lowest first.

    :param base: of which nothing counts as base when the image does not begin with it: its name means another one by now.
    """
    below = len(shared_with(image, base).history)
    lowest_first = [(one, number < below) for number, one in enumerate(reversed(image.history))]
    return tuple(
        Part(what=command_of(one["CreatedBy"]) or one.get("Comment") or "imported", size_bytes=one["Size"], is_base=is_base)
        for one, is_base in lowest_first
        if one["Size"]
    )


def shared_with(image: Described | None, base: Described | None) -> Described:
    """Return what an image has of its base: all of it, or nothing when it does not begin with it."""
    begins = image is not None and base is not None and image.layers[: len(base.layers)] == base.layers
    return base if base is not None and begins else Described((), ())


def command_of(created_by: str) -> str:
    """Return the instruction that made a layer, as it stands in the Dockerfile."""
    return " ".join(_SHELL.sub(r"\1", created_by.removesuffix(_BUILDKIT), count=1).split())


def parts_of_folder(folder: Path) -> tuple[Part, ...]:
    """Return what lies in a folder by name, the largest first. Linked files count in full, whoever shares them."""
    sizes = [(one.name, _size(one)) for one in folder.iterdir()]
    return tuple(Part(what=name, size_bytes=size) for name, size in sorted(sizes, key=lambda pair: (-pair[1], pair[0])) if size)


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(one.lstat().st_size for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
