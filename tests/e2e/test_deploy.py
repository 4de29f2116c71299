"""What a CI job meets: nobody to ask, nothing there before, an exit status that is the truth, reports for its system."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from e2e.conftest import Rw, ask, living, make_rw

SERVER = (
    "import http.server, os\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers()\n"
    "        self.wfile.write(('{word} ' + os.environ.get('RAILWAY_GIT_COMMIT_SHA', '')).encode())\n"
    "print('::error::not ours', '##[error]nor this', flush=True)\n"
    "http.server.ThreadingHTTPServer(('0.0.0.0', int(os.environ['PORT'])), Handler).serve_forever()\n"
)


@pytest.fixture
def fresh(target: str) -> Iterator[Rw]:
    """A home where no daemon ever ran."""
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.5")


@pytest.fixture
def plain() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0.5")


@pytest.fixture
def contained() -> Iterator[Rw]:
    yield from living(RW_TARGET="docker", RW_WARM_SECONDS="0.5")


def write(folder: Path, word: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(SERVER.replace("{word}", word))
    return folder


def outputs(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_github_job_gets_groups_outputs_and_summary(fresh: Rw, tmp_path: Path) -> None:
    folder, output, summary = write(tmp_path / "shop", "one"), tmp_path / "output", tmp_path / "summary"
    github = {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_SHA": "c0ffee",
    }
    done = fresh.run("deploy", str(folder), "--github-output", **github)
    assert done.returncode == 0, done.stderr + fresh.log_tail()
    found = outputs(output)
    assert (found["status"], found["changed"], found["url"]) == ("active", "true", done.stdout.strip())
    assert ask(found["url"]).text == "one c0ffee"
    assert f"| web | active | v1 | {found['url']} |" in summary.read_text()
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("::")] == ["::group::Build", "::endgroup::", "::group::Release", "::endgroup::"]
    assert not [line for line in lines if line.lstrip().startswith("::error") or "##[" in line]
    write(folder, "two")
    code, result, _ = fresh.result("deploy", str(folder), "--git-sha", "beef")
    assert (code, result["services"][0]["previousDeployment"], result["services"][0]["commit"]) == (0, found["deployment"], "beef")
    assert ask(found["url"]).text == "two beef"


def test_failure_is_annotated_and_exits_3(plain: Rw, tmp_path: Path) -> None:
    folder, output, summary = tmp_path / "broken", tmp_path / "output", tmp_path / "summary"
    folder.mkdir()
    (folder / "main.py").write_text("if __name__ == '__main__':\n    raise SystemExit('100% broken')\n")
    github = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    done = plain.run("deploy", str(folder), "--github-output", "--dotenv", str(tmp_path / "report"), **github)
    assert done.returncode == 3
    [note] = [line for line in done.stderr.splitlines() if line.startswith("::error")]
    assert "%0A" in note
    assert outputs(output)["status"] == "failed"
    assert outputs(tmp_path / "report")["RW_DEPLOY_STATUS"] == "failed"
    assert "Deployment failed: broken" in summary.read_text()


def test_mistake_that_is_known_at_once_is_annotated_too(plain: Rw, tmp_path: Path) -> None:
    folder, output = tmp_path / "empty", tmp_path / "output"
    folder.mkdir()
    done = plain.run("deploy", str(folder), "--github-output", GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output))
    assert done.returncode == 10
    assert "::error title=rw NOTHING_DETECTED::" in done.stderr
    assert outputs(output)["status"] == "failed"


def test_same_key_again_is_the_same_deployment(plain: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "once", "one")
    first = plain.result("deploy", str(folder), "--idempotency-key", "run-7")[1]
    write(folder, "two")
    again = plain.result("deploy", str(folder), "--idempotency-key", "run-7")[1]
    assert (again["operation"], again["services"][0]["deployment"]) == (first["operation"], first["services"][0]["deployment"])
    assert ask(first["services"][0]["url"]).text.startswith("one")


def test_report_that_cannot_be_written_changes_nothing(plain: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "shop", "one")
    done = plain.run("deploy", str(folder), "--dotenv", str(tmp_path / "no" / "such"))
    assert done.returncode == 0
    assert "cannot be written" in done.stderr
    assert plain.run("deploy", str(folder), "--github-output", GITHUB_OUTPUT="").returncode == 2


def test_image_needs_an_engine(plain: Rw, tmp_path: Path) -> None:
    code, result, _ = plain.result("deploy", str(tmp_path), "--image", "shop:1")
    assert (code, result["error"]["code"]) == (3, "TOOL_MISSING")


@pytest.fixture
def tag() -> Iterator[str]:
    name = f"rw-deploy-{uuid4().hex[:12]}:latest"
    yield name
    subprocess.run(["docker", "rmi", "-f", *image_ids(name)], capture_output=True, check=False)


def image_ids(tag: str) -> list[str]:
    label = f"label=rw.suite={tag}"
    return subprocess.run(["docker", "images", "-aq", "--filter", label], check=True, capture_output=True, text=True).stdout.split()


def build(folder: Path, tag: str, word: str) -> None:
    write(folder, word)
    (folder / "Dockerfile").write_text('FROM python:3.13-slim\nENV PORT=5005\nEXPOSE 5005\nCOPY main.py .\nCMD ["python", "main.py"]\n')
    subprocess.run(["docker", "build", "-q", "-t", tag, "--label", f"rw.suite={tag}", str(folder)], check=True, capture_output=True)


@pytest.mark.engine
def test_image_runs_and_a_rollback_finds_the_one_that_its_tag_no_longer_names(contained: Rw, tmp_path: Path, tag: str) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "railway.toml").write_text('[deploy]\nhealthcheckPath = "/"\n')
    (folder / "large").write_bytes(b"x")
    build(tmp_path / "image", tag, "one")
    code, result, rows = contained.result("deploy", str(folder), "--image", tag)
    assert code == 0, rows[-5:]
    url = result["services"][0]["url"]
    assert ask(url).text.startswith("one")
    build(tmp_path / "image", tag, "two")
    assert contained.result("deploy", str(folder), "--image", tag)[0] == 0
    assert ask(url).text.startswith("two")
    contained.ok("deployments", "rollback", cwd=folder)
    assert ask(url).text.startswith("one")
    contained.ok("down", "--yes", cwd=folder)
    assert len(image_ids(tag)) == 2, "an image that rw did not build is not removed by it"


def test_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    home, spare = tmp_path / "home", tmp_path / "tmp"
    for folder in (home, spare):
        folder.mkdir()
    if os.geteuid() == 0:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "rw-test", str(home)], capture_output=True, check=False)
        if mounted.returncode:
            pytest.skip("file systems cannot be mounted here")
    else:
        home.chmod(0o500)
    made = make_rw(RW_TARGET="process", RW_WARM_SECONDS="0.5")
    kept = {
        name: value for name, value in made.environ.items() if name not in {"RW_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "UV_CACHE_DIR"}
    }
    inside = Rw(spare / f"rw-{os.geteuid()}" / "home", {**kept, "HOME": str(home), "TMPDIR": str(spare)})
    try:
        folder = write(tmp_path / "shop", "one")
        (folder / "requirements.txt").write_text("idna\n")
        done = inside.run("deploy", str(folder))
        assert done.returncode == 0, done.stderr + inside.log_tail()
        assert ask(done.stdout.strip()).text.startswith("one")
    finally:
        inside.run("daemon", "stop", "--everything", "--yes")
        if os.geteuid() == 0:
            subprocess.run(["umount", str(home)], check=True)
