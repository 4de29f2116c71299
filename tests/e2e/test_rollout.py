"""Gradual releases for real: under load, a good one gets everything, a bad one is taken back, and no request is lost by either."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, ask, living, rollout
from e2e.test_kills_under_load import kill_replica

from rw_cli.context.load import Load

APP = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count, kept = 0, []
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        Handler.count += 1
        Handler.kept.append(bytearray({leaks} * 1024**2))
        is_bad = {every} and Handler.count % {every} == 0 and self.headers.get("user-agent") != "rw-health"
        self.send_response(500 if is_bad else 200)
        self.send_header("content-length", "{length}")
        self.end_headers()
        self.wfile.write(b"{word}")
    do_POST = do_GET
    def log_message(self, *_): pass

server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
import signal, threading
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""
RAILWAY = """
[deploy.rollout]
strategy = "gradual"
steps = [10, 50, 100]
stepSeconds = 4
"""

pytestmark = pytest.mark.full_on("docker")


RECREATE = '[deploy.rollout]\nstrategy = "recreate"\n'
QUICK = RAILWAY.replace("stepSeconds = 4", "stepSeconds = 1")


@pytest.fixture(scope="module")
def rw(target: str) -> Iterator[Rw]:
    yield from living(RW_TARGET=target, RW_WARM_SECONDS="0.5")


def write(folder: Path, word: str, *, fails_every: int = 0, leaks: int = 0, railway: str = RAILWAY) -> Path:
    """Write the app.

    :param leaks: megabytes that it keeps of each request.
    """
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("")
    (folder / "railway.toml").write_text(railway)
    text = APP.replace("{word}", word).replace("{length}", str(len(word))).replace("{every}", str(fails_every))
    (folder / "main.py").write_text(text.replace("{leaks}", str(leaks)))
    return folder


def test_shares_grow_under_load_and_no_request_fails(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "good", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new")
    with Load(url, echo="/echo") as load:
        _, result, rows = rw.result("up", str(folder))
    assert result["status"] == "active"
    assert load.failures == []
    assert load.seen == {"old", "new"}
    assert ask(url).text == "new"
    assert [row["name"] for row in rows if row.get("name", "").startswith("rollout.shifted")] == ["rollout.shifted"] * 2


def test_release_with_errors_is_taken_back_with_exit_3(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "bad", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", fails_every=8)
    with Load(url, echo="/echo") as load:
        code, result, _ = rw.result("up", str(folder))
    assert (code, result["services"][0]["status"], result["error"]["code"]) == (3, "rolled_back", "ROLLED_BACK")
    assert "failed" in result["error"]["why"]
    assert {one[:3] for one in load.failures} == {"500"}  # its own answers, nothing that was lost on the way
    assert ask(url).text == "old"
    assert "rolled_back" in rw.ok("deployments", "list", cwd=folder)
    assert [one["verdict"] for one in rw.json("deployments", "show", "v2", cwd=folder)["verdicts"]][-1] == "bad"
    words = rw.run("up", str(folder)).stderr
    assert "10 % of the requests go to the new release" in words


@pytest.mark.full
def test_release_that_leaks_is_taken_back_within_two_windows_and_no_request_fails(rw: Rw, tmp_path: Path) -> None:
    limited = f"{RAILWAY}[deploy.limitOverride.containers]\nmemoryBytes = {128 * 1024**2}\n"
    folder = write(tmp_path / "leak", "old", railway=limited)
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", leaks=6, railway=limited)
    with Load(url, rate=150) as load:  # POSTs under way would be lost with it
        code, result, _ = rw.result("up", str(folder))
    assert (code, result["error"]["code"]) == (3, "ROLLED_BACK")
    assert "memory" in result["error"]["why"]
    shown = rw.json("deployments", "show", "v2", cwd=folder)
    assert shown["status"] == "rolled_back"
    assert len(shown["verdicts"]) < 2
    assert load.failures == []
    assert ask(url).text == "old"


def test_daemon_killed_in_the_middle_goes_on(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "killed", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new")
    with Load(url, echo="/echo") as load, rw.beside("up", str(folder)) as up:
        while "new" not in load.seen:
            assert up.process.poll() is None
        os.kill(rw.pid(), signal.SIGKILL)
    assert (up.code, up.status) == (0, "active")
    assert load.failures == []
    assert ask(url).text == "new"


CHECK = "python -c \"import os, urllib.request as r; assert r.urlopen(os.environ['RW_PREVIEW_URL']).read() == b'{word}'\""


def test_blue_green_is_checked_and_looked_at_before_anybody_gets_it(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "blue", "old")
    url = rw.up(folder)["services"][0]["url"]
    by_hand = "[deploy.rollout]\nstrategy = 'blue-green'\nstepSeconds = 1\nautoPromote = false\n"
    write(folder, "new", railway=f"{by_hand}check = '''{CHECK.format(word='new')}'''\n")
    with Load(url, echo="/echo") as load:
        with rw.beside("up", str(folder)) as up:
            found = rollout(rw, folder, pace="paused", verdict="good")
            assert (found["share"], found["steps"]) == (0, [0, 100])
            assert ask(found["preview"]).text == "new"
            assert ask(url, headers={"X-RW-Release": "v2"}).text == "new"
            assert ask(url, headers={"X-RW-Release": "v1"}).text == "old"
            shown = rw.ok("deployments", "show", "v2", cwd=folder)
            assert f"0 % of the requests, paused, alone at {found['preview']}" in shown
            assert "v2 is paused at 0 %: `rw rollout resume" in rw.ok("status", cwd=folder)
            assert load.seen == {"old"}
            assert "v1 → v2" in rw.ok("rollout", cwd=folder)
            assert "every request" in rw.ok("rollout", "promote", cwd=folder)
        assert up.status == "active"
    assert load.failures == []
    assert ask(url).text == "new"
    assert ask(found["preview"]).status == 404


def test_failed_check_keeps_the_release_from_every_request(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "checked", "old", railway=f"[deploy.rollout]\ncheck = '''{CHECK.format(word='other')}'''\n")
    code, result, _ = rw.result("up", str(folder))
    assert (code, result["error"]["code"]) == (3, "CHECK_FAILED")
    assert "AssertionError" in result["error"]["why"]
    assert [one["status"] for one in result["services"]] == ["failed"]


def test_paused_then_aborted_nobody_loses_a_request(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "aborted", "old", railway=QUICK)
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", railway=QUICK)
    with Load(url, echo="/echo") as load:
        with rw.beside("up", str(folder)) as up:
            rollout(rw, folder, share=10)
            assert "stays at 10 %" in rw.ok("rollout", "pause", cwd=folder)
            time.sleep(4)  # longer than the step and its repetition
            assert rollout(rw, folder, share=10)["pace"] == "paused"
            assert "rolled back" in rw.ok("rollout", "abort", cwd=folder)
        assert (up.code, up.rows[-1]["error"]["code"]) == (3, "ROLLED_BACK")
    assert load.failures == []
    assert ask(url).text == "old"
    assert rw.run("rollout", "resume", cwd=folder).returncode == 7


def test_what_was_taken_back_is_tried_again(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "again", "old", railway=QUICK)
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", railway=QUICK)
    with rw.beside("up", str(folder)):
        rollout(rw, folder, share=10)
        rw.ok("rollout", "abort", cwd=folder)
    code, result, _ = rw.result("rollout", "retry", cwd=folder)
    assert (code, result["status"], result["services"][0]["version"]) == (0, "active", 3)
    assert ask(url).text == "new"


def test_what_was_cancelled_or_failed_its_check_is_tried_again(rw: Rw, target: str, tmp_path: Path) -> None:
    if target == "docker":
        pytest.skip("the check of the same artifact has to end otherwise the second time, and a container sees no file of the test's")
    folder = write(tmp_path / "retried", "old", railway=QUICK)
    url = rw.up(folder)["services"][0]["url"]
    refused = rw.run("rollout", "retry", cwd=folder)
    assert (refused.returncode, "v1, active" in refused.stderr) == (7, True)
    flag = tmp_path / "passes"
    write(folder, "new", railway=f"{QUICK}check = '''test -e {flag}'''\n")
    assert rw.result("up", str(folder))[1]["error"]["code"] == "CHECK_FAILED"
    assert rw.run("rollout", "retry", cwd=folder).returncode == 3  # tried again, and the check fails again
    flag.touch()
    with rw.beside("up", str(folder)) as up:
        rollout(rw, folder, share=10)
        rw.ok("deployments", "cancel", rw.json("deployments", cwd=folder)["items"][0]["id"], cwd=folder)
    assert up.rows[-1]["services"][0]["status"] == "rolled_back"  # it had requests
    assert rw.result("rollout", "retry", cwd=folder)[1]["status"] == "active"
    assert ask(url).text == "new"


def test_watched_release_says_what_may_be_said_to_it_and_how_it_ended(rw: Rw, tmp_path: Path) -> None:
    watched = "[deploy.rollout]\nmonitorSeconds = 60\n"
    folder = write(tmp_path / "said", "old", railway=watched)
    rw.up(folder)
    rw.up(write(folder, "new", railway=watched))
    refused = rw.run("rollout", "pause", cwd=folder)
    assert (refused.returncode, "it is only watched" in refused.stderr) == (7, True)
    assert "100 % of the requests, watched" in rw.ok("deployments", "show", "v2", cwd=folder)
    assert "is not watched any more" in rw.ok("rollout", "promote", cwd=folder)
    assert "watch ended: It was ended by hand." in rw.ok("deployments", "show", "v2", cwd=folder)


def test_own_probes_are_in_no_figure_and_no_log_of_the_edge(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "quiet", "old", railway=QUICK)
    url = rw.up(folder)["services"][0]["url"]
    rw.up(write(folder, "new", railway=QUICK))  # each step asks it every second whether it lives
    words = [one["words"] for one in rw.json("deployments", "show", "v2", cwd=folder)["verdicts"]]
    assert len(words) == 4
    assert all(one.startswith("0 of 0 failed; the old release: 0 of 0 failed") for one in words)
    ask(f"{url}/last")
    deadline, found = time.monotonic() + 20, list[dict[str, Any]]()
    while not found and time.monotonic() < deadline:
        found = [one for one in rw.result("logs", "--http", "-n", "100", cwd=folder)[2] if one.get("type") == "log"]
    assert [one["attrs"]["path"] for one in found] == ["/last"]


def test_release_in_its_steps_whose_replica_is_killed_costs_no_request_that_may_be_repeated(rw: Rw, target: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "shot", "old")
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", railway=QUICK.replace("stepSeconds = 1", "stepSeconds = 30").replace("[10, 50, 100]", "[50, 100]"))
    with rw.beside("up", str(folder)), Load(url, rate=150) as load:
        rollout(rw, folder, share=50)
        time.sleep(1)
        kill_replica(rw, target, replica_of(rw, target, rollout(rw, folder)["deployment"]))
        until_taken_back(rw, folder)
        time.sleep(1)
    assert load.failures == []
    assert ask(url).text == "old"


def replica_of(rw: Rw, target: str, deployment: str) -> str:
    """The one replica of a release that does not serve yet: no status names it."""
    if target == "docker":
        command = ["docker", "ps", "-q", "--filter", f"label=rw.deployment={deployment}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return next(one.name for one in (rw.home / "instances").iterdir() if one.name.startswith(deployment))


def until_taken_back(rw: Rw, folder: Path) -> None:
    deadline = time.monotonic() + 40
    while rw.json("deployments", cwd=folder)["items"][0]["status"] != "rolled_back":
        assert time.monotonic() < deadline, rw.log_tail()
        time.sleep(0.05)


def test_recreate_never_runs_two_and_requests_wait(rw: Rw, tmp_path: Path) -> None:
    folder = write(tmp_path / "recreated", "old", railway=RECREATE)
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", railway=RECREATE)
    with Load(url, echo="/echo") as load:
        done = rw.up(folder)
    assert load.failures == []
    assert ask(url).text == "new"
    steps = {one["name"]: one for one in rw.json("deployments", "show", "v2", cwd=folder)["steps"]}
    assert steps["stop"]["endedAt"] < steps["start"]["startedAt"]
    assert "requests waited" in steps["shift"]["detail"]
    assert done["status"] == "active"
    why = rw.ok("why", cwd=folder)
    assert "main.py modified" in why
    assert "stop done: v1 first; requests wait" in why


@pytest.mark.parametrize("fails", ["proof", "check"])
def test_requests_that_waited_for_a_release_that_failed_are_answered_by_the_one_that_came_back(rw: Rw, tmp_path: Path, fails: str) -> None:
    folder = write(tmp_path / f"back-{fails}", "old", railway=RECREATE)
    url = rw.up(folder)["services"][0]["url"]
    write(folder, "new", railway=RECREATE + ('check = "sleep 2; exit 1"\n' if fails == "check" else ""))
    if fails == "proof":
        (folder / "main.py").write_text("import sys, time\ntime.sleep(2)\nsys.exit(9)\n")
    with Load(url, echo="/echo") as load:
        code, result, _ = rw.result("up", str(folder))
    assert (code, result["services"][0]["status"]) == (3, "failed")
    assert load.failures == []
    assert load.seen == {"old"}
    assert ask(url).text == "old"
    assert [one["status"] for one in rw.json("deployments", cwd=folder)["items"]] == ["failed", "active"]
    assert "came to nothing" in rw.ok("why", "v1", cwd=folder)


def test_rollback_while_the_old_release_is_warm_starts_nothing(rw: Rw, tmp_path: Path) -> None:
    railway = "[deploy]\noverlapSeconds = 120\n"
    folder = write(tmp_path / "warm", "old", railway=railway)
    url = rw.up(folder)["services"][0]["url"]
    rw.up(write(folder, "new", railway=railway))
    with Load(url, echo="/echo") as load:
        code, result, _ = rw.result("deployments", "rollback", "--previous", cwd=folder)
        assert ask(url).text == "old"
        assert (code, [(one["version"], one["changed"]) for one in result["services"]]) == (0, [(1, True)])
        os.kill(rw.pid(), signal.SIGKILL)
        code, result, _ = rw.result("deployments", "rollback", "v2", cwd=folder)  # the one that was rolled back is warm as well
        assert ask(url).text == "new"
        assert (code, [one["version"] for one in result["services"]]) == (0, [2])
    assert load.failures == []
    assert [one["version"] for one in rw.json("deployments", cwd=folder)["items"]] == [2, 1]
    rw.ok("down", "--yes", cwd=folder)


@pytest.mark.full
def test_release_that_turns_bad_after_it_has_everything_is_taken_back(rw: Rw, tmp_path: Path) -> None:
    watched = "[deploy.rollout]\nmonitorSeconds = 9\nstepSeconds = 3\n"
    folder = write(tmp_path / "watched", "old", railway=watched)
    url = rw.up(folder)["services"][0]["url"]
    with Load(url) as load:
        time.sleep(3)  # something to compare with
        write(folder, "new", fails_every=3, railway=watched)
        code, result, _ = rw.result("up", "--wait-monitor", str(folder))
        assert (code, result["services"][0]["status"], result["error"]["code"]) == (3, "rolled_back", "ROLLED_BACK")
        assert ask(url).text == "old"
        write(folder, "better", railway=watched)
        code, result, _ = rw.result("deploy", str(folder))
        assert (code, result["status"]) == (0, "active")
    assert {one[:3] for one in load.failures} == {"500"}  # the bad release's own answers
    assert "has every request again" in rw.ok("why", "v2", cwd=folder)
    assert "passed" in rw.ok("why", "v3", cwd=folder)
