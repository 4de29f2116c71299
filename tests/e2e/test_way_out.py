"""The way out: what `rw plan --write` leaves is built by a plain Docker client, without rw, and runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.conftest import Answer, Rw, ask, living
from fakes.upstreams import free_port

pytestmark = [pytest.mark.engine, pytest.mark.full]
SECRET = "s3cr3t-that-no-image-holds"


@pytest.fixture
def plain() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0")


@pytest.fixture
def docker() -> Callable[..., str]:
    """Return a Docker client that speaks BuildKit: one of version 20, or a newer one with buildx."""
    for folder in os.environ["PATH"].split(os.pathsep):
        client = shutil.which("docker", path=folder)
        if client and subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode == 0:
            break
        if client and b"version 20." in subprocess.run([client, "--version"], capture_output=True, check=True).stdout:
            break
    else:
        pytest.skip("no Docker client here speaks BuildKit")

    def run(*arguments: str) -> str:
        environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
        done = subprocess.run([client, *arguments], env=environ, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def built(docker: Callable[..., str]) -> Iterator[Callable[..., str]]:
    """Return a function that builds a folder; what it built goes at the end."""
    images: list[str] = []

    def build(folder: Path, *options: str) -> str:
        images.append(docker("build", "-q", *options, str(folder)))
        return images[-1]

    yield build
    for image in images:
        docker("image", "rm", "--force", image)


@pytest.fixture
def started(docker: Callable[..., str], built: Callable[..., str]) -> Iterator[Callable[[str], str]]:
    """Return a function that runs an image and returns its URL. ``built`` comes first: an image goes after its containers."""
    containers: list[str] = []

    def start(image: str) -> str:
        port = free_port()
        containers.append(docker("run", "-d", "--read-only", "--tmpfs", "/tmp", "-p", f"127.0.0.1:{port}:8080", "-e", "PORT=8080", image))
        return f"http://127.0.0.1:{port}"

    yield start
    for container in containers:
        docker("rm", "-f", container)


def until_answered(url: str, seconds: float = 20) -> Answer:
    """Return the first answer of a container that was just started."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask(url)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("name", ["flask", "express", "static-site", "vite-spa", "fastapi-uv", "go-module"])
def test_recipe_builds_and_runs_without_rw_and_takes_no_secret_along(
    plain: Rw,
    docker: Callable[..., str],
    built: Callable[..., str],
    started: Callable[[str], str],
    app: Callable[[str], Path],
    tmp_path: Path,
    name: str,
) -> None:
    folder = app(name)
    (folder / "deep").mkdir()
    for place in (folder / ".env", folder / "deep" / ".env.production"):
        place.write_text(f"KEY={SECRET}\n")
    plain.ok("plan", str(folder), "--write")
    image = built(folder)
    url = started(image)
    assert until_answered(url).status == 200
    page = ask(f"{url}/Dockerfile")
    assert "FROM" not in page.text, page
    kept = tmp_path / "image.tar"
    docker("image", "save", "--output", str(kept), image)
    assert SECRET.encode() not in kept.read_bytes()


def test_recipe_takes_variables_as_a_secret_of_the_build(
    plain: Rw, docker: Callable[..., str], built: Callable[..., str], app: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = app("flask")
    (folder / "railway.toml").write_text(
        "[build]\nbuildCommand = 'echo \"$API_TOKEN\" | sha256sum > digest'\n[variables]\nAPI_TOKEN = 'x'\n"
    )
    plain.ok("plan", str(folder), "--write")
    variables = tmp_path / "variables"
    variables.write_text(f"API_TOKEN={SECRET}\n")
    image = built(folder, "--secret", f"id=variables,src={variables}")
    wanted = hashlib.sha256(f"{SECRET}\n".encode()).hexdigest()
    assert docker("run", "--rm", image, "cat", "/app/digest").split()[0] == wanted
    assert SECRET not in docker("history", "--no-trunc", image)


def test_nothing_of_the_users_is_overwritten(plain: Rw, app: Callable[[str], Path]) -> None:
    folder = app("flask")
    (folder / "Dockerfile.dockerignore").write_text("mine\n")
    done = plain.run("plan", str(folder), "--write")
    assert done.returncode == 7
    assert (folder / "Dockerfile.dockerignore").read_text() == "mine\n"
    assert not (folder / "Dockerfile").exists()
