"""``rw init``: what it writes runs, and nothing of the user's is overwritten."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, living

from rw_cli.context.starters import names

STARTERS = {
    "django": "Hello from rw, visit", "express": "Hello from rw", "fastapi": '"database":"none yet"', "flask": "Hello from rw",
    "go": "Hello from rw", "nextjs": "Hello from rw", "static": "Hello from rw", "vite": "Hello from rw", "worker": "",
}  # fmt: skip
TOOLS = {"express": "npm", "nextjs": "npm", "vite": "npm", "go": "go"}


@pytest.fixture(scope="module")
def plain() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0.5", RW_SETTLE_SECONDS="1")


def test_every_starter_is_tried() -> None:
    assert set(names()) == set(STARTERS)


@pytest.mark.full
@pytest.mark.parametrize("name", STARTERS)
def test_starter_comes_up(plain: Rw, tmp_path: Path, name: str) -> None:
    if name in TOOLS and not shutil.which(TOOLS[name]):
        pytest.skip(f"not on this machine: {TOOLS[name]}")
    folder = tmp_path / f"my-{name}"
    made = plain.json("init", str(folder), "--template", name)
    assert made["project"] == f"my-{name}"
    assert all(Path(file).is_file() for file in made["files"])
    assert tomllib.loads((folder / "railway.toml").read_text())["project"]["name"] == f"my-{name}"
    result = plain.up(folder)
    if STARTERS[name]:
        assert STARTERS[name] in ask(result["services"][0]["url"]).text
    else:
        assert "the worker is up" in plain.ok("logs", cwd=folder)
    plain.ok("down", "--yes", cwd=folder)


def test_existing_project_gets_a_file_with_what_was_detected(plain: Rw, tmp_path: Path, app: object) -> None:
    folder = app("flask")  # type: ignore[operator]
    (folder / "railway.toml").unlink(missing_ok=True)
    done = plain.run("init", "--name", "shop", cwd=folder)
    assert done.returncode == 0
    assert "Flask" in done.stderr, "what was detected is shown"
    text = (folder / "railway.toml").read_text()
    assert '# startCommand = "gunicorn app:app' in text
    assert tomllib.loads(text) == {"project": {"name": "shop"}, "build": {}, "deploy": {}}
    uncommented = "\n".join(line.removeprefix("# ") if "=" in line else line for line in text.splitlines() if not line.startswith("# What"))
    assert tomllib.loads(uncommented)["deploy"]["numReplicas"] == 2
    assert plain.run("init", cwd=folder).returncode == 7
    assert plain.json("init", "--if-missing", cwd=folder)["files"] == []


def test_starter_overwrites_nothing_and_leaves_nothing_half_written(plain: Rw, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")
    done = plain.run("init", str(tmp_path), "--template", "flask")
    assert (done.returncode, "app.py" in done.stderr) == (7, True)
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]
    assert (tmp_path / "app.py").read_text() == "mine"


def test_wrong_names_are_answered_with_the_right_ones(plain: Rw, tmp_path: Path) -> None:
    done = plain.run("init", str(tmp_path / "x"), "--template", "flsk")
    assert (done.returncode, "flask" in done.stderr) == (5, True)
    assert plain.run("init", str(tmp_path / "x"), "--name", "Not A Name").returncode == 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("name", "file"), [("github", ".github/workflows/deploy.yml"), ("gitlab", ".gitlab-ci.yml")])
def test_ci_job_is_written_beside_the_project(plain: Rw, tmp_path: Path, name: str, file: str) -> None:
    (tmp_path / "railway.toml").write_text('[project]\nname = "shop"\n')
    made = plain.json("init", str(tmp_path), "--ci", name)
    assert made["files"] == [str(tmp_path / file)]
    assert "rw deploy" in (tmp_path / file).read_text()
