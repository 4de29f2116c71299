"""A home of its own for each test module: a daemon, an edge and apps that are gone afterwards."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fakes.upstreams import free_port

APPS = Path(__file__).parent.parent / "apps"


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Beside:
    """A command that runs beside the test; what it said is there once it has ended."""

    process: subprocess.Popen[bytes]
    rows: list[dict[str, Any]] = field(default_factory=list)
    words: str = ""

    @property
    def code(self) -> int:
        return int(self.process.returncode)

    @property
    def status(self) -> str:
        return str(self.rows[-1]["status"])


@dataclass
class Rw:
    """The ``rw`` command with a home of its own."""

    home: Path
    environ: dict[str, str] = field(repr=False)

    def run(self, *arguments: str, timeout: float = 240, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rw_cli", *arguments],
            env={**self.environ, **environ}, capture_output=True, text=True, timeout=timeout, cwd=cwd, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str, **options: Any) -> str:
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"rw {' '.join(arguments)} exited {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log_tail()}"
        return done.stdout

    def json(self, *arguments: str, **options: Any) -> dict[str, Any]:
        return json.loads(self.ok(*arguments, "--json", **options))

    def result(self, *arguments: str, **options: Any) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        """Run a command that prints NDJSON; return its exit code, its last row and all rows."""
        done = self.run(*arguments, "--json", **options)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert rows, done.stderr
        return done.returncode, rows[-1], rows

    def up(self, folder: Path, *arguments: str, **options: Any) -> dict[str, Any]:
        code, result, rows = self.result("up", str(folder), *arguments, **options)
        assert code == 0, json.dumps(rows[-12:], indent=1) + self.log_tail()
        return result

    @contextmanager
    def beside(self, *arguments: str, rows: bool = True, cwd: Path | None = None) -> Iterator[Beside]:
        """Run a command beside the test; afterwards it has ended. A test that fails meanwhile waits for nothing.

        :param rows: it prints NDJSON; otherwise words for a person.
        """
        with (
            tempfile.TemporaryFile("w+") as output,
            tempfile.TemporaryFile("w+") as words,
            subprocess.Popen(
                [sys.executable, "-m", "rw_cli", *arguments, *(["--json"] if rows else [])],
                env=self.environ, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=words,
            ) as process,
        ):  # fmt: skip
            beside = Beside(process)
            try:
                yield beside
                process.wait(240)
            finally:
                process.kill()
            for file in (output, words):
                file.seek(0)
            beside.rows, beside.words = [json.loads(line) for line in output if rows], words.read()

    def pid(self) -> int:
        return int(json.loads(self.ok("daemon", "status", "--json"))["pid"])

    def edge_pid(self) -> int:
        return int(json.loads((self.home / "edge" / "envoy.pid").read_text())["pid"])

    def log_tail(self) -> str:
        log = self.home / "daemon.log"
        return log.read_text()[-3000:] if log.exists() else "no daemon log"


def ask(
    url: str, *, method: str = "GET", data: bytes | None = None, timeout: float = 15, headers: Mapping[str, str] | None = None
) -> Answer:
    """Ask over HTTP. ``*.localhost`` is this machine, whether or not its C library knows (RFC 6761)."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path or "/", body=data, headers={"Host": parts.netloc, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), dict(response.headers.items()))
    finally:
        connection.close()


def rollout(rw: Rw, folder: Path, **wanted: object) -> dict[str, Any]:
    """Return the folder's rollout once it is so far."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for one in rw.json("rollout", "status", cwd=folder)["items"]:
            if all(one[name] == value for name, value in wanted.items()):
                return dict(one)
    raise AssertionError(rw.json("rollout", "status", cwd=folder))


def make_rw(**environ: str) -> Rw:
    home = Path(tempfile.mkdtemp(prefix="rw-"))
    keep = {name: value for name, value in os.environ.items() if not name.startswith("RW_") and name != "CI"}
    return Rw(
        home / "home", {**keep, "RW_HOME": str(home / "home"), "RW_EDGE_PORT": str(free_port()), "XDG_RUNTIME_DIR": str(home), **environ}
    )


def end(rw: Rw) -> None:
    done = rw.run("daemon", "stop", "--everything", "--yes", timeout=120)
    left = [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and str(rw.home).encode() in _command_line(path)]
    assert not left, f"still there after the daemon stopped: {left} {done.stderr}"
    shutil.rmtree(rw.home.parent, ignore_errors=True)


def living(**environ: str) -> Iterator[Rw]:
    """Yield one for a fixture; afterwards everything it ran is gone."""
    made = make_rw(**environ)
    yield made
    end(made)


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.engine)], scope="module")
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    """A fresh home on each target."""
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.5", RW_SETTLE_SECONDS="2")


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """Return a copy of an example app that a test may edit."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(APPS / name, tmp_path / name, ignore=shutil.ignore_patterns("expect.toml")))

    return copy
