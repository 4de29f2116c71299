"""Which files changed, and what that means for the build. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
NAMED = 3
SETTINGS = ("railway.toml", "railway.json", "Procfile")
_MIGRATION = re.compile(r"(^|/)(migrations?|migrate|alembic/versions|drizzle)/[^/]+\.(py|sql|rb|js|ts)$|(^|/)prisma/migrations/")
MARKS = {"added": "+", "modified": "~", "removed": "−"}


def changed_text(changes: Sequence[Json]) -> str:
    """Return ``~ app.py, + new.py and 12 more``."""
    named = ", ".join(f"{MARKS[one['kind']]} {one['path']}" for one in changes[:NAMED])
    return named + (f" and {len(changes) - NAMED} more" if len(changes) > NAMED else "")


def action(changes: Sequence[Json], plan: Json) -> tuple[str, str]:
    """Return what is done about changes and why: ``build`` with the first step that runs again, or ``release``.

    :param plan: as contracts.md section 6 has it.
    """
    paths = [one["path"] for one in changes]
    if settings := next((path for path in paths if path in SETTINGS), ""):
        return "build", f"{settings} says how it is built and run"
    if plan.get("dockerfile"):
        return "build", f"{plan['dockerfile']} decides what of it is built again"
    for step in plan.get("steps", ()):
        path = next((path for path in paths if _reads(step, path)), "")
        if path and step["commands"]:
            return "build", f"step {step['name']} reads {'all sources' if '.' in step['inputs'] else path}"
    return "release", "no step of the build reads it: what is installed stays"


def migrating(changes: Sequence[Json], plan: Json) -> str:
    """Return what becomes of a migration among the changes, as a sentence; empty where there is none.

    A pre-deploy command runs before every release, so a migration needs no rule of its own, only somebody who says whether one does.
    """
    path = next((one["path"] for one in changes if one["kind"] != "removed" and _MIGRATION.search(one["path"])), "")
    if not path:
        return ""
    commands = [command for service in plan.get("services", ()) for command in service["preDeploy"]]
    if commands:
        return f"{path} is a migration: `{commands[0]}` runs before the release gets a request."
    return f"{path} is a migration, and nothing runs it: set deploy.preDeployCommand in railway.toml."


def _reads(step: Json, path: str) -> bool:
    return any(given == "." or path == given or path.startswith(f"{given}/") for given in step["inputs"])
