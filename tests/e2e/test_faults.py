"""What goes wrong at three in the morning: processes killed, files damaged, folders full of surprises.

Where each fault is proved, here or beside it (P: processes, D: Docker):

========================================  ====  ==================================================  =========================
fault                                     on    promise                                             test
========================================  ====  ==================================================  =========================
daemon killed, at every event             P D   no request lost, the deployment ends as told        test_kills, here
daemon killed while logs are followed     P D   each line once                                      test_following
connection to the daemon breaks           P     the exit status is the stored state                 test_truth
daemon frozen                             P D   named with the way out; requests go on              test_frozen
replicas killed in turn, under load       P D   only orders under way fail                          test_kills_under_load
replica frozen, paused, removed           P D   replaced; reads get their answer                    test_frozen, test_engine_faults
replica out of restarts, app hangs        P     its place is given up, the others serve             test_given_up
edge killed while requests switch         P D   refused until it is back, then right                test_kills_under_load
edge frozen                               P D   replaced                                            test_frozen
engine killed, stopped                    D     no request fails, no restart is counted             test_engine_faults
engine killed, live-restore               D     nobody notices                                      test_engine_faults
engine killed in a deployment             D     it fails with the reason, the old release serves    test_engine_faults
engine frozen, away, later than daemon    D     exit 8 with the reason, no hang; then whole         test_engine_faults
daemon killed in a build                  P     what it was building is ended, then built once      here, integration
engine slow to answer                     P D   what is on the other target goes on                 test_slow_engine
image or snapshot of a service lost       P D   it says so, all others come back                    daemon/deployments
machine restarted, a build cut off        P     what should run runs, nothing else is left          test_machine_restart
machine restarted, daemon or engine first D     what should run runs, nothing else is left          test_engine_faults
disk full                                 P D   what runs goes on, the next deployment works        here, test_engine_faults
database damaged                          P     named, with a way out                               here
objects lost or cut off, halves left      P D   refused, made again, swept                          daemon/snapshots, integration
clock set                                 -     no step, watch, pause or budget changes             daemon/deployments
========================================  ====  ==================================================  =========================
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from e2e.conftest import Rw, ask, end, living, make_rw

from rw_daemon.builds.process import MARKER
from rw_daemon.processes import proc

SERVER = """
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

time.sleep({delay})
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def project(folder: Path, *, build_seconds: float = 0, start_seconds: float = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text("")
    (folder / "main.py").write_text(SERVER.format(delay=start_seconds) + f"# {time.time_ns()}: no build cache knows it\n")
    (folder / "railway.toml").write_text(f'[build]\nbuildCommand = "sleep {build_seconds}"\n')
    return folder


@pytest.fixture
def plain() -> Iterator[Rw]:
    """A fresh home on processes."""
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="0")


def newest(rw: Rw, folder: Path) -> dict[str, object]:
    """The newest deployment; before there is one, one that is only wanted."""
    return next(iter(rw.json("deployments", "list", cwd=folder)["items"]), {"status": "wanted"})


def until_status(rw: Rw, folder: Path, wanted: set[str], seconds: float = 40) -> str:
    deadline, status = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        status = str(newest(rw, folder)["status"])
        if status in wanted:
            return status
        time.sleep(0.05)
    raise AssertionError(f"still {status}: {rw.log_tail()}")


@pytest.mark.full
@pytest.mark.parametrize(("status", "build_seconds", "start_seconds"), [("building", 3, 0), ("deploying", 0, 3)], ids=["build", "health"])
def test_daemon_killed_in_the_middle_goes_on_with_the_next_command(
    rw: Rw, tmp_path: Path, status: str, build_seconds: float, start_seconds: float
) -> None:
    folder = project(tmp_path / f"killed-in-{status}", build_seconds=build_seconds, start_seconds=start_seconds)
    rw.ok("up", str(folder), "-d")
    until_status(rw, folder, {status})
    os.kill(rw.pid(), signal.SIGKILL)
    assert until_status(rw, folder, {"active", "failed"}) == "active"
    service = rw.json("status", cwd=folder)["services"][0]
    assert ask(service["url"]).text == "ok"
    assert len(service["replicas"]) == 1
    rw.ok("down", "--yes", cwd=folder)


@pytest.mark.full
def test_cancelled_build_really_stops_and_says_so(rw: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "cancelled", build_seconds=77)
    operation = json.loads(rw.ok("up", str(folder), "-d", "--json").splitlines()[-1])["operation"]
    until_status(rw, folder, {"building"})
    time.sleep(1.0)
    rw.ok("deployments", "cancel", operation, cwd=folder)
    assert newest(rw, folder)["status"] == "cancelled"
    deadline = time.monotonic() + 5
    while any(b"sleep\x0077" in command(pid) for pid in pids()):
        assert time.monotonic() < deadline, "the build's command still runs"
        time.sleep(0.1)


