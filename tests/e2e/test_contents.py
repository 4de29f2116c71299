"""What is inside of what was built, by the command."""

from __future__ import annotations

import json
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


def test_packages_of_a_release_folder_are_listed(rw: Rw, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(APPS / "flask", tmp_path / "listed"))
    assert rw.run("sbom", cwd=folder).returncode == 7
    rw.up(folder)
    printed = json.loads(rw.ok("sbom", "web", cwd=folder))
    assert printed == rw.json("sbom", "v1", cwd=folder)["sbom"]
    assert printed["spdxVersion"] == "SPDX-2.3"
    urls = [ref["referenceLocator"] for one in printed["packages"] for ref in one.get("externalRefs", ())]
    assert any(url.startswith("pkg:pypi/flask@") for url in urls)
