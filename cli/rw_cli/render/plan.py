"""A plan as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rw_cli.render.text import clean, size, table


def plan_text(plan: dict[str, Any], *, width: int = 0) -> str:
    """Return what would be built and run, then each value with its origin and what it beat.

    :param width: as ``table`` takes it.
    """
    named = (f"{plan.get('buildpack', '')} {plan.get('version') or ''}".strip(), plan.get("packageManager"), plan.get("framework"))
    blocks = [" · ".join(one for one in named if one)]
    tables = (
        (("APP", "KIND", "SCORE", "WHY"), [_app(one) for one in plan.get("apps", ())]),
        (("STEP", "COMMANDS"), [(one["name"], " && ".join(one["commands"]) or "(copies the files)") for one in plan.get("steps", ())]),
        (("SERVICE", "KIND", "START"), [(one["name"], one["kind"], one.get("start") or "") for one in plan.get("services", ())]),
        (("VALUE", "IS", "FROM"), [_origin(name, one) for name, one in (plan.get("origins") or {}).items()]),
    )
    blocks += [table(heads, rows, width=width) for heads, rows in tables if rows]
    blocks += [f"warning: {one['message']} {one.get('fix', '')}".rstrip() for one in plan.get("warnings", ())]
    return clean("\n\n".join(blocks))


def plans_text(plans: Sequence[dict[str, Any]], *, width: int = 0) -> str:
    """Return the plans of a folder, each under its service's name where there are several."""
    if len(plans) == 1:
        return plan_text(plans[0], width=width)
    return "\n\n\n".join(f"{plan['entry']} ({plan['app'] or '.'}): {plan_text(plan, width=width)}" for plan in plans)


def why_text(key: str, origin: dict[str, Any]) -> str:
    """Return one value, where it comes from, and what lost against it, the nearest first."""
    lost = [f"  it beat {one['value']}, from {one['from']}" for one in origin.get("beat", ())]
    return clean("\n".join([f"{key}: {origin['value']}", f"  from {origin['from']}", *lost]))


def sizes_text(sizes: dict[str, Any], *, is_current: bool, width: int = 0) -> str:
    """Return where the bytes of a build are: the base in one row, then what came on top.

    :param is_current: it was built by the plan as it is now. :param width: as ``table`` takes it.
    """
    rows = [(size(one["sizeBytes"]), one["what"]) for one in sizes["parts"] if not one["isBase"]]
    if sizes["base"]:
        rows.insert(0, (size(sizes["baseBytes"]), f"FROM {sizes['base']}"))
    head = f"{sizes['service']} v{sizes['version']}: {size(sizes['sizeBytes'])}"
    if sizes["base"]:
        head += f", {size(sizes['addedBytes'])} more than its base"
    later = "" if is_current else "The plan is another one by now: `rw up` builds it."
    return clean("\n\n".join(block for block in (head, table(("SIZE", "WHAT"), rows, width=width), later) if block))


def _app(one: dict[str, Any]) -> tuple[str, ...]:
    return one["path"], f"{one['buildpack']} {one['framework']}".strip(), str(one["score"]), one["why"]


def _origin(name: str, origin: dict[str, Any]) -> tuple[str, str, str]:
    beat = "".join(f"; ignored {lost['from']}: {lost['value']}" for lost in origin.get("beat", ()))
    return name, str(origin["value"]), f"{origin['from']}{beat}"
