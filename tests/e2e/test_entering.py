"""``rw run``, ``exec``, ``shell`` and ``connect``: exit status, signals, input and variables are those of the service."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw

SERVER = (
    "import http.server, os\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers(); self.wfile.write(b'inside')\n"
    "if __name__ == '__main__':\n"
    "    http.server.ThreadingHTTPServer(('0.0.0.0', int(os.environ['PORT'])), Handler).serve_forever()\n"
)


@pytest.fixture(scope="module")
def folder(rw: Rw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("entering") / "inside"
    made.mkdir()
    (made / "main.py").write_text(SERVER)
    (made / "railway.toml").write_text('[variables]\nGREETING = "hello"\nAPI_KEY = "s3cret-value"\n')
    rw.up(made)
    return made


def start(rw: Rw, folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rw_cli", *arguments], env=rw.environ, cwd=folder, stdout=subprocess.PIPE, text=True, **options
    )


def test_run_has_the_variables_and_the_exit_status_of_the_command(rw: Rw, folder: Path) -> None:
    assert rw.ok("run", "--", "sh", "-c", "echo $GREETING from $RAILWAY_SERVICE_NAME", cwd=folder) == "hello from web\n"
    assert rw.ok("run", "sh", "-c", 'echo "$1"', "sh", "--json", cwd=folder) == "--json\n", "flags behind the command are its own"
    assert rw.run("run", "--", "sh", "-c", "exit 7", cwd=folder).returncode == 7
    done = rw.run("run", "--", "no-such-command", cwd=folder)
    assert (done.returncode, "no-such-command" in done.stderr) == (5, True)


def test_a_signal_reaches_the_command(rw: Rw, folder: Path) -> None:
    with start(rw, folder, "run", "--", "sh", "-c", "echo up; exec sleep 60") as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM


def test_exec_is_inside_the_replica(rw: Rw, folder: Path, target: str) -> None:
    here = rw.ok("exec", "--", "sh", "-c", "cat main.py | head -1; echo $GREETING; echo to stderr >&2", cwd=folder)
    assert here == "import http.server, os\nhello\n"
    done = rw.run("exec", "-s", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 9", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (9, "out\n", "err\n")
    address = "0.0.0.0" if target == "docker" else "127.0.0.1"
    assert rw.ok("exec", "--", "sh", "-c", "echo $HOST", cwd=folder).strip() in {address, "::"}


def test_exec_takes_input_until_its_end(rw: Rw, folder: Path) -> None:
    text = "line\n" * 20_000
    with start(rw, folder, "exec", "--", "wc", "-l", stdin=subprocess.PIPE) as process:
        out, _ = process.communicate(text, timeout=30)
    assert out.strip() == "20000"


def test_exec_gives_a_terminal_where_there_is_one(rw: Rw, folder: Path) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "exec", "--", "sh", "-c", "test -t 0 && echo a terminal; read x; echo got $x"],
        env=rw.environ, cwd=folder, stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    seen = until(leader, b"a terminal")
    os.write(leader, b"word\n")
    seen += until(leader, b"got word")
    assert process.wait(20) == 0
    os.close(leader)
    assert b"Traceback" not in seen


def until(terminal: int, wanted: bytes, seconds: float = 20) -> bytes:
    seen, deadline = b"", time.monotonic() + seconds
    while wanted not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 4096)
    return seen


def test_connect_leads_a_local_port_to_the_replica(rw: Rw, folder: Path) -> None:
    with start(rw, folder, "connect", "-s", "web") as process:
        assert process.stdout
        address = process.stdout.readline().split(" ")[0]
        for _ in range(3):
            with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
                assert answer.read() == b"inside"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in {0, 130}


def test_what_is_not_there_is_named(rw: Rw, folder: Path, tmp_path: Path) -> None:
    assert rw.run("exec", "-s", "wep", "--", "ls", cwd=folder).returncode == 5
    assert rw.run("exec", "--replica", "7", "--", "ls", cwd=folder).returncode == 5
    done = rw.run("run", "--", "ls", cwd=tmp_path)
    assert done.returncode in {2, 5}
    assert "Traceback" not in done.stderr


def test_no_secret_of_the_entry_reaches_the_daemons_log(rw: Rw, folder: Path) -> None:
    assert rw.ok("run", "--", "sh", "-c", "echo $API_KEY", cwd=folder) == "s3cret-value\n"
    assert "s3cret-value" not in (rw.home / "daemon.log").read_text()
