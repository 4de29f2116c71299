"""``${{NAME}}``, ``${{shared.NAME}}`` and ``${{Service.NAME}}`` in the values of variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rw_shared.errors import ConfigInvalidError
from rw_shared.railway_toml import SHARED

REFERENCE = re.compile(r"\$\{\{\s*(?:([A-Za-z0-9_-]+)\.)?([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
DEEPEST = 50
"""References to references; a longer chain is a mistake."""
LONGEST = 128 * 1024 - 1
"""Characters of a value: Linux takes no longer text in an environment (MAX_ARG_STRLEN), and a few references can multiply without end."""


def references(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each reference to a service: the variable that it stands in, its text, the service."""
    for name, value in values.items():
        for match in REFERENCE.finditer(value):
            if match[1] not in {None, SHARED}:
                yield name, match[0], match[1]


def services_in(values: Mapping[str, str]) -> set[str]:
    """Return the services that values refer to, whether they are there or not."""
    return {service for _, _, service in references(values)}


def resolve(
    own: Mapping[str, str], *, services: Mapping[str, Mapping[str, str]], shared: Mapping[str, str], of: str = ""
) -> dict[str, str]:
    """Return ``own`` with every reference replaced by what it stands for.

    A bare name is looked for among the service's own variables, then the shared ones, then what services offer; inside a shared value
    among the shared ones first.

    :param services: variables that services (and rw itself) offer, by service; references in them are of that service.
    :param of: the service whose variables they are, for errors.
    :raises ConfigInvalidError: a reference names nothing, or leads back to itself, or the value becomes too long. Values are never quoted.
    """
    resolver = _Resolver({**services, "": own, SHARED: shared}, f"variables of {of}" if of else "variables")
    return {name: resolver.value("", name, ()) for name in own}


Place = tuple[str, str]
"""Scope (empty for the service's own) and name."""


@dataclass
class _Resolver:
    scopes: Mapping[str, Mapping[str, str]]
    where: str
    known: dict[Place, str] = field(default_factory=dict)

    def value(self, scope: str, name: str, chain: tuple[Place, ...]) -> str:
        place = (scope, name)
        if place in self.known:
            return self.known[place]
        if place in chain:
            circle = [*chain[chain.index(place) :], place]
            raise ConfigInvalidError(self.where, f"{' → '.join(_words(one) for one in circle)} is a circle of references.")
        if len(chain) >= DEEPEST:
            raise ConfigInvalidError(self.where, f"{_words(chain[0])} leads through more than {DEEPEST} references.")
        found = REFERENCE.sub(lambda match: self._replaced(match, scope, (*chain, place)), self.scopes[scope][name])
        if len(found) > LONGEST:
            raise ConfigInvalidError(self.where, f"{_words(place)} becomes longer than {LONGEST} characters.")
        return self.known.setdefault(place, found)

    def _replaced(self, match: re.Match[str], within: str, chain: tuple[Place, ...]) -> str:
        scope, name = match[1], match[2]
        near = (within, "", SHARED) if within in {"", SHARED} else (within, SHARED)
        for place in (scope,) if scope is not None else (*near, *self.scopes):
            if name in self.scopes.get(place, {}):
                return self.value(place, name, chain)
        raise ConfigInvalidError(self.where, f"{_words(chain[-1])} refers to {match[0]}, which is not there.")


def _words(place: Place) -> str:
    return f"{place[0]}.{place[1]}" if place[0] else place[1]
