"""From a folder to a URL and on from there: what a user does all day, with the real daemon, edge and target."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask, living

from rw_cli.context.load import Load

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}


@pytest.fixture(scope="module")
def online(rw: Rw, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The Flask app, up: its folder and the result of ``rw up``."""
    folder = tmp_path_factory.mktemp("apps") / "flask"
    folder.mkdir()
    write(folder, "one")
    (folder / "requirements.txt").write_text("flask>=3\ngunicorn>=22\n")
    return {"folder": folder, "result": rw.up(folder)}


def write(folder: Path, word: str) -> None:
    (folder / "app.py").write_text(
        "from flask import Flask, request\n\napp = Flask(__name__)\n\n\n"
        f'@app.get("/")\ndef index():\n    return "version {word}\\n"\n\n\n'
        '@app.post("/echo")\ndef echo():\n    return str(len(request.get_data()))\n'
    )


def test_up_prints_the_url_alone_on_stdout_and_the_app_answers(rw: Rw, online: dict[str, Any]) -> None:
    out = rw.ok("up", str(online["folder"]))
    assert out.strip() == online["result"]["services"][0]["url"]
    assert "version" in ask(out.strip()).text


def test_unchanged_up_says_so_and_keeps_the_deployment(rw: Rw, online: dict[str, Any]) -> None:
    before = rw.json("status", cwd=online["folder"])["services"][0]["serving"]
    result = rw.up(online["folder"])
    assert (result["services"][0]["changed"], result["services"][0]["deployment"]) == (False, before)


def test_logs_are_chosen_by_query_level_and_time(rw: Rw, online: dict[str, Any]) -> None:
    folder = online["folder"]
    found = rw.ok("logs", "-q", "listening OR nothing-prints-this", "--since", "1d", cwd=folder)
    assert found
    assert all("listening" in text.lower() for text in found.splitlines())
    assert rw.ok("logs", "--until", "1d", cwd=folder) == ""
    assert rw.run("logs", "-q", "(open", cwd=folder).returncode == 2
    assert rw.run("logs", "--since", "yesterday", cwd=folder).returncode == 2
    assert rw.run("logs", "--level", "loud", cwd=folder).returncode == 2
    assert rw.run("logs", "--http", "--build", cwd=folder).returncode == 2


