"""``${{NAME}}``, ``${{shared.NAME}}`` and ``${{Service.NAME}}`` in the values of variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rw_shared.errors import ConfigInvalidError

REFERENCE = re.compile(r"\$\{\{\s*(?:([A-Za-z0-9_-]+)\.)?([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
SHARED = "shared"
DEEPEST = 50
"""References to references; a longer chain is a mistake."""
LONGEST = 128 * 1024 - 1
"""Characters of a value: Linux takes no longer text in an environment (MAX_ARG_STRLEN), and a few references can multiply without end."""


def resolve(own: Mapping[str, str], *, services: Mapping[str, Mapping[str, str]], shared: Mapping[str, str]) -> dict[str, str]:
    """Return ``own`` with every reference replaced by what it stands for.

    A bare name is looked for among the service's own variables, then the shared ones, then what services offer; inside a shared value
    among the shared ones first.

    :param services: variables that other services (and rw itself, for this one) offer, by service; they are taken as they are.
    :raises ConfigInvalidError: a reference names nothing, or leads back to itself, or the value becomes too long. Values are never quoted.
    """
    resolver = _Resolver({"": own, SHARED: shared}, services)
    return {name: resolver.value("", name, ()) for name in own}


Place = tuple[str, str]
"""Scope (empty for the service's own) and name."""


@dataclass
class _Resolver:
    scopes: Mapping[str, Mapping[str, str]]
    services: Mapping[str, Mapping[str, str]]
    known: dict[Place, str] = field(default_factory=dict)

    def value(self, scope: str, name: str, chain: tuple[Place, ...]) -> str:
        place = (scope, name)
        if place in self.known:
            return self.known[place]
        if place in chain:
            circle = [*chain[chain.index(place) :], place]
            raise ConfigInvalidError("variables", f"{' → '.join(_words(one) for one in circle)} is a circle of references.")
        if len(chain) >= DEEPEST:
            raise ConfigInvalidError("variables", f"{_words(chain[0])} leads through more than {DEEPEST} references.")
        found = REFERENCE.sub(lambda match: self._replaced(match, scope, (*chain, place)), self.scopes[scope][name])
        if len(found) > LONGEST:
            raise ConfigInvalidError("variables", f"{_words(place)} becomes longer than {LONGEST} characters.")
        return self.known.setdefault(place, found)

    def _replaced(self, match: re.Match[str], within: str, chain: tuple[Place, ...]) -> str:
        scope, name = match[1], match[2]
        if scope is None:
            for own in dict.fromkeys((within, "", SHARED)):
                if name in self.scopes[own]:
                    return self.value(own, name, chain)
            offered = (offers[name] for offers in self.services.values() if name in offers)
        elif scope == SHARED and name in self.scopes[SHARED]:
            return self.value(SHARED, name, chain)
        else:
            offered = (offers[name] for offers in (self.services.get(scope, {}),) if name in offers)
        found = next(offered, None)
        if found is None:
            raise ConfigInvalidError("variables", f"{_words(chain[-1])} refers to {match[0]}, which is not there.")
        return found


def _words(place: Place) -> str:
    return f"{SHARED}.{place[1]}" if place[0] else place[1]
