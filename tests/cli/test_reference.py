"""The reference says what the commands say. ``RW_PIN=1 pytest tests/cli/test_reference.py`` writes it anew."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import typer
from pins import pinned

from rw_cli.main import COMMANDS, app
from rw_cli.render.reference import Page, manual, markdown, pages
from rw_shared.version import VERSION

CLI = Path(__file__).parent.parent.parent / "cli"
FOUND: list[Page] = pages(typer.main.get_command(app))
FILES = {CLI / "README.md": markdown(FOUND), CLI / "rw_cli" / "rw.1": manual(FOUND, version=VERSION)}


def test_reference_is_of_these_commands() -> None:
    for file, text in FILES.items():
        assert text == pinned(file, text), f"{file.name} is old: run RW_PIN=1 pytest {Path(__file__).name}"


def test_every_command_has_a_page_a_sentence_and_every_flag_a_word() -> None:
    assert {page.name.split()[1] for page in FOUND} == set(COMMANDS)
    assert [page.name for page in FOUND if not page.text.endswith(".")] == []
    assert [(page.name, name) for page in FOUND for name, text in page.rows if name.startswith("-") and not text] == []


def test_every_command_has_an_example() -> None:
    assert [page.name for page in FOUND if not any(one.startswith(page.name) for one in page.examples)] == []


def test_man_page_is_one() -> None:
    if program := shutil.which("man"):
        done = subprocess.run([program, "--warnings", "-l", str(CLI / "rw_cli" / "rw.1")], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
