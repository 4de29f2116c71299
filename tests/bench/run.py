"""Measurements, side by side in one run: ``python tests/bench/run.py``. Prints a table; asserts nothing.

Everything runs on loopback with a home of its own and is removed afterwards. Docker rows appear where an engine answers.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from e2e.conftest import APPS, Rw, ask, end, free_port, make_rw

from rw_cli.context.load import Load

ROUNDS = 5
REST_SECONDS = 1.0
TREE_FILES = 5_000
REDEPLOYMENTS = 20
REQUESTS = 52_000


def median(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median time of ``work`` in seconds."""
    return medians(work, rounds=rounds)[0]


def medians(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the median times in seconds, taken in turn: the machine's own pace changes within minutes.

    Between two of them there is a rest, so that one does not pay for what the other leaves behind (an old release that stops).
    """
    found: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for times, work in zip(found, works, strict=True):
            if len(works) > 1:
                time.sleep(REST_SECONDS)
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    return [statistics.median(times) for times in found]


def row(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def has_engine() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20).returncode == 0
    except OSError:
        return False


def commands(rw: Rw, folder: Path) -> None:
    """What every command costs."""
    row("`rw --help`", f"{median(lambda: rw.ok('--help')) * 1000:.0f} ms")
    warm = median(lambda: rw.ok("status", cwd=folder))
    row("`rw status`, warm", f"{warm * 1000:.0f} ms")
    cold = []
    for _ in range(ROUNDS):
        rw.ok("daemon", "stop")
        cold.append(median(lambda: rw.ok("status", cwd=folder), 1))
    row("first command that starts the daemon", f"+ {(statistics.median(cold) - warm) * 1000:.0f} ms")


def unchanged(rw: Rw, folder: Path, target: str) -> None:
    """``rw up`` of a tree that did not change."""
    many = folder / "assets"
    many.mkdir()
    for number in range(TREE_FILES):
        (many / f"{number}.txt").write_text(str(number))
    rw.up(folder)
    time.sleep(2.1)  # younger files are read again, since their time stamps may not tell
    rw.up(folder)
    took = median(lambda: rw.ok("up", str(folder)))
    beside = ""
    if target == "docker" and Compose.is_there():
        compose = Compose(rw, folder)
        compose.up()
        beside = f"; `docker compose up -d --build` {median(compose.up) * 1000:.0f} ms"
        compose.down()
    row(f"`rw up`, nothing changed, {TREE_FILES:,} files, {target}", f"{took * 1000:.0f} ms{beside}")
    shutil.rmtree(many)
    rw.up(folder)


def changed(rw: Rw, folder: Path) -> Callable[[], None]:
    """Return what changes one line and waits until the new version answers at the edge."""
    url, count = rw.up(folder)["services"][0]["url"], 0

    def once() -> None:
        nonlocal count
        count += 1
        (folder / "app.py").write_text((APPS / "flask" / "app.py").read_text().replace("hello from flask", f"hello {count}"))
        rw.ok("up", str(folder))
        assert f"hello {count}" in ask(url).text

    return once


def building_client() -> str:
    """Return a docker command that can build with BuildKit: newer ones need a plugin for it, older ones do not."""
    for client in ("docker", "/usr/bin/docker"):
        if subprocess.run([client, "buildx", "version"], capture_output=True, check=False).returncode == 0:
            return client
        if " 20." in subprocess.run([client, "--version"], capture_output=True, text=True, check=False).stdout:
            return client
    return "docker"


@contextmanager
def by_hand(rw: Rw, folder: Path) -> Iterator[Callable[[], None]]:
    """Yield the same with a cached ``docker build``, ``docker run`` and the first answer."""
    recipe, count = folder / "Dockerfile.bench", 0
    client = building_client()
    recipe.write_text(rw.ok("plan", str(folder), "--dockerfile"))
    environ = {**rw.environ, "DOCKER_BUILDKIT": "1"}

    def once() -> None:
        nonlocal count
        count += 1
        (folder / "app.py").write_text((APPS / "flask" / "app.py").read_text().replace("hello from flask", f"by hand {count}"))
        subprocess.run(
            [client, "build", "-q", "-t", "rw-bench", "-f", str(recipe), str(folder)], check=True, capture_output=True, env=environ
        )
        port = free_port()
        run = ["docker", "run", "-d", "--rm", "--label", "rw.project=bench", "-p", f"127.0.0.1:{port}:8080", "rw-bench"]
        container = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
        while True:
            try:
                if ask(f"http://127.0.0.1:{port}").status == 200:
                    break
            except OSError:
                time.sleep(0.005)
        began.append(container)

    began: list[str] = []
    try:
        once()
        yield once
    finally:
        subprocess.run(["docker", "kill", *began], capture_output=True, check=False)
        subprocess.run(["docker", "image", "rm", "-f", "rw-bench"], capture_output=True, check=False)


COMPOSE = """
services:
  web:
    build: {context: ., dockerfile: Dockerfile.bench}
    ports: ["127.0.0.1:%d:8080"]
    labels: {rw.project: bench}
"""


BY_HAND = """
FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --quiet --root-user-action=ignore -r requirements.txt
COPY . .
CMD ["python", "-c", "from app import app; app.run(host='0.0.0.0', port=8080)"]
"""
"""As people write it: process 1 does not heed SIGTERM."""


class Compose:
    """What many would use instead: ``docker compose up -d --build``, with rw's recipe or another."""

    def __init__(self, rw: Rw, folder: Path, *, dockerfile: str = "") -> None:
        self._folder, self._port = folder, free_port()
        recipe, ignore = rw.json("plan", str(folder), "--dockerfile"), folder / "Dockerfile.bench.dockerignore"
        (folder / "Dockerfile.bench").write_text(dockerfile or recipe["dockerfile"])
        ignore.write_text(recipe["dockerignore"])
        (folder / "compose.yaml").write_text(COMPOSE % self._port)

    @staticmethod
    def is_there() -> bool:
        return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0

    def up(self) -> None:
        self._run("up", "-d", "--build")

    def changed(self) -> float:
        """One line changed, until the new version answers."""
        count = 0

        def once() -> None:
            nonlocal count
            count += 1
            (self._folder / "app.py").write_text((APPS / "flask" / "app.py").read_text().replace("hello from flask", f"compose {count}"))
            self.up()
            self.until_answered(f"compose {count}")

        once()
        return median(once, 3)

    def until_answered(self, words: str) -> None:
        while True:
            try:
                if words in ask(f"http://127.0.0.1:{self._port}").text:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)

    def down(self) -> None:
        self._run("down", "--rmi", "local", "-t", "0")
        for name in ("compose.yaml", "Dockerfile.bench", "Dockerfile.bench.dockerignore"):
            (self._folder / name).unlink()

    def _run(self, *arguments: str) -> None:
        environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
        subprocess.run(["docker", "compose", *arguments], cwd=self._folder, env=environ, check=True, capture_output=True)


