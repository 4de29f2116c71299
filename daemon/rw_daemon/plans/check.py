"""Rules that a finished plan must keep: what would surprise somebody later is said now."""

from __future__ import annotations

import re

from rw_daemon.plans.bases import Image
from rw_daemon.plans.plan import BuildPlan, Notice
from rw_shared.errors import ConfigInvalidError

SECRET_NAME = re.compile(r"(?i)(secret|passw(or)?d|token(?!i[sz])|api_?key|private_?key|credential)")
SECRET_VALUE = re.compile(
    r"gh[opsu]_\w{30}|github_pat_\w{30}|glpat-[\w-]{20}|AKIA[0-9A-Z]{16}|[sr]k_live_\w{16}|xox[abp]-[\w-]{10}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|\w://[^/\s:@$]*:[^/\s@$]+@"
)
"""What the large services give out, keys, and addresses with a password in them. A ``$VARIABLE`` is none."""

BINDS_LOOPBACK = re.compile(
    r"(?<![\w.])(?:127\.0\.0\.1|localhost):\$\{?PORT|--(?:host|bind|address|listen)[=\s](?:127\.0\.0\.1|localhost)\b"
)


def check(plan: BuildPlan) -> tuple[Notice, ...]:
    """Return warnings about a plan.

    :raises ConfigInvalidError: two services share a name, or a value that looks like a secret would stand in the image.
    """
    names = [service.name for service in plan.services]
    for name in names:
        if names.count(name) > 1:
            raise ConfigInvalidError("plan", f"two services are called {name!r}.")
    for name, value in plan.environment.items():
        if SECRET_NAME.search(name) or SECRET_VALUE.search(value):
            raise ConfigInvalidError(
                "plan", f"{name} looks like a secret and would stand in the image.", hint="Make it a variable of the service."
            )
    notices = []
    for base in dict.fromkeys((plan.bases.build, plan.bases.run, *(one.image for one in plan.toolchains))):
        if base and not Image.of(base).is_pinned:
            notices.append(Notice(code="BASE_NOT_PINNED", message=f"The base image {base} has no version.", fix="Ask for a version."))
    for step in plan.steps:
        if any(SECRET_VALUE.search(command) for command in step.commands):
            notices.append(
                Notice(
                    code="SECRET_IN_IMAGE",
                    message=f"A command of the step {step.name} holds what looks like a secret; the image's history keeps it.",
                    fix="Make it a variable of the service and write $NAME.",
                )
            )
    for service in plan.services:
        if BINDS_LOOPBACK.search(service.start):
            notices.append(
                Notice(
                    code="BINDS_LOOPBACK", message=f"{service.name} binds an address that nothing outside reaches.", fix="Bind $HOST:$PORT."
                )
            )
    return tuple(notices)
