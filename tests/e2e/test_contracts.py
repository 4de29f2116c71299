"""What scripts rely on: the shape of each command's --json, and each exit code provoked for real.

``contracts.json`` holds the shapes: keys and kinds of values. A change there is a decision; ``RW_PIN=1 pytest`` writes it anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Rw, living
from pins import pinned

from rw_cli.main import COMMANDS

PINNED = Path(__file__).with_name("contracts.json")
MAPS = {"origins", "attrs", "details", "values", "tools", "environment", "files", "scale", "kinds"}
"""Keys whose value has names of the user's, or of one kind of error, as its own keys."""
SERVER = (
    "import http.server, os\n"
    "if __name__ == '__main__':\n"
    "    http.server.test(http.server.SimpleHTTPRequestHandler, port=int(os.environ['PORT']), bind='0.0.0.0')\n"
)
NOT_RUN = {
    "run": "prints what its command prints", "shell": "is for people", "exec": "prints what its command prints",
    "connect": "goes on until Ctrl-C: test_entering.py", "open": "with the others below",
}  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> Iterator[Rw]:
    yield from living(RW_TARGET="process", RW_WARM_SECONDS="120", RW_HEALTHY_SECONDS="8")  # warm for sure: going back is then one row


@pytest.fixture(scope="module")
def folder(plain: Rw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("contracts") / "shop"
    made.mkdir()
    (made / "main.py").write_text(SERVER)
    (made / "requirements.txt").write_text("idna\n")
    (made / "railway.toml").write_text('[project]\nname = "shop"\n[deploy]\nnumReplicas = 1\nunknownKey = 1\n[variables]\nA = "b"\n')
    return made


def shape(value: Any, key: str = "") -> Any:
    """Return the kinds of a value: a table's keys with theirs, a list's items as one."""
    if isinstance(value, dict):
        return "map" if key in MAPS else {name: shape(one, name) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [merged([shape(one, key) for one in value])] if value else []
    kinds = {str: "text", bool: "truth", int: "number", float: "number", type(None): "nothing"}
    return kinds[type(value)]


def merged(shapes: list[Any]) -> Any:
    """Return what fits all of several shapes: tables have the keys of all, other kinds stand side by side."""
    if all(isinstance(one, dict) for one in shapes):
        names = sorted({name for one in shapes for name in one})
        return {name: merged([one[name] for one in shapes if name in one]) for name in names}
    if all(isinstance(one, list) for one in shapes):
        items = [item for one in shapes for item in one]
        return [merged(items)] if items else []
    kinds = sorted({json.dumps(one, sort_keys=True) for one in shapes})
    return json.loads(kinds[0]) if len(kinds) == 1 else "|".join(one.strip('"') for one in kinds)


def rows(rw: Rw, *arguments: str, cwd: Path) -> tuple[int, list[dict[str, Any]]]:
    done = rw.run(*arguments, cwd=cwd, RW_OUTPUT="json")
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def shapes_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shape of each kind of row; events by their name are one kind."""
    kinds: dict[str, list[Any]] = {}
    for row in found:
        kinds.setdefault(str(row.get("type", "object")), []).append(shape(row))
    return {kind: merged(some) for kind, some in sorted(kinds.items())}


@pytest.fixture(scope="module")
def said(plain: Rw, folder: Path) -> dict[str, dict[str, Any]]:
    """Run every command once and return the shapes of what it prints."""
    (empty := folder.parent / "empty").mkdir()
    (new := folder.parent / "new").mkdir()
    bundle = str(folder.parent / "bundle.tar.gz")
    script: list[tuple[str, tuple[str, ...], Path]] = [
        ("daemon start", (), folder), ("daemon status", (), folder), ("daemon logs", (), folder), ("version", (), folder),
        ("doctor", (), folder), ("init", ("--template", "static"), new), ("plan", (), folder), ("plan", ("--dockerfile",), folder),
        ("config validate", (), folder), ("config show", (), folder), ("config explain", (), folder), ("config schema", (), folder),
        ("up", (), folder), ("up", (), folder), ("up", ("--dry-run",), folder), ("up", ("-d", "--no-cache"), folder),
        ("deploy", (), folder), ("status", (), folder), ("logs", ("-n", "5"), folder), ("logs", ("--build",), folder),
        ("plan", ("--sizes",), folder), ("sbom", (), folder),
        ("open", ("--print",), folder), ("restart", (), folder), ("scale", ("web=2",), folder), ("sleep", (), folder),
        ("wake", (), folder), ("deployments list", (), folder),
        ("deployments show", ("v1",), folder), ("deployments redeploy", (), folder), ("deployments rollback", (), folder), ("rollout status", (), folder),
        ("prove", ("--yes", "--skip", "redeploy", "--skip", "replica"), folder),
        ("deployments rollback", ("--dry-run",), folder), ("why", (), folder),
        ("completion words", ("--", "sta"), folder), ("completion show", ("bash",), folder), ("feedback", ("-o", bundle), folder),
        ("down", ("--yes",), folder), ("up", (), empty), ("logs", ("-q", "("), folder), ("status", ("--project", "nowhere"), folder),
    ]  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    for command, flags, place in script:
        name = " ".join([command, *(one for one in flags if one.startswith("-") and one not in {"--", "--yes", "-o", "-n"})])
        marked = f"{name} (refused)" if place is empty or "(" in flags or "nowhere" in flags else name
        printed = rows(plain, *command.split(), *flags, cwd=place)[1]
        assert printed, command
        before = found.get(marked, {})
        now = shapes_of(printed)
        found[marked] = {kind: merged([one[kind] for one in (before, now) if kind in one]) for kind in sorted({*before, *now})}
        shutil.rmtree(new / ".git", ignore_errors=True)
    return found


def test_every_command_prints_what_is_pinned(said: dict[str, dict[str, Any]]) -> None:
    kept = json.loads(pinned(PINNED, json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n"))
    assert said.keys() == kept.keys()
    for name in said:
        assert said[name] == kept[name], name


def test_no_command_is_left_out(said: dict[str, dict[str, Any]]) -> None:
    assert {name.split()[0] for name in said} | NOT_RUN.keys() == set(COMMANDS)


def test_first_and_last_row_of_a_stream_name_the_schema(plain: Rw, folder: Path, said: dict[str, Any]) -> None:
    for command in (("up",), ("deploy",), ("restart",), ("logs",), ("down", "--yes")):
        _, printed = rows(plain, *command, cwd=folder)
        assert printed[0]["schema"] == printed[-1]["schema"] == "rw/v1", command
        assert printed[-1]["type"] == "result", command
        assert all(row["type"] in {"log", "step", "event", "gap", "begin", "result"} for row in printed), command


CODES = [
    pytest.param(0, ("version",), {}, id="done"),
    pytest.param(2, ("up", "--no-such-flag"), {}, id="usage"),
    pytest.param(2, ("scale", "web"), {}, id="usage of scale"),
    pytest.param(3, ("up", "crashes"), {}, id="failed"),
    pytest.param(4, ("down",), {}, id="an answer is needed"),
    pytest.param(5, ("logs", "no-such-service"), {}, id="not found"),
    pytest.param(5, ("deployments", "show", "v999"), {}, id="no such deployment"),
    pytest.param(7, ("init",), {}, id="conflict"),
    pytest.param(8, ("up", "--environment", "other", "--target", "docker"), {"DOCKER_HOST": "unix:///nowhere.sock"}, id="no engine"),
    pytest.param(9, ("up", "slow", "--timeout", "0.3"), {}, id="waiting timed out"),
    pytest.param(10, ("up", "broken"), {}, id="configuration"),
]


@pytest.mark.parametrize(("code", "arguments", "environ"), CODES)
def test_exit_codes(plain: Rw, folder: Path, code: int, arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    for name, file, text in (
        ("crashes", "main.py", "if __name__ == '__main__':\n    raise SystemExit(1)\n"),
        ("slow", "main.py", "import time\nif __name__ == '__main__':\n    time.sleep(600)\n"),
        ("broken", "railway.toml", "[deploy\n"),
    ):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / file).write_text(text)
        if file == "main.py":
            (folder / name / "railway.toml").write_text(f'[project]\nname = "{name}"\n')
    words = [str(folder / one) if (folder / one).is_dir() else one for one in arguments]
    done = plain.run(*words, "--json", cwd=folder, **environ)
    assert done.returncode == code, done.stdout[-600:] + done.stderr[-600:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert ("error" in last) == (code != 0)
    text = plain.run(*words, cwd=folder, **environ)
    assert text.returncode == code
    assert code == 0 or text.stderr.strip(), "an error is told on stderr"
    assert "Traceback" not in text.stdout + text.stderr
    for name in ("slow",) if code == 9 else ():
        plain.run("down", "--yes", cwd=folder / name)


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_pipe_is_no_fault(plain: Rw, folder: Path, command: str) -> None:
    arguments = f"{sys.executable} -m rw_cli {command} --help"
    done = subprocess.run(["sh", "-c", f"{arguments} | head -c 1; true"], env=plain.environ, cwd=folder, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"U", b"")


def test_dead_daemon_that_cannot_come_back_is_exit_8_with_a_reason(plain: Rw, folder: Path) -> None:
    blocked = folder.parent / "blocked"
    blocked.mkdir()
    (blocked / "state.db").write_bytes(b"not a database" * 1000)
    done = plain.run("status", "--json", cwd=folder, RW_HOME=str(blocked))
    found = json.loads(done.stdout)["error"]
    assert (done.returncode, found["code"], bool(found["hint"])) == (8, "DATABASE_CORRUPT", True)