def under_load(rw: Rw, folder: Path, target: str) -> None:
    url = rw.up(folder)["services"][0]["url"]
    with Load(url, rate=0, echo="/echo") as load:
        for number in range(REDEPLOYMENTS):
            (folder / "app.py").write_text((APPS / "flask" / "app.py").read_text().replace("hello from flask", f"load {number}"))
            rw.up(folder)
            while load.requests < (number + 1) * REQUESTS // REDEPLOYMENTS:
                time.sleep(0.01)
    row(
        f"requests failed over {REDEPLOYMENTS} redeployments under load, {target}",
        f"{len(load.failures)} of {load.requests:,}; slowest {load.slowest_seconds * 1000:.0f} ms",
    )
    for failure in load.failures[:3]:
        print(f"    {failure}", file=sys.stderr)


CLOCK = """
import threading, time
def tell():
    while True:
        print("clock", time.time_ns(), flush=True)
        time.sleep(0.02)
threading.Thread(target=tell, daemon=True).start()
"""


def latency(rw: Rw, folder: Path, target: str) -> None:
    """From a line's print to its arrival at a reader of ``rw logs -f``."""
    (folder / "app.py").write_text((APPS / "flask" / "app.py").read_text() + CLOCK)
    rw.up(folder)
    reader = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "logs", "-f", "-n", "0", "--json"], cwd=folder, env=rw.environ, stdout=subprocess.PIPE, text=True
    )
    found: list[float] = []
    try:
        assert reader.stdout is not None
        for line in reader.stdout:
            words = json.loads(line).get("message", "").split()
            if words[:1] == ["clock"]:
                found.append((time.time_ns() - int(words[1])) / 1e6)
            if len(found) == 420:
                break
    finally:
        reader.kill()
        reader.communicate()
    found = sorted(found[20:])  # the first ones waited for the reader
    row(f"line printed → seen in `rw logs -f`, {target}", f"p50 {found[200]:.1f} ms, p99 {found[396]:.1f} ms")


