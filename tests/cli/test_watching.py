"""What a watcher makes of what the system tells it, and how changes are explained. No clock of the wall, no file system."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from rw_cli.context.watching import LEAST_POLL_SECONDS, Watcher
from rw_cli.render.changes import action, changed_text, migrating

ROOT = Path("/project")
PLAN = {
    "dockerfile": "",
    "steps": [
        {"name": "install", "commands": ["uv sync"], "inputs": ["uv.lock", "packages"]},
        {"name": "sources", "commands": [], "inputs": ["."]},
    ],
}


class System:
    """The system's notices: ``burst`` is one; ``error`` is raised when somebody wants to watch."""

    def __init__(self, error: OSError | None = None) -> None:
        self.watched: list[list[str]] = []
        self.error = error
        self._bursts = SimpleQueue[object]()

    def __call__(self, folders: Sequence[Path], stopped: threading.Event) -> Iterator[object]:
        if self.error:
            raise self.error
        self.watched.append([str(folder.relative_to(ROOT)) for folder in folders])
        return iter(self._bursts.get, None)  # type: ignore[arg-type]

    def burst(self) -> None:
        self._bursts.put("something")

    def end(self) -> None:
        self._bursts.put(None)


def until(condition: Any, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
    return False


def watcher(system: System, said: list[str] | None = None, now: list[float] | None = None) -> Watcher:
    clock = now or [0.0]
    return Watcher(ROOT, say=(said if said is not None else []).append, notices=system, now=lambda: clock[0])


def test_a_burst_is_seen_once() -> None:
    system = System()
    made = watcher(system)
    made.over(["", "src"], took_seconds=0.01)
    assert made.changed(), "one look more, for what happened before it was watched"
    assert not made.changed()
    assert until(lambda: system.watched)
    system.burst()
    assert until(made.changed)
    assert not made.changed()
    system.end()


def test_only_other_folders_are_watched_anew() -> None:
    system = System()
    made = watcher(system)
    made.over(["", "src"], took_seconds=0.01)
    made.over(["src", ""], took_seconds=0.01)
    made.over(["", "src", "src/new"], took_seconds=0.01)
    assert system.watched == [[".", "src"], [".", "src", "src/new"]]
    system.end()
    system.end()


def test_where_the_system_cannot_watch_looks_are_spaced_by_what_they_cost() -> None:
    said: list[str] = []
    now = [100.0]
    made = watcher(System(OSError("limit reached")), said, now)
    made.over(["", "src"], took_seconds=0.1)
    assert len(said) == 1
    assert "2 folders" in said[0]
    made.changed()
    made.over(["", "src"], took_seconds=0.1)
    for after, expected in ((4.9, False), (5.1, True)):  # 0.1 s is 2 % of 5 s
        now[0] = 100.0 + after
        assert made.changed() is expected
    made.over(["", "src"], took_seconds=0.0)
    now[0] += LEAST_POLL_SECONDS - 0.01
    assert not made.changed()
    assert len(said) == 1


def test_a_folder_that_is_gone_is_no_limit() -> None:
    said: list[str] = []
    system = System(FileNotFoundError("src"))
    made = watcher(system, said)
    made.over(["", "src"], took_seconds=0.1)
    assert until(made.changed)
    system.error = None
    made.over(["", "src"], took_seconds=0.1)
    assert (system.watched, said) == ([[".", "src"]], [])
    system.end()


def change(path: str, kind: str = "modified") -> dict[str, str]:
    return {"path": path, "kind": kind}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["app.py"], ("release", "no step of the build reads it: what is installed stays")),
        (["app.py", "uv.lock"], ("build", "step install reads uv.lock")),
        (["packages/one/x.py"], ("build", "step install reads packages/one/x.py")),
        (["packages.txt"], ("release", "no step of the build reads it: what is installed stays")),
        (["app.py", "railway.toml"], ("build", "railway.toml says how it is built and run")),
    ],
)
def test_why_something_is_done(paths: list[str], expected: tuple[str, str]) -> None:
    assert action([change(path) for path in paths], PLAN) == expected


def test_a_dockerfile_of_the_users_decides() -> None:
    assert action([change("x")], {"dockerfile": "Dockerfile", "steps": []})[0] == "build"


def test_many_changes_are_counted() -> None:
    changes = [change("a", "added"), change("b"), change("c", "removed"), change("d"), change("e")]
    assert changed_text(changes) == "+ a, ~ b, − c and 2 more"


@pytest.mark.parametrize(
    ("path", "kind", "commands", "words"),
    [
        pytest.param(
            "shop/migrations/0002_a.py", "added", ["manage migrate"], "`manage migrate` runs before", id="Django's, with a command"
        ),
        pytest.param("alembic/versions/a.py", "modified", [], "preDeployCommand", id="Alembic's, and nothing runs it"),
        pytest.param("db/migrate/1_a.rb", "added", [], "preDeployCommand", id="Rails's"),
        pytest.param("shop/migrations/0002_a.py", "removed", [], "", id="one that is gone is nothing to run"),
        pytest.param("immigrations/a.py", "added", [], "", id="another word"),
    ],
)
def test_a_migration_is_said_to_run_or_not(path: str, kind: str, commands: list[str], words: str) -> None:
    said = migrating([{"path": "x.py", "kind": "modified"}, {"path": path, "kind": kind}], {"services": [{"preDeploy": commands}]})
    assert (words in said) if words else not said
