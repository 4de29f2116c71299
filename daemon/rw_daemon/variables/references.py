"""``${{NAME}}``, ``${{shared.NAME}}`` and ``${{Service.NAME}}`` in the values of variables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rw_shared.errors import ConfigInvalidError

REFERENCE = re.compile(r"\$\{\{\s*(?:([A-Za-z0-9_-]+)\.)?([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
LARGEST_BYTES = 131_071
"""Linux hands a program no longer text (MAX_ARG_STRLEN); references that double each other reach it in 17 lines."""
SHARED = "shared"


def resolve(own: Mapping[str, str], *, services: Mapping[str, Mapping[str, str]], shared: Mapping[str, str]) -> dict[str, str]:
    """Return ``own`` with every reference replaced by what it stands for.

    :param services: variables that other services (and rw itself, for this one) offer, by service.
    :raises ConfigInvalidError: a reference names nothing, leads back to itself, or grows too large. Values are never quoted.
    """
    scopes = {"": own, SHARED: shared}
    return {name: _value("", name, scopes, services, ()) for name in own}


def _value(
    scope: str, name: str, scopes: Mapping[str, Mapping[str, str]], services: Mapping[str, Mapping[str, str]], chain: tuple[str, ...]
) -> str:
    place = f"{scope}.{name}".lstrip(".")
    if place in chain:
        raise ConfigInvalidError("variables", f"{' → '.join([*chain, place])} is a circle of references.")

    def replaced(match: re.Match[str]) -> str:
        asked, key = match[1] or scope, match[2]
        if key in scopes.get(asked, {}):
            return _value(asked, key, scopes, services, (*chain, place))
        offers = [services.get(match[1], {})] if match[1] else list(services.values())
        found = next((offered[key] for offered in offers if key in offered), None)
        if found is None:
            raise ConfigInvalidError("variables", f"{place} refers to {match[0]}, which is not there.")
        return found

    text = REFERENCE.sub(replaced, scopes[scope][name])
    if len(text.encode()) > LARGEST_BYTES:
        raise ConfigInvalidError("variables", f"{place} is longer than {LARGEST_BYTES} bytes once its references are resolved.")
    return text
