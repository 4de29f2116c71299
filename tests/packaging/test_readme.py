"""Nothing in the README that is not true: its commands run, its files parse, its tables are complete."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import APPS, Rw, end, make_rw

from rw_daemon.detection.registry import BUILDPACKS
from rw_shared import railway_toml
from rw_shared.errors import RwError

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def rw() -> Iterator[Rw]:
    made = make_rw(RW_TARGET="process", RW_WARM_SECONDS="0")
    yield made
    end(made)


def test_commands_of_the_transcript_run(rw: Rw, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(APPS / "flask", tmp_path / "hello"))
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert "rw up" in commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "rw"
        rw.ok(*arguments, cwd=folder)


def test_every_toml_block_parses_without_a_remark() -> None:
    found = [railway_toml.parse(block, filename="railway.toml", strict=True) for block in blocks("toml")]
    assert found
    assert all(not one.diagnostics for one in found)


def test_every_error_has_its_row() -> None:
    for code, kind in RwError.registry.items():
        assert f"| {code} | {kind.exit_code} | {(kind.__doc__ or '').splitlines()[0]} |" in README


def test_every_buildpack_has_its_one_row() -> None:
    for pack in BUILDPACKS:
        assert len(re.findall(rf"^\| {pack.name} \|", README, re.MULTILINE)) == 1, pack.name
