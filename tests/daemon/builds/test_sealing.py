"""An image's archive with fixed times: what changes, and what must not."""

from __future__ import annotations

import hashlib
import io
import json
import py_compile
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rw_daemon.builds.sealing import Seal, bytecode, reseal

EPOCH = 1_700_000_000
SEAL = Seal(EPOCH, base_layers=1, base_steps=2, labels={"rw.key": "k"}, tag="rw/app:k")


def layer(mtime: float) -> bytes:
    """Return a layer with all that a layer may hold."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, changes in (
            ("app", {"type": tarfile.DIRTYPE, "mode": 0o755, "uid": 10001}),
            ("app/run", {"mode": 0o755, "data": b"#!/bin/sh\n", "pax_headers": {"SCHILY.xattr.user.a": "b"}}),
            ("app/again", {"type": tarfile.LNKTYPE, "linkname": "app/run"}),
            ("app/link", {"type": tarfile.SYMTYPE, "linkname": "../etc/x"}),
            ("app/.wh.gone", {}),
            ("app/" + "long" * 60 + "\udcff", {"data": b"x"}),
            ("app/old", {"mtime": 5}),
        ):
            member = tarfile.TarInfo(name)
            data: bytes = changes.pop("data", b"")  # type: ignore[assignment]
            member.mtime, member.size = mtime, len(data)  # type: ignore[assignment] - a float is what makes a PAX head
            for key, value in changes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(data))
    return held.getvalue()


def saved(mtime: float, *, created: str) -> io.BytesIO:
    """Return an image of a base layer and one on top, as an engine saves it."""
    below, above = layer(3.5), layer(mtime)
    config = {
        "architecture": "amd64",
        "created": created,
        "config": {"Labels": {"a": "b"}, "User": "1"},
        "history": [
            {"created": "2020-01-01T00:00:00Z", "created_by": "base"},
            {"created": "2020-01-02T00:00:00Z", "empty_layer": True},
            {"created": created, "created_by": "COPY"},
        ],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in (below, above)]},
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, content in {
            "x/layer.tar": below, "y/layer.tar": above, "c.json": json.dumps(config).encode(),
            "manifest.json": json.dumps([{"Config": "c.json", "RepoTags": None, "Layers": ["x/layer.tar", "y/layer.tar"]}]).encode(),
        }.items():  # fmt: skip
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    held.seek(0)
    return held


def resealed(mtime: float, *, created: str) -> tuple[str, dict[str, Any], list[bytes], list[str]]:
    """Return id, settings, layers and names."""
    out = io.BytesIO()
    image = reseal(saved(mtime, created=created), out, SEAL)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:

        def read(name: str) -> bytes:
            found = archive.extractfile(name)
            assert found is not None
            return found.read()

        (manifest,) = json.loads(read("manifest.json"))
        text = read(manifest["Config"])
        assert image == "sha256:" + hashlib.sha256(text).hexdigest()
        return image, json.loads(text), [read(name) for name in manifest["Layers"]], manifest["RepoTags"]


def test_two_builds_that_differ_in_their_times_alone_are_one_image() -> None:
    first = resealed(EPOCH + 10.25, created="2026-01-01T00:00:00.123Z")
    second = resealed(EPOCH + 99.75, created="2026-02-02T00:00:00Z")
    assert first == second


def test_base_stays_and_everything_on_top_has_the_one_moment() -> None:
    _, config, layers, tags = resealed(EPOCH + 10.25, created="2026-01-01T00:00:00Z")
    assert layers[0] == layer(3.5)
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers]
    assert [one["created"] for one in config["history"]] == ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2023-11-14T22:13:20Z"]
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert config["config"] == {"Labels": {"a": "b", "rw.key": "k"}, "User": "1"}
    assert tags == ["rw/app:k"]


def test_files_lose_nothing_but_their_time() -> None:
    def members(content: bytes) -> list[tuple[object, ...]]:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            return [
                (one.name, one.type, one.mode, one.uid, one.linkname, one.pax_headers.get("SCHILY.xattr.user.a"), one.isreg() and archive.extractfile(one).read())  # type: ignore[union-attr]
                for one in archive
            ]  # fmt: skip

    before, after = layer(EPOCH + 10.25), resealed(EPOCH + 10.25, created="2026-01-01T00:00:00Z")[2][1]
    assert members(after) == members(before)
    with tarfile.open(fileobj=io.BytesIO(after)) as archive:
        assert {one.name.rpartition("/")[2]: one.mtime for one in archive if one.mtime != EPOCH} == {"old": 5}


@pytest.mark.parametrize("mode", list(py_compile.PycInvalidationMode))
def test_compiled_file_still_belongs_to_its_source(tmp_path: Path, mode: py_compile.PycInvalidationMode) -> None:
    source = tmp_path / "a.py"
    source.write_text("A = 1\n")
    before = Path(py_compile.compile(str(source), invalidation_mode=mode, doraise=True)).read_bytes()
    after = bytecode(before, EPOCH)
    if mode is py_compile.PycInvalidationMode.TIMESTAMP:
        assert int.from_bytes(after[8:12], "little") == EPOCH
        assert (after[:8], after[12:]) == (before[:8], before[12:])
    else:
        assert after == before


def test_what_is_no_compiled_file_is_left_alone() -> None:
    assert bytecode(b"short", EPOCH) == b"short"