MANY_LINES = 1_000_000
PRINTER = """
import os, threading, time
def tell():
    time.sleep(2)
    for number in range(%d):
        print("line", number)
    print("last line", time.time(), flush=True)
threading.Thread(target=tell, daemon=True).start()
"""


def throughput(rw: Rw, folder: Path, target: str) -> None:
    """An app that prints as fast as it can: how fast its lines are kept, and read back."""
    (folder / "app.py").write_text(PRINTER % MANY_LINES + (APPS / "flask" / "app.py").read_text())
    began = time.time() + 2
    rw.up(folder)
    while "last line" not in (last := rw.ok("logs", "-n", "3", cwd=folder)):
        time.sleep(0.2)
    took = time.time() - began
    assert last
    row(f"{MANY_LINES:,} lines printed at once, until all are kept, {target}", f"{took:.0f} s, {MANY_LINES / took:,.0f} lines/s")
    row(
        f"`rw logs -n 100` of {MANY_LINES:,} kept lines, {target}",
        f"{median(lambda: rw.ok('logs', '-n', '100', cwd=folder)) * 1000:.0f} ms",
    )


def five(rw: Rw, folder: Path) -> None:
    """Five services, so that what follows is measured with them."""
    (folder / "app.py").write_text((APPS / "flask" / "app.py").read_text())
    workers = "".join(f"worker{number}: sleep 100000\n" for number in range(4))
    (folder / "Procfile").write_text(f"web: gunicorn app:app --bind $HOST:$PORT\n{workers}")
    rw.up(folder)


SETTLED_SECONDS = 15


def idle(rw: Rw, target: str, when: str) -> None:
    time.sleep(SETTLED_SECONDS)  # what follows a deployment (draining, sweeping) is over then
    daemon = psutil.Process(rw.pid())
    daemon.cpu_percent()
    time.sleep(20)
    row(
        f"daemon, idle with five services, {target}, {when}",
        f"{daemon.memory_info().rss / 1e6:.0f} MB, {daemon.cpu_percent():.1f} % of a core",
    )
    held = [
        one
        for one in psutil.process_iter(["cmdline"])
        if any("shim.py" in word for word in one.info["cmdline"] or ()) and str(rw.home) in " ".join(one.info["cmdline"])
    ]
    if held:
        row("a shim", f"{max(one.memory_info().rss for one in held) / 1e6:.1f} MB")
    edge = [one for one in psutil.process_iter(["cmdline"]) if str(rw.home / "edge") in " ".join(one.info["cmdline"] or ())]
    if edge:
        row("Envoy", f"{edge[0].memory_info().rss / 1e6:.0f} MB")


WATCHED_FILES = 49_000


