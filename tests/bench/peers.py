"""What a user would type instead: a cached build and a run by hand, and Docker Compose."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.apps import OURS, flask
from e2e.conftest import Rw, ask
from fakes.upstreams import free_port

RECIPE = "Dockerfile.bench"
COMPOSE = """
services:
  web:
    build: {context: ., dockerfile: Dockerfile.bench}
    ports: ["127.0.0.1:%d:8080"]
    labels: {rw.project: bench}
"""
AS_PEOPLE_WRITE_IT = """
FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --quiet --root-user-action=ignore -r requirements.txt
COPY . .
CMD ["python", "-c", "from app import app; app.run(host='0.0.0.0', port=8080)"]
"""
"""Process 1 does not heed SIGTERM."""


@contextmanager
def by_hand(rw: Rw, folder: Path) -> Iterator[Callable[[], None]]:
    """Yield what changes one line of a Flask app, builds with rw's recipe, runs, and waits for the first answer."""
    client, image, count = _building_client(), f"{OURS}-by-hand", 0
    (folder / RECIPE).write_text(rw.ok("plan", str(folder), "--dockerfile"))
    began: list[str] = []

    def once() -> None:
        nonlocal count
        count += 1
        flask(folder, f"by hand {count}")
        _run(client, "build", "-q", "-t", image, "-f", str(folder / RECIPE), str(folder))
        port = free_port()
        began.append(_run("docker", "run", "-d", "--rm", "--label", "rw.project=bench", "-p", f"127.0.0.1:{port}:8080", image).strip())
        _until_answered(port, "")

    try:
        once()
        yield once
    finally:
        subprocess.run(["docker", "kill", *began], capture_output=True, check=False)
        subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True, check=False)
        (folder / RECIPE).unlink()


@contextmanager
def composed(rw: Rw, folder: Path, *, dockerfile: str = "") -> Iterator[Compose]:
    """Yield Docker Compose for a folder, with rw's recipe or another."""
    port, recipe = free_port(), rw.json("plan", str(folder), "--dockerfile")
    files = {RECIPE: dockerfile or recipe["dockerfile"], f"{RECIPE}.dockerignore": recipe["dockerignore"], "compose.yaml": COMPOSE % port}
    for name, text in files.items():
        (folder / name).write_text(text)
    compose = Compose(folder, port)
    try:
        compose.up()
        yield compose
    finally:
        _run("docker", "compose", "down", "--rmi", "local", "-t", "0", cwd=folder)
        for name in files:
            (folder / name).unlink()


class Compose:
    """A folder's services by ``docker compose up -d --build``."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port, self._count = folder, port, 0

    def up(self) -> None:
        """Build and start what has changed."""
        _run("docker", "compose", "up", "-d", "--build", cwd=self._folder)

    def changed(self) -> None:
        """Change one line of a Flask app, and wait until the new version answers."""
        self._count += 1
        flask(self._folder, f"compose {self._count}")
        self.up()
        _until_answered(self._port, f"compose {self._count}")


def _until_answered(port: int, words: str) -> None:
    while True:
        try:
            if words in ask(f"http://127.0.0.1:{port}").text:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)


def _building_client() -> str:
    """Return a docker command that can build with BuildKit: newer ones need a plugin for it, older ones do not."""
    for client in ("docker", "/usr/bin/docker"):
        if subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode == 0:
            return client
        if " 20." in subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout:
            return client
    return "docker"


def _run(*command: str, cwd: Path | None = None) -> str:
    environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(command, cwd=cwd, env=environ, check=True, capture_output=True, text=True).stdout