def test_build_of_a_killed_daemon_does_not_go_on_beside_the_next_ones(plain: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app", build_seconds=7766)
    operation = json.loads(plain.ok("up", str(folder), "-d", "--json").splitlines()[-1])["operation"]
    until_status(plain, folder, {"building"})
    old = until_building(plain, set())
    os.kill(plain.pid(), signal.SIGKILL)
    new = until_building(plain, old)
    assert not old & new
    assert len(list((plain.home / "releases").iterdir())) == 1
    plain.ok("deployments", "cancel", operation, cwd=folder)
    deadline = time.monotonic() + 5
    while builds(plain):
        assert time.monotonic() < deadline, "the build's command still runs"
        time.sleep(0.1)


def builds(rw: Rw) -> set[int]:
    return {pid for pid in proc.marked(f"{MARKER}={rw.home / 'releases'}") if command(str(pid)).startswith(b"sleep\x007766")}


def until_building(rw: Rw, before: set[int]) -> set[int]:
    """Return the build's processes once they are others than before: at most ten seconds after the next command."""
    deadline = time.monotonic() + 10
    rw.ok("daemon", "start")
    while not (found := builds(rw)) or found & before:
        assert time.monotonic() < deadline, f"{found} {before} {rw.log_tail()}"
        time.sleep(0.05)
    return found


def pids() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_damaged_database_is_named_and_put_aside_and_there_is_a_way_out(plain: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app")
    plain.up(folder)
    plain.ok("daemon", "stop")
    database = plain.home / "state.db"
    database.write_bytes(b"this is no database" * 1000)
    done = plain.run("status", "--json", cwd=folder)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (8, "DATABASE_CORRUPT")
    assert str(database) in error["hint"]
    database.rename(database.with_suffix(".damaged"))
    assert plain.up(folder)["status"] == "active"


@pytest.mark.parametrize("name", ["with space", "quo'te\"d", "$(touch pwned); `id`", "naïve-日本", "-leading"])
def test_awkward_file_names_reach_the_release_unchanged(plain: Rw, tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"folder {name}"
    folder.mkdir()
    (folder / name).write_text("here")
    (folder / "Procfile").write_text("web: sh -c 'while :; do ls -A; sleep 1; done' \n")
    (folder / "railway.toml").write_text("[deploy]\nhealthcheckTimeout = 1\n")
    plain.run("up", str(folder))
    lines = plain.ok("logs", "-n", "50", cwd=folder)
    assert name in lines
    assert not (folder / "pwned").exists()


def test_links_out_and_loops_and_sockets_do_no_harm(plain: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app")
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    assert plain.up(folder)["status"] == "active"
    release = next((plain.home / "releases").glob("*/app"))
    assert not (release / "out").exists()


def test_huge_file_is_refused_by_name_before_it_is_read(plain: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app")
    with (folder / "dump.sql").open("wb") as file:
        file.truncate(3 * 1024**3)
    began = time.monotonic()
    code, result, _ = plain.result("up", str(folder))
    assert (code, result["error"]["code"]) == (10, "SNAPSHOT_TOO_LARGE")
    assert "dump.sql" in result["error"]["why"]
    assert time.monotonic() - began < 10


def test_folder_that_is_not_there_is_not_found(plain: Rw, tmp_path: Path) -> None:
    code, result, _ = plain.result("up", str(tmp_path / "nowhere"))
    assert (code, result["error"]["code"]) == (5, "SOURCE_MISSING")


def test_unreachable_engine_is_exit_8_and_never_another_target(tmp_path: Path) -> None:
    rw = make_rw(RW_TARGET="docker", DOCKER_HOST=f"unix://{tmp_path}/nothing.sock")
    try:
        code, result, _ = rw.result("up", str(project(tmp_path / "app")))
        assert (code, result["error"]["code"]) == (8, "ENGINE_UNREACHABLE")
    finally:
        end(rw)


def test_secrets_of_the_file_reach_no_log_event_or_process_list(plain: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app")
    secret = "s3cr3t-value-that-nobody-prints"
    with (folder / "railway.toml").open("a") as file:
        file.write(f'[variables]\nAPI_TOKEN = "{secret}"\n')
    plain.up(folder)
    assert secret not in plain.ok("deployments", "list", "--json", cwd=folder)
    assert secret not in plain.log_tail()
    database = b"".join(path.read_bytes() for path in plain.home.glob("state.db*"))
    assert secret.encode() not in database
    assert not [pid for pid in pids() if secret.encode() in command(pid)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Rw]:
    """A home on a disk of its own that a test may fill."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    made = make_rw(RW_TARGET="process", RW_WARM_SECONDS="0", RW_HOME=str(disk / "home"))
    yield replace(made, home=disk / "home")
    end(made)
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as open_file, suppress(OSError):
        while True:
            open_file.write(bytes(65536))


def test_full_disk_stops_nothing_that_runs_and_the_next_deployment_works(small_disk: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app")
    url = small_disk.up(folder)["services"][0]["url"]
    filler = small_disk.home.parent / "filler"
    fill(filler)
    (folder / "main.py").write_text((folder / "main.py").read_text() + "# changed\n")
    code, result, _ = small_disk.result("up", str(folder), timeout=30)
    assert (code, result["error"]["code"]) == (3, "DISK_FULL")
    assert ask(url).text == "ok"
    assert small_disk.json("status", cwd=folder)["services"][0]["status"] == "active"
    filler.unlink()
    assert small_disk.up(folder)["services"][0]["version"] == 2


def test_build_that_fills_the_disk_fails_by_name_and_is_cleared_away(small_disk: Rw, tmp_path: Path) -> None:
    folder = project(tmp_path / "app")
    url = small_disk.up(folder)["services"][0]["url"]
    (folder / "railway.toml").write_text('[build]\nbuildCommand = "cat /dev/zero > filler"\n')
    code, result, _ = small_disk.result("up", str(folder), timeout=60)
    assert (code, result["error"]["code"]) == (3, "DISK_FULL")
    assert newest(small_disk, folder)["status"] == "failed"
    assert shutil.disk_usage(small_disk.home).free > 100 * 1024**2
    assert ask(url).text == "ok"
    (folder / "railway.toml").write_text("")
    assert small_disk.up(folder)["status"] == "active"
