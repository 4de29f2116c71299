"""``rw up --watch``: an edited line is online a moment later, and nothing that an editor, a crash or a burst does gets in its way."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask

from rw_cli.context.load import Load

SERVER = (
    "import http.server, os\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    protocol_version = 'HTTP/1.1'\n"
    "    def do_GET(self):\n"
    "        body = b'{word}'\n"
    "        self.send_response(200); self.send_header('content-length', str(len(body))); self.end_headers(); self.wfile.write(body)\n"
    "    def do_POST(self):\n"
    "        self.rfile.read(int(self.headers['content-length'])); self.do_GET()\n"
    "if __name__ == '__main__':\n"
    "    http.server.ThreadingHTTPServer(('0.0.0.0', int(os.environ['PORT'])), Handler).serve_forever()\n"
)


class Watch:
    """A running ``rw up --watch --json`` and its rows."""

    def __init__(self, rw: Rw, folder: Path, *flags: str, prefix: tuple[str, ...] = (), **environ: str) -> None:
        self.folder, self.seen = folder, []  # type: ignore[var-annotated]
        self._rows: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "rw_cli", "up", "--watch", "--json", *flags, str(folder)],
            env={**rw.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._rows.put(json.loads(line))

    def until(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Return the next row of this name, or of this type."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                row = self._rows.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
                continue
            self.seen.append(row)
            if name in (row.get("name"), row["type"]):
                return row
        raise AssertionError(f"no {name} within {seconds} s: {self.seen[-5:]}")

    def settled(self, seconds: float = 60) -> dict[str, Any]:
        return self.until("watch.settled", seconds)

    def quiet(self, seconds: float) -> bool:
        """Return whether nothing was deployed for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                row = self._rows.get(timeout=0.1)
            except queue.Empty:
                continue
            if row.get("name") in {"watch.changed", "operation.created"}:
                return False
        return True

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def watching(rw: Rw, tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    made: list[Watch] = []

    def start(*flags: str, name: str = "", **options: Any) -> Watch:
        folder = tmp_path / (name or f"app-{os.urandom(3).hex()}")
        if not folder.exists():
            folder.mkdir()
            write(folder, "one")
        made.append(Watch(rw, folder, *flags, **options))
        return made[-1]

    yield start
    for watch in made:
        watch.process.kill()
        watch.process.communicate()
        rw.run("down", "--yes", cwd=watch.folder)


def write(folder: Path, word: str) -> None:
    (folder / "main.py").write_text(SERVER.replace("{word}", word))


def url_of(row: dict[str, Any]) -> str:
    assert row["status"] == "active", json.dumps(row)
    return str(row["services"][0]["url"])


@pytest.mark.full_on("docker")
def test_a_change_is_online_and_what_changes_nothing_does_nothing(rw: Rw, watching: Callable[..., Watch]) -> None:
    watch = watching()
    url = url_of(watch.settled())
    write(watch.folder, "two")
    changed = watch.until("watch.changed")
    assert (changed["files"], changed["action"]) == (["main.py"], "release")
    watch.settled()
    assert ask(url).text == "two"
    (watch.folder / "main.py").touch()
    write(watch.folder, "two")
    (watch.folder / ".main.py.swp").write_text("an editor's")
    (watch.folder / "__pycache__").mkdir()
    (watch.folder / "__pycache__" / "x.pyc").write_text("x")
    (watch.folder / ".env").write_text("SECRET=1\n")
    assert ".env changed" in watch.until("watch.remarked")["message"]
    assert watch.quiet(1.5)
    deep = watch.folder / "static" / "css"
    deep.mkdir(parents=True)
    (deep / "a.css").write_text("a")
    assert watch.until("watch.changed")["files"] == ["static/css/a.css"]
    watch.settled()
    (deep / "a.css").rename(deep / "b.css")
    assert watch.until("watch.changed")["files"] == ["static/css/a.css", "static/css/b.css"]
    watch.settled()
    shutil.rmtree(watch.folder / "static")
    assert watch.until("watch.changed")["files"] == ["static/css/b.css"]
    watch.settled()
    assert watch.interrupt() == 130
    assert rw.json("status", cwd=watch.folder)["services"] == [], "what it brought up goes with it"


@pytest.mark.full_on("docker")
def test_a_crash_and_a_mistake_keep_the_version_before_and_the_next_change_mends_them(watching: Callable[..., Watch], rw: Rw) -> None:
    watch = watching("--keep")
    url = url_of(watch.settled())
    (watch.folder / "main.py").write_text("if __name__ == '__main__':\n    raise SystemExit('broken on purpose')\n")
    assert watch.settled()["error"]["code"] == "CRASHED"
    assert ask(url).text == "one"
    (watch.folder / "main.py").write_text("def broken(:\n")
    time.sleep(1)
    write(watch.folder, "two")
    assert url_of(watch.settled()) == url
    assert ask(url).text == "two"
    assert watch.interrupt() == 130
    assert ask(url).text == "two", "--keep leaves it"
    rw.ok("down", "--yes", cwd=watch.folder)


def test_what_ran_before_goes_on_after_ctrl_c(watching: Callable[..., Watch], rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    write(folder, "one")
    url = rw.up(folder)["services"][0]["url"]
    watch = watching(name="before")
    watch.settled()
    assert watch.interrupt() == 130
    assert ask(url).text == "one"


def test_the_newest_change_cancels_the_build_before_it(watching: Callable[..., Watch], rw: Rw, tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    write(folder, "one")
    (folder / "railway.toml").write_text('[build]\nbuildCommand = "sleep $(cat seconds)"\n')
    (folder / "seconds").write_text("0")
    watch = watching(name="slow")
    url = url_of(watch.settled())
    (folder / "seconds").write_text("300")
    write(folder, "two")
    assert "reads all sources" in watch.until("watch.changed")["why"]
    time.sleep(1)
    began = time.monotonic()
    (folder / "seconds").write_text("0")
    write(folder, "three")
    assert url_of(watch.settled()) == url
    assert time.monotonic() - began < 60
    assert ask(url).text == "three"
    statuses = [one["status"] for one in rw.json("deployments", cwd=folder)["items"]]
    assert statuses[:2] == ["active", "cancelled"]


@pytest.mark.full_on("docker")
def test_ten_changes_under_load_lose_no_request(watching: Callable[..., Watch]) -> None:
    watch = watching()
    url = url_of(watch.settled())
    with Load(url, echo="/echo") as load:
        for number in range(10):
            write(watch.folder, f"load {number}")
            watch.settled()
        deadline = time.monotonic() + 10
        while "load 9" not in load.seen:
            assert time.monotonic() < deadline, sorted(load.seen)
            time.sleep(0.01)
    assert load.failures == []


def test_a_killed_daemon_does_not_end_the_watching(watching: Callable[..., Watch], rw: Rw) -> None:
    watch = watching()
    url = url_of(watch.settled())
    os.kill(rw.pid(), signal.SIGKILL)
    write(watch.folder, "two")
    assert url_of(watch.settled()) == url
    assert ask(url).text == "two"


def test_where_nothing_more_can_be_watched_it_looks_instead(watching: Callable[..., Watch], rw: Rw) -> None:
    limit = ("unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh")
    if os.geteuid() or subprocess.run([*limit, "true"], capture_output=True, check=False).returncode:
        pytest.skip("the limit cannot be lowered for one process here")
    rw.ok("daemon", "start")
    watch = watching(prefix=limit)
    url = url_of(watch.settled())
    write(watch.folder, "two")
    watch.settled()
    assert ask(url).text == "two"
    watch.interrupt()