def watching(rw: Rw, folder: Path) -> None:
    """``rw up --watch``: from a save to an answer of the new version, and what watching many files costs when nothing happens."""
    many = folder / "many"
    for number in range(WATCHED_FILES):
        (place := many / str(number // 500)).mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_text(str(number))
    url = rw.up(folder)["services"][0]["url"]
    time.sleep(2.1)
    watcher = subprocess.Popen(
        [sys.executable, "-m", "rw_cli", "up", "--watch", "--keep"], cwd=folder, env=rw.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(8)
        process = psutil.Process(watcher.pid)
        process.cpu_percent()
        time.sleep(10)
        row(f"`rw up --watch`, {WATCHED_FILES:,} files, idle", f"{process.cpu_percent():.1f} % of a core")
        shutil.rmtree(many)
        time.sleep(8)
        row("`rw up --watch`, one line of Flask saved → answered", f"{median(lambda: saved(folder, url)):.2f} s")
    finally:
        watcher.terminate()
        watcher.wait()


def saved(folder: Path, url: str) -> None:
    word = f"watched {time.monotonic_ns()}"
    (folder / "app.py").write_text((APPS / "flask" / "app.py").read_text().replace("hello from flask", word))
    while word not in ask(url).text:
        time.sleep(0.005)


def going_back(target: str) -> None:
    """``rw deployments rollback`` while the old release is warm: from the command's start to the first answer of the other version."""
    rw = make_rw(RW_TARGET=target, RW_EDGE_PORT=str(free_port()))
    try:
        with tempfile.TemporaryDirectory(prefix="rw-bench-") as parent:
            folder = Path(shutil.copytree(APPS / "flask", Path(parent) / "flask", ignore=shutil.ignore_patterns("expect.toml")))
            (folder / "railway.toml").write_text("[deploy]\noverlapSeconds = 600\n")
            once = changed(rw, folder)
            once()
            once()
            url, version = rw.json("status", cwd=folder)["services"][0]["url"], 3

            def back() -> None:
                nonlocal version
                before, version = ask(url).text, 2 if version == 3 else 3
                command = subprocess.Popen(
                    [sys.executable, "-m", "rw_cli", "deployments", "rollback", f"v{version}"], cwd=folder, env=rw.environ,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
                while ask(url).text == before:
                    time.sleep(0.002)
                seen.append(time.monotonic())
                command.wait()

            took = []
            for _ in range(ROUNDS):
                seen: list[float] = []
                began = time.monotonic()
                back()
                took.append(seen[0] - began)
            row(f"rollback to a warm release, first answer, {target}", f"{statistics.median(took) * 1000:.0f} ms")
    finally:
        end(rw)


def sizes(rw: Rw, folder: Path) -> None:
    def bytes_of(image: str) -> int:
        return int(
            subprocess.run(["docker", "image", "inspect", "-f", "{{.Size}}", image], check=True, capture_output=True, text=True).stdout
        )

    for app, base in (("flask", "python:3.13-slim"), ("static-site", "caddy:2-alpine"), ("next-standalone", "node:22-slim")):
        copy = Path(shutil.copytree(APPS / app, folder.parent / f"size-{app}", ignore=shutil.ignore_patterns("expect.toml")))
        made = rw.up(copy)["services"][0]["image"]
        row(f"image of {app}: added to its base", f"{(bytes_of(made) - bytes_of(base)) / 1e6:.2f} MB")


def measure(target: str) -> None:
    going_back(target)
    rw = make_rw(RW_TARGET=target, RW_WARM_SECONDS="0", RW_EDGE_PORT=str(free_port()))
    try:
        with tempfile.TemporaryDirectory(prefix="rw-bench-") as parent:
            folder = Path(shutil.copytree(APPS / "flask", Path(parent) / "flask", ignore=shutil.ignore_patterns("expect.toml")))
            five(rw, folder)
            idle(rw, target, "fresh")
            (folder / "Procfile").unlink()
            rw.up(folder)
            if target == "process":
                commands(rw, folder)
            unchanged(rw, folder, target)
            once = changed(rw, folder)
            if target == "docker":
                with by_hand(rw, folder) as other_once:
                    took, other = medians(once, other_once, rounds=3 * ROUNDS)
                row(
                    "one line of Flask changed, docker",
                    f"{took:.2f} s; by hand (build, run, first answer) {other:.2f} s: × {took / other:.2f}",
                )
                if Compose.is_there():
                    for recipe, words in (("", "rw's recipe"), (BY_HAND, "a recipe whose process 1 does not heed SIGTERM")):
                        compose = Compose(rw, folder, dockerfile=recipe)
                        other = compose.changed()
                        compose.down()
                        row(f"the same with `docker compose up -d --build`, {words}", f"{other:.2f} s: × {other / took:.1f}")
                sizes(rw, folder)
            else:
                row("one line of Flask changed, processes", f"{median(once):.2f} s")
            under_load(rw, folder, target)
            watching(rw, folder)
            latency(rw, folder, target)
            five(rw, folder)
            idle(rw, target, "after all of the above")
            throughput(rw, folder, target)
    finally:
        end(rw)


if __name__ == "__main__":
    print("| what | here |\n|---|---|")
    measure("process")
    if has_engine():
        measure("docker")
