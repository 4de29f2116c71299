"""Builds of the example apps: without any cache, after one changed line, and what the image adds to its base."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.apps import at_home, copied
from bench.figures import Figure, Run
from e2e.conftest import APPS, Rw

Row = dict[str, Any]
SHORT = ("flask", "static-site")
COMMENTS = {
    "// a change": (".go", ".rs", ".java", ".cpp", ".ts", ".js", ".jsx", ".tsx", ".php"),
    "# a change": (".py", ".rb", ".ex", ".sh"),
    "<!-- a change -->": (".html", ".md"),
}
NO_SOURCES = {"eleventy.config.js", "next.config.mjs", "setup.py", "manage.py", "__init__.py"}


def builds(run: Run) -> Iterator[Figure]:
    """Each app that can be built here."""
    with at_home(run) as (rw, parent):
        for app in sorted(APPS.iterdir()):
            if _is_built_here(app, run.target) and (app.name in SHORT or not run.is_short):
                yield from _app(run, rw, copied(app, parent.parent / "apps"), app.name)


def _is_built_here(app: Path, target: str) -> bool:
    expected = tomllib.loads((app / "expect.toml").read_text()) if (app / "expect.toml").is_file() else {"targets": ()}
    tools = expected.get("needs", ()) if target == "process" else ()
    return target in expected["targets"] and "fails" not in expected and all(map(shutil.which, tools))


def _app(run: Run, rw: Rw, folder: Path, name: str) -> Iterator[Figure]:
    _, result, rows = rw.result("up", str(folder), "--no-cache")
    if result["status"] != "active":
        yield Figure(f"{name}: cannot be built here", 0, "s", note=result["error"]["message"])
        return
    cold = build_seconds(rows)
    edited = change_a_line(folder)
    again, result, rows = rw.result("up", str(folder))
    assert again == 0, result
    steps = rw.json("plan", str(folder))["steps"]
    installed = installed_again(steps, rows)
    rw.ok("down", "--yes", cwd=folder)
    yield Figure(f"{name}: build without a cache", cold, "s")
    yield Figure(
        f"{name}: build after a changed line of {edited}",
        build_seconds(rows),
        "s",
        note=f"installed again: {', '.join(installed) or 'nothing'}",
    )
    if run.target == "docker" and (base := rw.json("plan", str(folder))["bases"].get("run")):
        service = result["services"][0]
        yield Figure(f"{name}: image, added to {base}", (_bytes_of(service["image"]) - _bytes_of(base)) / 1e6, "MB")


def build_seconds(rows: Sequence[Row]) -> float:
    """Return how long the step ``build`` of an ``rw up`` took."""
    at = [datetime.fromisoformat(row["at"]).timestamp() for row in rows if row["type"] == "step" and row["step"] == "build"]
    return max(at) - min(at)


def installed_again(steps: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    """Return the plan's steps that install and were carried out by a build, instead of being taken from the one before.

    A step is told by its name on the process target, by its commands in the recipe's line on Docker.
    """

    def states(step: Row) -> set[str]:
        said = (row for row in rows if row["type"] == "log" and row.get("source") == "build" and row.get("attrs", {}).get("state"))
        return {row["attrs"]["state"] for row in said if row["step"] == step["name"] or any(one in row["step"] for one in step["commands"])}

    return [step["name"] for step in steps if "install" in step["name"] and "done" in (found := states(step)) and "cached" not in found]


def change_a_line(folder: Path) -> str:
    """Add a comment to the first source file of an app, and return its path."""
    for comment, suffixes in COMMENTS.items():
        for path in sorted(folder.rglob("*")):
            if path.suffix in suffixes and path.name not in NO_SOURCES:
                path.write_text(f"{path.read_text().rstrip()}\n{comment}\n")
                return path.relative_to(folder).as_posix()
    raise AssertionError(f"no source in {folder}")


def _bytes_of(image: str) -> int:
    shown = subprocess.run(["docker", "image", "inspect", "-f", "{{.Size}}", image], check=True, capture_output=True, text=True)
    return int(shown.stdout)
