"""A plan as text."""

from __future__ import annotations

from typing import Any

from rw_cli.render.text import clean


def plan_text(plan: dict[str, Any]) -> str:
    """Return what would be built, each value with its origin and what it beat."""
    lines = [f"buildpack  {plan.get('buildpack', '')} {plan.get('version') or ''}".rstrip()]
    lines += [
        f"{label.ljust(9)}  {plan[key]}" for label, key in (("packages", "packageManager"), ("framework", "framework")) if plan.get(key)
    ]
    lines += [f"step       {step['name']}: {' && '.join(step['commands'])}" for step in plan.get("steps", ())]
    lines += [f"service    {one['name']} ({one['kind']}): {one.get('start') or ''}" for one in plan.get("services", ())]
    for name, origin in (plan.get("origins") or {}).items():
        beat = "".join(f"; ignored {lost['from']} {lost['value']}" for lost in origin.get("beat", ()))
        lines.append(f"  {name} {origin['value']} ← {origin['from']}{beat}")
    lines += [f"warning: {one['message']} {one.get('fix', '')}".rstrip() for one in plan.get("warnings", ())]
    return clean("\n".join(lines))
