"""What is inside of what was built, by the command."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import APPS, Rw, living


@pytest.fixture(scope="module")
def rw() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0")


def test_sizes_are_told_once_something_was_built_and_say_when_the_plan_is_another(rw: Rw, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(APPS / "flask", tmp_path / "sized"))
    early = rw.run("plan", "--sizes", cwd=folder)
    assert early.returncode == 7
    assert "`rw up`" in early.stderr
    rw.up(folder)
    found = rw.json("plan", "--sizes", cwd=folder)
    assert found["parts"][0]["what"] == ".venv"
    assert found["isCurrent"]
    assert found["sizeBytes"] == found["addedBytes"] == sum(one["sizeBytes"] for one in found["parts"])
    (folder / "Procfile").write_text("web: gunicorn app:app --bind $HOST:$PORT --workers 3\n")
    assert "`rw up` builds it" in rw.ok("plan", "--sizes", cwd=folder)
