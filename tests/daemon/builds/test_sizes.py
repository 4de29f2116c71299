"""Where the bytes are, from what an engine or a disk tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from rw_daemon.builds.sizes import Described, command_of, parts_of, parts_of_folder
from rw_shared.contents import Part

BASE = Described(("a", "b"), ({"CreatedBy": 'CMD ["python3"]', "Size": 0}, {"CreatedBy": "apt", "Size": 2}, {"CreatedBy": "", "Size": 9}))
IMAGE = Described(
    ("a", "b", "c"),
    ({"CreatedBy": "USER 1", "Size": 0}, {"CreatedBy": "COPY src/ /app/ # buildkit", "Size": 3}, *BASE.history),
)


def test_layers_of_the_base_are_told_from_those_on_top_and_empty_ones_left_out() -> None:
    assert parts_of(IMAGE, BASE) == (
        Part(what="imported", size_bytes=9, is_base=True),
        Part(what="apt", size_bytes=2, is_base=True),
        Part(what="COPY src/ /app/", size_bytes=3),
    )


@pytest.mark.parametrize("base", [None, Described(("a", "x"), BASE.history)], ids=["gone", "means another image by now"])
def test_nothing_counts_as_base_where_the_base_is_not_known(base: Described | None) -> None:
    assert [one.is_base for one in parts_of(IMAGE, base)] == [False, False, False]


@pytest.mark.parametrize(
    ("created_by", "command"),
    [
        ("RUN /bin/sh -c chown 1 /app # buildkit", "RUN chown 1 /app"),
        ("RUN --mount=type=cache,id=x,target=/y apt-get update # buildkit", "RUN apt-get update"),
        ("RUN |1 GREETING=hi /bin/sh -c make    all # buildkit", "RUN make all"),
        ("/bin/sh -c #(nop) COPY dir:1 in / ", "COPY dir:1 in /"),
        ("/bin/sh -c make", "make"),
    ],
)
def test_command_reads_as_in_the_dockerfile(created_by: str, command: str) -> None:
    assert command_of(created_by) == command


def test_folder_is_told_by_its_entries_the_largest_first(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(b"x" * 500)
    (tmp_path / "app.py").write_bytes(b"x" * 5)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "empty").mkdir()
    found = parts_of_folder(tmp_path)
    assert [(one.what, one.size_bytes) for one in found if one.what != "loop"] == [("deep", 500), ("app.py", 5)]
