"""What a person sees, as a terminal of a given size shows it. Pinned in ``screens/``; ``RW_PIN=1`` writes the pins anew."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from e2e.conftest import Rw, living
from e2e.test_faults import project
from pins import pinned

PINS = Path(__file__).parent / "screens"
LATEST_SECONDS = 60.0
VARYING = [  # what differs from run to run, and what stands for it
    (re.compile(r"\b\d+\.\d s"), "N.N s"),
    (re.compile(r"localhost:\d+"), "localhost:PORT"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(dep|op|req)_[0-9a-z]{8,}"), r"\1_ID"),
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "HH:MM:SS"),
    (re.compile(r"\d{4}-\d\d-\d\dT?"), "YYYY-MM-DD"),
    (re.compile(r"\b\d+ (s|seconds?|min|minutes?) ago"), "N s ago"),
    (re.compile(r"\(\w{12}\)"), "(DIGEST)"),
]
BAD = """
import sys
print("reading the configuration", flush=True)
sys.exit("DATABASE_URL is not set")
"""
PAIR = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass

time.sleep(0.3 if sys.argv[1] == "mailer" else 0)  # which one is first must not be chance
print(sys.argv[1], "is ready, and says so in a line that is longer than a narrow terminal is wide", flush=True)
if "PORT" in os.environ:
    HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
time.sleep(1000)
"""


class Screen:
    """A command on a terminal."""

    def __init__(self, rw: Rw, *arguments: str, cwd: Path, columns: int, lines: int = 24, **environ: str) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environ = {**rw.environ, "TERM": "xterm-256color", **environ}
        for name in ("COLUMNS", "LINES"):
            environ.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rw_cli", *arguments], cwd=cwd, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)

    def read(self, *, until: str = "") -> Screen:
        """Feed the terminal until a text is on it, or until the command has ended."""
        deadline = time.monotonic() + LATEST_SECONDS
        while not until or until not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self._mine], [], [], 0.1)[0]:
                try:
                    data = os.read(self._mine, 65536)
                except OSError:
                    data = b""  # the other end is closed
                if not data:
                    break
                self.raw += data
                self._stream.feed(data)
        return self

    @property
    def text(self) -> str:
        text = "\n".join(line.rstrip() for line in self._screen.display).rstrip()
        for pattern, word in VARYING:
            text = pattern.sub(word, text)
        return text + "\n"

    @property
    def colors(self) -> set[str]:
        return {cell.fg for line in self._screen.buffer.values() for cell in line.values()} - {"default"}

    def end(self) -> int:
        code = self.process.wait(timeout=30)
        os.close(self._mine)
        return code


@pytest.fixture(scope="module")
def rw() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0", RW_SETTLE_SECONDS="1")


@pytest.fixture(scope="module")
def pair(rw: Rw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A web service and a worker, up."""
    folder = tmp_path_factory.mktemp("screens") / "pair"
    folder.mkdir()
    (folder / "main.py").write_text(PAIR)
    (folder / "requirements.txt").write_text("")
    (folder / "railway.toml").write_text('[deploy]\nhealthcheckPath = "/"\nrestartPolicyType = "ALWAYS"\n')
    (folder / "Procfile").write_text("web: python main.py web\nmailer: python main.py mailer\n")
    rw.up(folder)
    return folder


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("status",), id="status"),
        pytest.param(("logs", "-n", "2"), id="logs"),
        pytest.param(("deployments", "list"), id="deployments"),
        pytest.param(("plan",), id="plan"),
        pytest.param(("up",), id="unchanged"),
        pytest.param(("config", "explain"), id="explain"),
        pytest.param(("stauts",), id="typo"),
    ],
)
def test_what_is_shown_fits_and_is_as_pinned(rw: Rw, pair: Path, arguments: tuple[str, ...], columns: int) -> None:
    screen = Screen(rw, *arguments, cwd=pair, columns=columns, lines=60).read()
    screen.end()
    name = "-".join(one for one in arguments if one.isalpha())
    assert screen.text == pinned(PINS / f"{name}-{columns}.txt", screen.text)


@pytest.mark.parametrize("columns", [80, 40])
def test_live_view_redraws_and_leaves_a_line_and_the_url(rw: Rw, pair: Path, tmp_path: Path, columns: int) -> None:
    assert pair.exists()  # its installation is reused, so that this build begins with the same lines each time
    folder = project(tmp_path / "live", build_seconds=2)
    screen = Screen(rw, "up", cwd=folder, columns=columns)
    building = screen.read(until="build: build").text
    assert building == pinned(PINS / f"building-{columns}.txt", building)
    assert screen.read().end() == 0
    assert screen.text == pinned(PINS / f"active-{columns}.txt", screen.text)


def test_failed_deployment_says_what_and_why_and_what_to_type(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "failing")
    (folder / "main.py").write_text(BAD)
    screen = Screen(rw, "up", cwd=folder, columns=80, lines=40).read()
    assert screen.end() == 3
    assert screen.text == pinned(PINS / "failed-80.txt", screen.text)


@pytest.mark.parametrize("said", [{"NO_COLOR": "1"}, {"RW_PLAIN": "1"}, {"TERM": "dumb"}])
def test_no_colours_and_nothing_that_moves_where_it_is_not_wanted(rw: Rw, tmp_path: Path, said: dict[str, str]) -> None:
    folder = project(tmp_path / next(iter(said)).lower())
    screen = Screen(rw, "up", cwd=folder, columns=80, **said).read()
    assert screen.end() == 0
    assert screen.colors == set()
    if "NO_COLOR" not in said:
        assert b"\x1b" not in screen.raw


def test_interrupt_ends_it_and_leaves_the_terminal_as_it_was(rw: Rw, pair: Path) -> None:
    screen = Screen(rw, "logs", "-f", cwd=pair, columns=80).read(until="is ready")
    screen.process.send_signal(signal.SIGINT)
    assert screen.read().end() == 130
    assert b"\x1b[?25l" not in screen.raw
