"""Rules that a finished plan must keep: what would surprise somebody later is said now."""

from __future__ import annotations

import re

from rw_daemon.plans.plan import BuildPlan, Notice
from rw_shared.errors import ConfigInvalidError

SECRET_NAME = re.compile(r"(?i)(secret|passw(or)?d|token|api_?key|credential)")

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
    for name in plan.environment:
        if SECRET_NAME.search(name):
            raise ConfigInvalidError(
                "plan", f"{name} looks like a secret and would stand in the image.", hint="Make it a variable of the service."
            )
    notices = []
    for base in dict.fromkeys((plan.bases.build, plan.bases.run, *(one.image for one in plan.toolchains))):
        if base and (":" not in base or base.endswith(":latest")):
            notices.append(Notice(code="BASE_NOT_PINNED", message=f"The base image {base} has no version.", fix="Ask for a version."))
    for service in plan.services:
        if BINDS_LOOPBACK.search(service.start):
            notices.append(
                Notice(
                    code="BINDS_LOOPBACK", message=f"{service.name} binds an address that nothing outside reaches.", fix="Bind $HOST:$PORT."
                )
            )
    return tuple(notices)
