"""Every example app is brought up for real and asked over HTTP through the edge."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from e2e.conftest import APPS, Rw, ask
from websockets.sync.client import connect

from rw_cli.client import Client
from rw_shared.paths import Home

LOG_SECONDS = 20.0
KEYS = {"buildpack", "targets", "services", "path", "status", "contains", "also", "logs", "lines", "websocket", "fails", "needs"}
EXPECTED = {folder.name: tomllib.loads((folder / "expect.toml").read_text()) for folder in sorted(APPS.iterdir()) if folder.is_dir()}


@pytest.mark.parametrize("name", EXPECTED)
def test_expectations_hold_known_keys_only(name: str) -> None:
    assert set(EXPECTED[name]) <= KEYS
    assert set(EXPECTED[name]["targets"]) <= {"docker", "process"}


@pytest.mark.full
@pytest.mark.parametrize("name", EXPECTED)
def test_app_runs_as_expected(name: str, rw: Rw, target: str, app: Any) -> None:
    expected = EXPECTED[name]
    if target not in expected["targets"]:
        pytest.skip(f"not meant for {target}")
    missing = [tool for tool in expected.get("needs", ()) if target == "process" and not shutil.which(tool)]
    if missing:
        pytest.skip(f"not on this machine: {missing}")
    folder = app(name)
    assert rw.json("plan", str(folder))["buildpack"] == expected["buildpack"]
    try:
        if "fails" in expected:
            check_failure(rw, folder, expected["fails"])
        else:
            check_answers(rw, folder, expected)
    finally:
        rw.run("down", "--yes", "--project", name, cwd=folder)


def check_failure(rw: Rw, folder: Path, fails: dict[str, str]) -> None:
    code, result, _ = rw.result("up", str(folder))
    assert code == 3
    assert result["error"]["code"] == fails["code"], result
    words = json.dumps(result["error"])
    for key in ("why", "hint"):
        assert fails.get(key, "") in words


def check_answers(rw: Rw, folder: Path, expected: dict[str, Any]) -> None:
    result = rw.up(folder)
    assert [service["name"] for service in result["services"]] == expected.get("services", ["web"])
    if "contains" in expected or "status" in expected:
        url = result["services"][0]["url"]
        for page in [expected, *expected.get("also", ())]:
            answer = ask(url + page.get("path", "/"))
            assert (answer.status, page.get("contains", "") in answer.text) == (page.get("status", 200), True), answer
        if "websocket" in expected:
            edge = socket.create_connection(("127.0.0.1", urlsplit(url).port))
            with connect(url.replace("http", "ws"), sock=edge) as stream:
                stream.send(expected["websocket"])
                assert stream.recv(timeout=10) == expected["websocket"]
    for text in expected.get("logs", ()):
        deadline = time.monotonic() + LOG_SECONDS  # a worker is proven by its life, whatever it says or when
        while text not in (said := rw.ok("logs", "-n", "1000", cwd=folder)):
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
    if "lines" in expected:
        printed = [row["message"] for row in pages(rw, folder.name) if row["message"].startswith("line ")]
        assert printed == [f"line {number}" for number in range(expected["lines"])]


def pages(rw: Rw, project: str) -> Iterator[dict[str, Any]]:
    """Yield all kept lines of a project's web service, page by page, as a script would."""
    client, cursor = Client(str(Home.of(rw.environ, uid=os.geteuid()).socket), ensure=lambda: None), 0
    while rows := client.call(
        "GET", "/v1/logs", query={"project": project, "service": "web", "source": "deploy", "after": cursor, "n": 50_000}
    )["items"]:
        yield from rows
        cursor = rows[-1]["cursor"]
