"""Commands that only call a script of package.json, and what they come to in the end. Pure."""

from __future__ import annotations

import re

from rw_daemon.detection import overrides, procfile, scripts
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.package_json import Package
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Origin

RUNTIMES = ("node", "bun")
START = "start"
_ALIAS = re.compile(r"(?:npm|pnpm|yarn|bun)(?:\s+run)?\s+([\w:.-]+)")


def command(package: Package, name: str) -> str:
    """Return a script's command; one that only calls another script is that one."""
    script = ""
    for _ in range(5):
        script = package.scripts.get(name, "").strip()
        alias = _ALIAS.fullmatch(script)
        if not alias or alias[1] not in package.scripts or f"pre{name}" in package.scripts:
            break
        name = alias[1]
    return script


def plain(written: str, package: Package, found: str) -> str:
    """Return what a written command runs in the end.

    The manager in front would keep SIGTERM to itself, and only npm is in the image.

    :param found: what was found for the start script, which may be a framework's own server.
    """
    alias = _ALIAS.fullmatch(written.strip())
    if not alias or alias[1] not in package.scripts:
        return written
    if alias[1] == START and found:
        return found
    return written if f"pre{alias[1]}" in package.scripts else scripts.plain(command(package, alias[1]))


def main(request: Request, package: Package, found: str) -> str:
    """Return what runs in the end: the start command that somebody wrote, or the one that was found."""
    said = overrides.start_said(request, procfile.read(request.source))
    return plain(said, package, found) if said else found


def others(request: Request, package: Package, found: str) -> list[str]:
    """Return the written commands that are not the start that was found: what they need is not known.

    ``ConfigInvalidError``: the Procfile cannot be read.
    """
    return [one for said in overrides.written(request) if (one := plain(said, package, found)) != found]


def resolved(plan: BuildPlan, source: Source, found: str) -> BuildPlan:
    """Return the plan of a Node project with the start commands as they are in the end; any other plan as it is."""
    if plan.buildpack not in RUNTIMES:
        return plan
    package, origins, services = Package(source), dict(plan.origins), []
    for index, service in enumerate(plan.services):
        start = plain(service.start, package, found)
        key = START if index == 0 else f"{START}.{service.name}"
        if start != service.start and key in origins:
            place = f"{origins[key].source} ({service.start})"
            origins[key] = Origin.model_validate({"value": start, "from": place, "beat": origins[key].beat})
        services.append(service.model_copy(update={"start": start}))
    return plan.model_copy(update={"services": tuple(services), "origins": origins})
