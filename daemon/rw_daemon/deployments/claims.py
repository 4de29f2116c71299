"""Who may change which services: whoever asked first goes first, and nobody waits for services that he does not touch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Claim:
    """What somebody is about to change.

    :param services: by ``id_of``; nobody else changes them meanwhile.
    :param needs: services that are to be as those who asked earlier leave them; others may change them from then on.
    """

    services: frozenset[str]
    needs: frozenset[str] = frozenset()
    has_begun: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def waits_for(self, other: Claim) -> bool:
        """Return whether ``other`` has to be over first, where it comes first."""
        return bool((self.services | self.needs) & other.services)


class Claims:
    """All that is claimed, in the order in which it was asked for.

    A claim is had as a whole or not at all, and what is at work waits for nobody: so no two ever wait for each other.
    """

    def __init__(self) -> None:
        self._all: list[Claim] = []

    def ask(self, claim: Claim) -> None:
        """Take a place behind those that asked before; it is to be left, whatever happens."""
        self._all.append(claim)

    def leave(self, claim: Claim) -> None:
        """Let the others go on."""
        self._all.remove(claim)
        self._call()

    def free(self, claim: Claim, service: str) -> None:
        """Let the others go on at one service, which is as it is to be."""
        claim.services -= {service}
        self._call()

    def _call(self) -> None:
        for one in self._all:
            one.called.set()

    def before(self, claim: Claim) -> list[Claim]:
        """Return what has to be over before it is a claim's turn: what is at work, and what asked earlier."""
        place = self._all.index(claim)
        return [one for at, one in enumerate(self._all) if one is not claim and (at < place or one.has_begun) and claim.waits_for(one)]

    def is_at_work(self, claim: Claim) -> bool:
        """Return whether somebody changes one of the claim's services at this moment."""
        return any(one.has_begun and claim.waits_for(one) for one in self._all)

    async def begin(self, claim: Claim, *, waits: Callable[[], Awaitable[None]]) -> bool:
        """Return once it is a claim's turn; ``True`` where it had to wait.

        :param waits: awaited only where it has to, and cancelled when that is over: tells so.
        """
        if not self.before(claim):
            claim.has_begun = True
            return False
        telling = asyncio.ensure_future(waits())
        try:
            while self.before(claim):
                claim.called.clear()
                await claim.called.wait()
            claim.has_begun = True  # at once: whoever looks while the telling ends must not come between
        finally:
            telling.cancel()
            await asyncio.wait({telling})
        return True
