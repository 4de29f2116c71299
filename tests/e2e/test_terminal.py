"""What a person at a terminal sees and does: a live view, Ctrl-C, a pipe that closes early."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Rw, living
from e2e.test_faults import newest, project, until_status

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def rw() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0")


def start(rw: Rw, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "rw_cli", *arguments], env=rw.environ, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]


def test_live_view_ends_with_one_line_for_the_service_and_the_url(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "seen")
    mine, theirs = pty.openpty()
    process = start(rw, "up", str(folder), stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            data = os.read(mine, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    out, _ = process.communicate(timeout=60)
    os.close(mine)
    assert process.returncode == 0
    assert out.decode().strip().startswith("http://web.seen.localhost:")
    last = ANSI.sub("", seen.decode()).strip().splitlines()[-1]
    assert re.search(r"✓ web +active", last)


def test_first_interrupt_stops_following_and_the_operation_goes_on(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "interrupted", build_seconds=2)
    process = start(rw, "up", str(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until_status(rw, folder, {"building"})
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=20)
    assert (process.returncode, b"goes on" in words) == (130, True)
    assert until_status(rw, folder, {"active", "failed"}) == "active"


def test_timeout_ends_the_waiting_with_9_and_not_the_work(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "slow", build_seconds=4)
    code, result, _ = rw.result("up", str(folder), "--timeout", "1")
    assert (code, result["error"]["code"]) == (9, "WAIT_TIMED_OUT")
    assert until_status(rw, folder, {"active", "failed"}) == "active"


def test_pipe_that_closes_early_ends_quietly(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "piped")
    rw.up(folder)
    done = subprocess.run(
        f"{sys.executable} -m rw_cli logs --build -n 1000 | head -n 1",
        shell=True,
        cwd=folder,
        env=rw.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_followed_line_is_seen_soon_and_control_bytes_are_harmless(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "printing")
    (folder / "main.py").write_text((folder / "main.py").read_text() + "print('\\x1b]0;owned\\x07 title \\x1b[2J', flush=True)\n")
    source = (folder / "main.py").read_text().splitlines()
    source.insert(0, source.pop())  # printed first, before the server takes over
    (folder / "main.py").write_text("\n".join(source) + "\n")
    rw.up(folder)
    lines = rw.ok("logs", "-n", "50", cwd=folder)
    assert "title" in lines
    assert "\x1b" not in lines
    assert "\x07" not in lines
    rows = [json.loads(line) for line in rw.ok("logs", "-n", "50", "--json", cwd=folder).splitlines()]
    assert any("\x1b[2J" in row.get("message", "") for row in rows)
    assert newest(rw, folder)["status"] == "active"
