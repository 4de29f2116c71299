"""What is in a snapshot, what is left out, and what comes out again."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rw_daemon.snapshots import Snapshots, as_dockerignore
from rw_daemon.snapshots.walking import Found
from rw_shared.errors import SnapshotChangedError, SnapshotMissingError, SnapshotTooLargeError, SourceMissingError
from rw_shared.models import SnapshotProgress


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "kept", limit_files=100, limit_bytes=1000)


def write(tree: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        pytest.param({".git/config": "", "a": ""}, ["a"], id="git"),
        pytest.param({".env": "", ".env.local": "", ".env.example": ""}, [".env.example"], id="secrets"),
        pytest.param({"x/pyvenv.cfg": "", "x/a": "", "a": ""}, ["a"], id="virtual environment of any name"),
        pytest.param({"a~": "", ".#a": "", ".a.swp": "", "4913": "", "a": ""}, ["a"], id="what editors leave"),
        pytest.param({"b/node_modules/a": "", "__pycache__/a": "", "a": ""}, ["a"], id="installed and compiled"),
        pytest.param({".gitignore": "*.log\n!b.log", "a.log": "", "b.log": ""}, [".gitignore", "b.log"], id="gitignore"),
        pytest.param({"x/.gitignore": "a", "x/a": "", "a": ""}, ["a", "x/.gitignore"], id="nested gitignore"),
        pytest.param({".railwayignore": "a", ".gitignore": "b", "a": "", "b": ""}, [".gitignore", ".railwayignore", "b"], id="own rules"),
        pytest.param({".railwayignore": "!node_modules/", "node_modules/a": ""}, [".railwayignore", "node_modules/a"], id="included"),
        pytest.param({".railwayignore": "!.git/", ".git/a": ""}, [".railwayignore"], id="never git"),
    ],
)
async def test_what_belongs_to_a_snapshot(tree: Path, snapshots: Snapshots, files: dict[str, str], kept: list[str]) -> None:
    write(tree, files)
    manifest = await snapshots.manifest((await snapshots.take(tree)).digest)
    assert [entry.path for entry in manifest.entries] == kept


async def test_equal_trees_have_equal_digests_and_a_changed_byte_another(tree: Path, snapshots: Snapshots) -> None:
    write(tree, {"a": "1"})
    first = await snapshots.take(tree)
    assert (await snapshots.take(tree)).digest == first.digest
    write(tree, {"a": "2"})
    assert (await snapshots.take(tree)).digest != first.digest


async def test_links_out_and_pipes_are_skipped_and_named(tree: Path, snapshots: Snapshots) -> None:
    (tree / "inside").symlink_to("loop")
    (tree / "loop").symlink_to("inside")
    (tree / "outside").symlink_to("/etc/passwd")
    os.mkfifo(tree / "pipe")
    snapshot = await snapshots.take(tree)
    assert snapshot.files == 2
    assert [one.split(" ")[0] for one in snapshot.skipped] == ["outside", "pipe"]


async def test_a_tree_comes_out_as_it_went_in(tree: Path, snapshots: Snapshots, tmp_path: Path) -> None:
    write(tree, {"a/run.sh": "x"})
    (tree / "a/run.sh").chmod(0o755)
    (tree / "link").symlink_to("a/run.sh")
    digest = (await snapshots.take(tree)).digest
    await snapshots.lay_out(digest, tmp_path / "out")
    assert os.access(tmp_path / "out/a/run.sh", os.X_OK)
    assert (tmp_path / "out/link").read_text() == "x"
    assert (await snapshots.source(digest)).text("link") == "x"


async def test_a_tar_is_the_same_each_time_and_readable(tree: Path, snapshots: Snapshots) -> None:
    write(tree, {"a": "1", "b/c": "2"})
    digest = (await snapshots.take(tree)).digest
    made = b"".join(snapshots.tar(digest, {"Dockerfile": b"FROM x"}))
    assert made == b"".join(snapshots.tar(digest, {"Dockerfile": b"FROM x"}))
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        assert archive.getnames() == ["Dockerfile", "a", "b/c"]


async def test_a_tar_holds_what_is_taken_of_one_folder(tree: Path, snapshots: Snapshots) -> None:
    write(tree, {"a": "1", "b/c": "2", "b/d/e": "3"})
    digest = (await snapshots.take(tree)).digest
    made = b"".join(snapshots.tar(digest, {}, prefix="src/", below="b", takes=lambda path: path != "d/e"))
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        assert archive.getnames() == ["src/c"]
        assert {one.mtime for one in archive} == {0}


async def test_what_is_too_large_is_named_before_anything_is_copied(tree: Path, snapshots: Snapshots, tmp_path: Path) -> None:
    with (tree / "big").open("wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(SnapshotTooLargeError) as caught:
        await snapshots.take(tree)
    assert "big" in str(caught.value.to_wire() if hasattr(caught.value, "to_wire") else caught.value.__dict__)
    assert not (tmp_path / "kept").exists()


async def test_a_missing_folder_and_a_missing_snapshot_are_told(tree: Path, snapshots: Snapshots) -> None:
    with pytest.raises(SourceMissingError):
        await snapshots.take(tree / "gone")
    with pytest.raises(SnapshotMissingError):
        await snapshots.manifest("sha256:" + "0" * 64)


async def test_only_kept_snapshots_stay(tree: Path, snapshots: Snapshots) -> None:
    write(tree, {"a": "1"})
    old = (await snapshots.take(tree)).digest
    write(tree, {"a": "2"})
    new = (await snapshots.take(tree)).digest
    await snapshots.keep_only({new}, young_seconds=0)
    assert (await snapshots.source(new)).text("a") == "2"
    with pytest.raises(SnapshotMissingError):
        await snapshots.manifest(old)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")], ids=["lost", "cut off"])
async def test_object_that_a_power_cut_took_is_missed_and_made_again(
    tree: Path, snapshots: Snapshots, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    write(tree, {"a": "whole"})
    os.utime(tree / "a", (1, 1))  # old enough to be known by its stamp, and not read again
    digest = (await snapshots.take(tree)).digest
    [kept] = (tmp_path / "kept/objects").glob("*/*")
    kept.chmod(0o600)
    damage(kept)
    with pytest.raises(SnapshotMissingError):
        await snapshots.lay_out(digest, tmp_path / "out")
    with pytest.raises(SnapshotMissingError):
        snapshots.tar(digest, {})
    assert (await snapshots.take(tree)).digest == digest
    await snapshots.lay_out(digest, tmp_path / "out")
    assert (tmp_path / "out/a").read_text() == "whole"


async def test_what_a_killed_daemon_left_half_written_is_swept(tree: Path, snapshots: Snapshots, tmp_path: Path) -> None:
    write(tree, {"a": "1"})
    digest = (await snapshots.take(tree)).digest
    halves = [tmp_path / "kept/objects/partial-x", tmp_path / f"kept/manifests/{digest.removeprefix('sha256:')}.7.partial"]
    for half in halves:
        half.write_text("{")
    await snapshots.keep_only({digest})
    assert not [half for half in halves if half.exists()]
    assert (await snapshots.source(digest)).text("a") == "1"


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
async def test_any_name_is_kept(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        path = tree / f"f{name}f"  # what begins or ends like an editor's own file is left out
        path.write_text(name)
        snapshots = Snapshots(Path(folder) / "kept", limit_files=9, limit_bytes=999)
        digest = (await snapshots.take(tree)).digest
        assert [one.path for one in (await snapshots.manifest(digest)).entries] == [path.name]


@pytest.mark.parametrize(
    ("files", "rules"),
    [
        pytest.param(
            {".gitignore": "*.log\n# words\n/dist/\n!keep.log\na/b\n"}, ["**/*.log", "dist", "!**/keep.log", "a/b"], id="anchored"
        ),
        pytest.param({".dockerignore": "dist\n", ".gitignore": "*.log"}, ["dist", "**/*.log"], id="both"),
        pytest.param({".railwayignore": "tmp", ".gitignore": "*.log"}, ["**/tmp"], id="own rules alone"),
    ],
)
def test_rules_as_docker_reads_them(files: dict[str, str], rules: list[str]) -> None:
    lines = as_dockerignore(lambda path: files.get(path, "")).splitlines()
    assert lines[-len(rules) :] == rules
    assert {"**/.git", "**/.env", "**/.env.*", "!**/.env.example", "**/node_modules"} <= set(lines)


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03])
async def test_folder_that_vanishes_while_it_is_read_is_named(tree: Path, tmp_path: Path, delay: float) -> None:
    snapshots = Snapshots(tmp_path / "kept", limit_files=5000, limit_bytes=10**7)
    write(tree, {f"folder-{number % 40}/file-{number}": str(number) for number in range(800)})
    vanishing = threading.Timer(delay, shutil.rmtree, (tree,))
    vanishing.start()
    try:
        taken = await snapshots.take(tree)
    except (SourceMissingError, SnapshotChangedError):
        return
    finally:
        vanishing.join()
    manifest = await snapshots.manifest(taken.digest)  # what was taken is whole
    assert len(b"".join(snapshots.tar(taken.digest, {}, prefix="", below=""))) > len(manifest.entries) * 512


async def test_changes_are_told_by_content_and_folders_when_asked(snapshots: Snapshots, tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "src" / "empty").mkdir(parents=True)
    (root / "node_modules" / "x").mkdir(parents=True)
    for name in ("a", "b", "c", "d~", ".b.swp"):
        (root / "src" / name).write_text(name)
    before = await snapshots.take(root)
    assert before.folders == ("", "src", "src/empty")
    (root / "src" / "a").write_text("other")
    (root / "src" / "b").unlink()
    os.utime(root / "src" / "c", (1, 1))
    (root / "src" / "c").chmod(0o755)
    (root / "src" / "empty" / "e").write_text("new")
    after = await snapshots.take(root)
    changes = await snapshots.changes(after.digest, since=before.digest)
    assert [(one.path, one.kind) for one in changes] == [
        ("src/a", "modified"), ("src/b", "removed"), ("src/c", "modified"), ("src/empty/e", "added"),
    ]  # fmt: skip
    assert await snapshots.changes(after.digest, since=after.digest) == ()


async def test_only_the_named_files_of_the_root_are_looked_at(snapshots: Snapshots, tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "deep").mkdir(parents=True)
    for name in ("railway.toml", "huge", "deep/railway.toml"):
        (root / name).write_text("x")
    taken = await snapshots.take(root, only={"railway.toml"}, limit_files=1)
    assert [entry.path for entry in (await snapshots.manifest(taken.digest)).entries] == ["railway.toml"]


async def test_how_far_a_snapshot_is_can_be_asked_while_it_is_taken(tmp_path: Path) -> None:
    seen: list[SnapshotProgress] = []

    class Asked(Snapshots):
        def _read(self, path: Path, found: Found) -> tuple[str, int] | None:
            seen.append(self.progress(tmp_path / "tree"))
            return super()._read(path, found)

    (tmp_path / "tree").mkdir()
    for number in range(100):
        (tmp_path / "tree" / f"{number}.txt").write_bytes(bytes(10))
    made = Asked(tmp_path / "store", limit_files=1000, limit_bytes=10**6)
    await made.take(tmp_path / "tree")
    assert {one.all_bytes for one in seen[4:]} == {1000}  # before the first note nothing is known
    assert seen[-1].files == 100
    assert 0 < seen[-1].had_bytes < 1000
    assert made.progress(tmp_path / "tree") == SnapshotProgress()
