"""The railway.toml of a new project: what was detected stands in it as comments, ready to be changed. Pure."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from typing import Any

from rw_shared.models import slug

HEAD = "# What rw deploys from this folder. `rw config explain` shows every value and where it comes from.\n"


def railway_toml(name: str, plan: dict[str, Any] | None, *, rest: str = "") -> str:
    """Return the text of a railway.toml.

    :param plan: what was detected, as contracts.md section 6 has it; ``None`` for nothing.
    :param rest: further tables, of a starter.
    """
    parts = [HEAD, f"[project]\nname = {json.dumps(name)}\n"]
    if plan is not None:
        parts.append(_detected(plan))
    if rest:
        parts.append(rest.strip() + "\n")
    return "\n".join(parts)


def services_text(folders: Sequence[str]) -> str:
    """Return a table for each app, called after its folder: by its last name, by all of them where two have the same."""
    last = [slug(posixpath.basename(one)) for one in folders]
    names = [name if last.count(name) == 1 else slug(one.replace("/", "-")) for name, one in zip(last, folders, strict=True)]
    return "\n".join(f"[services.{name}]\nsource = {_text(one)}\n" for name, one in zip(names, folders, strict=True))


def _detected(plan: dict[str, Any]) -> str:
    service = plan["services"][0] if plan["services"] else {}
    words = " ".join(part for part in (plan["buildpack"], plan["version"], plan["framework"]) if part)
    build: list[str] = next((step["commands"] for step in plan["steps"] if step["name"] == "build"), [])
    lines = [f"# Detected: {words}. A line without # would say otherwise.", "[build]"]
    lines.append(f"# buildCommand = {_text(' && '.join(build) or 'npm run build')}")
    lines += ["", "[deploy]"]
    if service.get("start"):
        lines.append(f"# startCommand = {_text(service['start'])}")
    for command in service.get("preDeploy", [])[:1]:
        lines.append(f"# preDeployCommand = {_text(command)}")
    lines += [f"# healthcheckPath = {_text(service.get('healthPath') or '/')}", "# numReplicas = 2"]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a TOML string: JSON's escapes are among TOML's; a newline is one of them."""
    return json.dumps(value, ensure_ascii=False)
