"""What helps around the work: completion in a real shell, a bundle without secrets, the daemon as a unit."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, living, make_rw


@pytest.fixture(scope="module")
def plain() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_SETTLE_SECONDS="0.5")


@pytest.fixture(scope="module")
def folder(plain: Rw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("helpers") / "shop"
    made.mkdir()
    (made / "Procfile").write_text("worker: exec sleep 600\nmailer: exec sleep 600\n")
    (made / "railway.toml").write_text('[variables]\nAPI_KEY = "s3cret-value"\nPLAIN = "not-for-others"\n')
    plain.up(made)
    return made


def complete(rw: Rw, folder: Path, *typed: str) -> list[str]:
    return rw.ok("completion", "words", "--", *typed, cwd=folder).split()


def test_commands_flags_and_live_names_are_offered(plain: Rw, folder: Path) -> None:
    assert complete(plain, folder, "sta") == ["status"]
    assert {"list", "show", "rollback"} <= set(complete(plain, folder, "deployments", ""))
    assert complete(plain, folder, "up", "--wat") == ["--watch"]
    assert complete(plain, folder, "logs", "") == ["mailer", "worker"]
    assert complete(plain, folder, "logs", "worker", "--deploy", "v") == ["v1"]
    assert complete(plain, folder, "deployments", "show", "v") == ["v1"]
    assert complete(plain, folder, "status", "--environment", "") == ["production"]
    assert complete(plain, folder, "exec", "-s", "m") == ["mailer"]
    assert complete(plain, folder, "up", "--target", "d") == ["docker"]
    assert complete(plain, folder, "init", "--template", "fl") == ["flask"]
    assert complete(plain, folder, "no-such", "") == []


def test_completion_starts_no_daemon(tmp_path: Path) -> None:
    made = make_rw()
    assert made.ok("completion", "words", "--", "logs", "", cwd=tmp_path) == ""
    assert not made.home.exists()
    shutil.rmtree(made.home.parent)


def test_bash_completes_with_the_script(plain: Rw, folder: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "rw").write_text(f'#!/bin/sh\nexec {sys.executable} -m rw_cli "$@"\n')
    (programs / "rw").chmod(0o755)
    ask = 'source <(rw completion show bash); COMP_WORDS=(rw logs ma); COMP_CWORD=2; _rw; echo "${COMPREPLY[@]}"'
    environ = {**plain.environ, "PATH": f"{programs}:{plain.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", ask], env=environ, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("mailer\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_written_where_the_shell_looks(plain: Rw, tmp_path: Path, shell: str) -> None:
    file = Path(plain.json("completion", "install", shell, HOME=str(tmp_path))["file"])
    assert file.is_relative_to(tmp_path)
    assert "rw completion words" in file.read_text()
    if program := shutil.which(shell):
        subprocess.run([program, "-n", str(file)], check=True)


def test_bundle_holds_no_secret(plain: Rw, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    made = plain.json("feedback", "-o", str(target), cwd=folder)
    assert made["contents"] == ["checks.json", "daemon.log", "deployments.json", "versions.json"]
    with tarfile.open(target) as archive:
        texts = {member.name: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]
    assert "healthcheck" in texts["rw-feedback/deployments.json"] or "shift" in texts["rw-feedback/deployments.json"]
    assert not [name for name, text in texts.items() if "s3cret-value" in text or "not-for-others" in text]


def test_unit_is_written_and_taken_away(plain: Rw, tmp_path: Path) -> None:
    made = plain.json("daemon", "install", HOME=str(tmp_path), XDG_CONFIG_HOME="")
    unit = Path(made["unit"])
    text = unit.read_text()
    assert f"RW_HOME={plain.home}" in text
    assert "KillMode=process" in text, "services outlive the daemon"
    if shutil.which("systemd-analyze"):
        verify = ["systemd-analyze", "--user", "verify", str(unit)]
        subprocess.run(verify, env={**plain.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, check=True)
    assert plain.json("daemon", "uninstall", HOME=str(tmp_path), XDG_CONFIG_HOME="")["removed"] is True
    assert not unit.exists()