def test_requests_are_kept_with_their_release_and_no_query(rw: Rw, online: dict[str, Any]) -> None:
    folder, url = online["folder"], online["result"]["services"][0]["url"]
    serving = rw.json("status", cwd=folder)["services"][0]["serving"]
    assert ask(f"{url}/nowhere?token=s3cr3t").status == 404
    deadline = time.monotonic() + 10
    while not (found := rows(rw, "logs", "--http", "-q", "@status:404", cwd=folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (found[-1]["message"].startswith("GET /nowhere 404 "), found[-1]["deployment"]) == (True, serving)
    assert found[-1]["attrs"]["path"] == "/nowhere"
    assert b"s3cr3t" not in b"".join(file.read_bytes() for file in rw.home.rglob("*") if file.is_file() and "edge" in file.parts)
    assert "nowhere" not in rw.ok("logs", cwd=folder), "requests are shown when they are asked for"


def rows(rw: Rw, *arguments: str, **options: Any) -> list[dict[str, Any]]:
    return [row for line in rw.ok(*arguments, "--json", **options).splitlines() if (row := json.loads(line))["type"] == "log"]


@pytest.mark.full_on("docker")
def test_redeploys_under_load_lose_no_request(rw: Rw, online: dict[str, Any]) -> None:
    url = online["result"]["services"][0]["url"]
    with Load(url, echo="/echo") as load:
        for number in range(3):
            write(online["folder"], f"load {number}")
            rw.up(online["folder"])
            time.sleep(0.2)
    assert load.failures == []
    assert {f"version load {number}\n" for number in range(3)} <= load.seen
    assert load.requests > 100


def test_failed_deployment_keeps_the_old_version_and_exits_3(rw: Rw, online: dict[str, Any]) -> None:
    folder = online["folder"]
    before = ask(online["result"]["services"][0]["url"]).text
    good = (folder / "app.py").read_text()
    (folder / "app.py").write_text(good + "\nraise RuntimeError('broken on purpose')\n")
    done = rw.run("up", str(folder))
    assert done.returncode == 3
    assert "broken on purpose" in done.stderr
    assert ask(online["result"]["services"][0]["url"]).text == before
    (folder / "app.py").write_text(good)


def test_killed_daemon_takes_nothing_along_and_the_next_command_finds_all(rw: Rw, online: dict[str, Any]) -> None:
    url = online["result"]["services"][0]["url"]
    before = rw.json("status", cwd=online["folder"])["services"][0]
    os.kill(rw.pid(), signal.SIGKILL)
    assert ask(url).status == 200
    after = rw.json("status", cwd=online["folder"])["services"][0]
    assert (after["serving"], after["status"]) == (before["serving"], "active")
    assert ask(url).status == 200


def test_stopped_daemon_starts_again_and_carries_on(rw: Rw, online: dict[str, Any]) -> None:
    rw.ok("daemon", "stop")
    assert ask(online["result"]["services"][0]["url"]).status == 200
    write(online["folder"], "after a stop")
    rw.up(online["folder"])
    assert ask(online["result"]["services"][0]["url"]).text == "version after a stop\n"


def test_newer_command_replaces_an_older_daemon_and_nobody_notices(rw: Rw, online: dict[str, Any]) -> None:
    before = rw.pid()
    newer = "import rw_shared.version as v; v.VERSION = '99.0'; from rw_cli.__main__ import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", newer, "status", "--json"], env=rw.environ, cwd=online["folder"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"][0]["status"] == "active"
    assert rw.pid() != before
    assert ask(online["result"]["services"][0]["url"]).status == 200


def test_killed_replica_is_replaced_and_requests_wait_meanwhile(rw: Rw, target: str, online: dict[str, Any]) -> None:
    service = rw.json("status", cwd=online["folder"])["services"][0]
    kill_replica(target, service["replicas"][0]["id"])
    answer = ask(service["url"], timeout=40)
    assert answer.status == 200
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        replicas = rw.json("status", cwd=online["folder"])["services"][0]["replicas"]
        if replicas and replicas[0]["id"] != service["replicas"][0]["id"] and replicas[0]["state"] == "running":
            return
        time.sleep(0.1)
    pytest.fail(f"not replaced: {replicas}\n{rw.log_tail()}")


def kill_replica(target: str, identity: str) -> None:
    """Kill all of it at once, as the engine does: a worker that outlives its parent for a moment may begin an answer that it cannot end."""
    if target == "docker":
        subprocess.run(["docker", "kill", identity], check=True, capture_output=True)
        return
    os.killpg(os.getpgid(pids_of(identity)[0]), signal.SIGKILL)


def pids_of(replica: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", "gunicorn"], capture_output=True, text=True, check=True).stdout.split()
    mine = [int(pid) for pid in found if f"/{replica}\0".encode() in environ_of(pid)]
    assert mine, found
    return sorted(mine)


def environ_of(pid: str) -> bytes:
    """Return a process's variables; nothing for one of another test that has just ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def test_what_serves_goes_before_the_daemon(rw: Rw, target: str, online: dict[str, Any]) -> None:
    if target != "process" or not Path("/proc/self/autogroup").exists():
        pytest.skip("only for processes, where Linux schedules by session")
    [replica] = rw.json("status", cwd=online["folder"])["services"][0]["replicas"]
    nice = [int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1]) for pid in (rw.pid(), pids_of(replica["id"])[0], rw.edge_pid())]
    assert nice == [5, 0, 0]


def slice_ns(pid: int) -> int:
    """Return for how long a process may have a processor at once; 0 where Linux does not tell (before 6.12)."""
    said = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None, use_errno=True).syscall(SCHED_GETATTR[os.uname().machine], pid, said, 48, 0) == 0, ctypes.get_errno()
    return int(struct.unpack_from("=Q", said.raw, 24)[0])


def test_daemon_and_edge_give_way_to_who_wakes_up(rw: Rw, target: str, online: dict[str, Any]) -> None:
    if os.uname().machine not in SCHED_GETATTR or not slice_ns(os.getpid()):
        pytest.skip("this Linux does not tell")
    threads = [int(one.name) for one in Path(f"/proc/{rw.edge_pid()}/task").iterdir()]
    assert {slice_ns(thread) for thread in (rw.pid(), *threads)} == {100_000}
    if target == "process":
        [replica] = rw.json("status", cwd=online["folder"])["services"][0]["replicas"]
        assert {slice_ns(pid) for pid in pids_of(replica["id"])} == {slice_ns(os.getpid())}, "an app has what the user's programs have"


def test_killed_edge_serves_again_with_the_same_routes(rw: Rw, online: dict[str, Any]) -> None:
    url = online["result"]["services"][0]["url"]
    os.kill(rw.edge_pid(), signal.SIGKILL)
    began = time.monotonic()
    while True:
        try:
            assert ask(url).status == 200
            break
        except OSError:
            assert time.monotonic() - began < 10, rw.log_tail()
            time.sleep(0.05)


def test_rollback_brings_the_version_before_back(rw: Rw, online: dict[str, Any]) -> None:
    url = online["result"]["services"][0]["url"]
    before = ask(url).text
    write(online["folder"], "to be rolled back")
    rw.up(online["folder"])
    assert ask(url).text == "version to be rolled back\n"
    serving = rw.json("status", cwd=online["folder"])["services"][0]["serving"]
    previous = rw.json("deployments", "show", serving, cwd=online["folder"])["previous"]
    deadline = time.monotonic() + 20
    while rw.json("deployments", "show", previous, cwd=online["folder"])["status"] != "removed":  # one that is just stopping is refused
        assert time.monotonic() < deadline, rw.log_tail()
    rw.ok("deployments", "rollback", "--previous", cwd=online["folder"])
    assert ask(url).text == before


def test_previous_shows_the_release_before(rw: Rw, online: dict[str, Any]) -> None:
    folder = online["folder"]
    serving = rw.json("status", cwd=folder)["services"][0]["serving"]
    before = rw.json("deployments", "show", serving, cwd=folder)["previous"]
    assert {row["deployment"] for row in rows(rw, "logs", "--previous", cwd=folder)} == {before}


def test_scale_restart_and_logs(rw: Rw, online: dict[str, Any]) -> None:
    folder = online["folder"]
    assert "web: 2 replicas from now on" in rw.run("scale", "web=2", cwd=folder).stderr
    assert len(rw.json("status", cwd=folder)["services"][0]["replicas"]) == 2
    assert "web: every replica was started anew" in rw.run("restart", cwd=folder).stderr
    assert ask(online["result"]["services"][0]["url"]).status == 200
    rows = [json.loads(line) for line in rw.ok("logs", "-n", "50", "--json", cwd=folder).splitlines()]
    assert rows[0]["schema"] == rows[-1]["schema"] == "rw/v1"
    assert any("gunicorn" in row.get("message", "") for row in rows)
    rw.ok("scale", "web=1", cwd=folder)
    time.sleep(1.5)  # longer than the supervisor waits before it looks at a replica that ended
    assert [replica["index"] for replica in rw.json("status", cwd=folder)["services"][0]["replicas"]] == [0]


def test_followed_logs_show_new_lines_across_a_redeployment(rw: Rw, online: dict[str, Any]) -> None:
    folder = online["folder"]
    reader = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "logs", "-f", "-n", "0"],
        cwd=folder,
        env=rw.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(1.0)
        (folder / "app.py").write_text((folder / "app.py").read_text() + "\nprint('a line of the new release', flush=True)\n")
        rw.up(folder)
        assert reader.stdout is not None
        for line in reader.stdout:
            if "a line of the new release" in line:
                break
    finally:
        reader.kill()
        reader.communicate()


def test_two_ups_at_the_same_time_never_mix(rw: Rw, online: dict[str, Any]) -> None:
    folder = online["folder"]
    write(folder, "first of two")
    first = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "up", str(folder)], env=rw.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(0.5)
    write(folder, "second of two")
    rw.up(folder)
    first.communicate(timeout=120)
    assert first.returncode in {0, 3}
    assert ask(online["result"]["services"][0]["url"]).text == "version second of two\n"


@pytest.mark.parametrize(
    ("files", "code", "exit_code"),
    [
        pytest.param({}, "NOTHING_DETECTED", 10, id="empty folder"),
        pytest.param({"railway.toml": "[deploy\n"}, "CONFIG_INVALID", 10, id="broken TOML"),
        pytest.param({"railway.toml": "[deploy]\nnumReplicas = 'many'\n", "start.sh": "sleep 1"}, "CONFIG_INVALID", 10, id="wrong type"),
        pytest.param({"requirements.txt": "", "notes.py": "x = 1\n"}, "NO_START_COMMAND", 10, id="no start command"),
    ],
)
def test_bad_input_is_answered_with_code_and_hint(rw: Rw, tmp_path: Path, files: dict[str, str], code: str, exit_code: int) -> None:
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    status, result, _ = rw.result("up", str(tmp_path))
    assert (status, result["error"]["code"]) == (exit_code, code)
    assert result["error"]["hint"]


def test_down_stops_everything_and_the_page_says_what_to_type(rw: Rw, online: dict[str, Any]) -> None:
    assert rw.run("down", cwd=online["folder"]).returncode == 4
    rw.ok("down", "--yes", cwd=online["folder"])
    assert rw.json("status", cwd=online["folder"])["services"] == []
    answer = ask(online["result"]["services"][0]["url"])
    assert answer.status == 404


def test_a_page_that_a_browser_kept_is_fetched_anew_although_it_is_as_long_as_before(rw: Rw, tmp_path: Path) -> None:
    """A server makes a page's validator from the time and the size of its file."""
    (tmp_path / "index.html").write_text("<p>one</p>")
    url = rw.up(tmp_path)["services"][0]["url"]
    kept = {name.lower(): value for name, value in ask(url).headers.items()}["etag"]
    assert ask(url, headers={"If-None-Match": kept}).status == 304
    (tmp_path / "index.html").write_text("<p>two</p>")
    rw.up(tmp_path)
    found = ask(url, headers={"If-None-Match": kept})
    assert (found.status, found.text) == (200, "<p>two</p>")


SAYS_WHERE = """import http.server, os


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["RAILWAY_PUBLIC_DOMAIN"].encode())


http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answer).serve_forever()
"""


def test_the_very_first_release_knows_its_address(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    (folder / "main.py").write_text(SAYS_WHERE)
    for rw in living(RW_TARGET="process", RW_WARM_SECONDS="0"):
        url = rw.up(folder)["services"][0]["url"]
        assert f"http://{ask(url).text}" == url
