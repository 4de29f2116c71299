"""``rw doctor`` on a machine that is well, on one that is not, and what it mends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, living


@pytest.fixture
def plain() -> Iterator[Rw]:
    yield from living(RW_TARGET="process")


def statuses(rw: Rw, folder: Path, *flags: str, **environ: str) -> dict[str, str]:
    return {one["id"]: one["status"] for one in rw.json("doctor", str(folder), *flags, **environ)["checks"]}


@pytest.mark.engine
def test_every_condition_is_named_once_and_what_works_is_ok(plain: Rw, app: object) -> None:
    found = statuses(plain, app("flask"))  # type: ignore[operator]
    wanted = {
        "home",
        "disk",
        "daemon",
        "engine",
        "processes",
        "edge",
        "names",
        "watches",
        "clock",
        "linger",
        "cluster",
        "sources",
        "project",
    }
    assert wanted <= found.keys()
    assert {found[name] for name in ("home", "daemon", "engine", "processes", "edge", "sources", "project")} == {"ok"}


def test_engine_that_does_not_answer_is_a_warning_with_a_fix(plain: Rw, tmp_path: Path) -> None:
    checks = plain.json("doctor", str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/none.sock")["checks"]
    [engine] = [one for one in checks if one["id"] == "docker"]
    assert (engine["status"], bool(engine["fix"])) == ("warn", True)


def test_home_that_others_can_read_is_mended(plain: Rw, tmp_path: Path) -> None:
    plain.ok("daemon", "start")
    plain.home.chmod(0o755)
    done = plain.run("doctor", str(tmp_path))
    assert f"→ chmod 700 {plain.home}" in done.stdout
    assert statuses(plain, tmp_path, "--fix")["home"] == "fixed"
    assert plain.home.stat().st_mode & 0o777 == 0o700


def test_broken_project_is_named_with_what_to_type(plain: Rw, tmp_path: Path) -> None:
    (tmp_path / "railway.toml").write_text("[deploy]\nnumReplicas = 'many'\n")
    (tmp_path / "index.html").write_text("hello")
    checks = plain.json("doctor", str(tmp_path))["checks"]
    [project] = [one for one in checks if one["id"] == "project"]
    assert (project["status"], "numReplicas" in project["detail"]) == ("warn", True)
