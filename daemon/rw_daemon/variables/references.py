"""``${{NAME}}``, ``${{shared.NAME}}`` and ``${{Service.NAME}}`` in the values of variables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rw_shared.errors import ConfigInvalidError

REFERENCE = re.compile(r"\$\{\{\s*(?:([A-Za-z0-9_-]+)\.)?([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def resolve(own: Mapping[str, str], *, services: Mapping[str, Mapping[str, str]], shared: Mapping[str, str]) -> dict[str, str]:
    """Return ``own`` with every reference replaced by what it stands for.

    :param services: variables that other services (and rw itself, for this one) offer, by service.
    :raises ConfigInvalidError: a reference names nothing, or leads back to itself. Values are never quoted.
    """
    return {name: _value(name, value, own, services, shared, ()) for name, value in own.items()}


def _value(
    name: str,
    value: str,
    own: Mapping[str, str],
    services: Mapping[str, Mapping[str, str]],
    shared: Mapping[str, str],
    chain: tuple[str, ...],
) -> str:
    if name in chain:
        raise ConfigInvalidError("variables", f"{' → '.join([*chain, name])} is a circle of references.")

    def replaced(match: re.Match[str]) -> str:
        scope, key = match[1], match[2]
        source = own if scope is None else shared if scope == "shared" else services.get(scope, {})
        found = source.get(key)
        if found is None and scope is None:
            found = next((offered[key] for offered in services.values() if key in offered), None)
        if found is None:
            raise ConfigInvalidError("variables", f"{name} refers to {match[0]}, which is not there.")
        return _value(key, found, own, services, shared, (*chain, name)) if scope in {None, "shared"} else found

    return REFERENCE.sub(replaced, value)
