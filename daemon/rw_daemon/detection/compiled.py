"""Plans whose outcome is one program on a slim image. Pure."""

from __future__ import annotations

import re
import shlex

from rw_daemon.detection.kept_files import kept_files
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, Origin, ServicePlan

RUN_BASE = "debian:trixie-slim"
OUTPUT = "out"
_NAME = re.compile(r"[\w.+-]+")


def program(name: object) -> str:
    """Return a program's name when it can be one; empty otherwise: it comes from a manifest and goes into commands."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) and not name.startswith((".", "-")) else ""


def started(
    plan: BuildPlan, source: Source, path: str, *, place: str, code: tuple[str, ...], left_out: str, arguments: str = ""
) -> BuildPlan:
    """Return a plan that builds a program into ``path`` with its start, and with what the running image holds: no code.

    Without a path nothing is known of the program: everything is kept, for a start command of the user's own.

    :param place: what names the program.
    :param code: endings of source files.
    :param left_out: pattern of paths that the program never reads.
    """
    if not path:
        return plan.model_copy(update={"services": (ServicePlan(name="web"),)})
    start = f"./{shlex.quote(path)} {arguments}".strip()
    return plan.model_copy(
        update={
            "services": (ServicePlan(name="web", start=start),),
            "keep": (path, *kept_files(source, code=code, left_out=left_out)),
            "origins": {**plan.origins, "start": Origin.model_validate({"value": start, "from": place})},
        }
    )
