"""What runs an environment: chosen once, remembered, never silently another one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from rw_daemon.builds.builder import Builder
from rw_daemon.runtimes.runtime import Runtime
from rw_shared.errors import ConflictError, TargetUnknownError, UnreachableError
from rw_shared.models import TargetKind

AWAY_LOOK_SECONDS = 1.0
"""Between two looks whether a target that was away is back."""


async def nothing(_: Mapping[str, str]) -> None:
    """Accept every environment."""


@dataclass(frozen=True)
class Target:
    """A runtime and the builder that makes its artifacts."""

    kind: TargetKind
    runtime: Runtime
    builder: Builder
    check: Callable[[Mapping[str, str]], Awaitable[None]] = nothing
    """Raises ``UnreachableError`` when a caller's environment names something else than this (another engine)."""


Opener = Callable[[Mapping[str, str]], Awaitable[Target]]
"""Makes a target for a caller's environment; raises ``UnreachableError`` when what it needs does not answer."""


class Targets:
    """The targets of this machine, the preferred first; made when first needed, several live side by side."""

    def __init__(self, openers: Mapping[TargetKind, Opener], *, opened: Callable[[Target], None]) -> None:
        """``opened`` is told of each target when it is there."""
        self._openers, self._opened = dict(openers), opened
        self._opening = defaultdict[TargetKind, asyncio.Lock](asyncio.Lock)
        self._open: dict[TargetKind, Target] = {}

    async def get(self, kind: TargetKind, environ: Mapping[str, str]) -> Target:
        """Return the target, reachable just now. ``UnreachableError`` when it is not."""
        target = self._open.get(kind) or await self._made(kind, environ)
        if environ:
            await target.check(environ)
        await target.runtime.check()
        return target

    async def _made(self, kind: TargetKind, environ: Mapping[str, str]) -> Target:
        async with self._opening[kind]:  # two who come while it is opened get the same one
            if kind not in self._open:
                self._open[kind] = await self._openers[kind](environ)
                self._opened(self._open[kind])
            return self._open[kind]

    @property
    def kinds(self) -> list[TargetKind]:
        """All targets that could be opened, the preferred first."""
        return list(self._openers)

    def known(self) -> list[Target]:
        """Return the targets that are open."""
        return list(self._open.values())

    async def choose(self, wanted: str, remembered: TargetKind | None, environ: Mapping[str, str]) -> TargetKind:
        """Return the target of an environment.

        The remembered one wins over everything, since what runs there would be forgotten otherwise. At the first deployment:
        ``wanted`` (a flag, RW_TARGET), else the first one that answers.

        :raises ConflictError: another one is wanted than what the environment runs on.
        :raises TargetUnknownError: no such target.
        """
        asked = self._parse(wanted) if wanted else None
        if remembered is not None:
            if asked not in {None, remembered}:
                raise ConflictError(
                    f"This environment runs on {remembered}, not on {asked}.",
                    why="An environment keeps its target, so that nothing runs twice.",
                    hint=f"Leave the target out, use another --environment, or run `rw down` and then `RW_TARGET={asked} rw up`.",
                )
            return remembered
        if asked is not None:
            return asked
        *preferred, last = self._openers
        for kind in preferred:
            with suppress(UnreachableError):
                await self.get(kind, environ)
                return kind
        return last

    def _parse(self, wanted: str) -> TargetKind:
        try:
            kind = TargetKind(wanted.strip().lower())
            self._openers[kind]
        except (ValueError, KeyError):
            raise TargetUnknownError(wanted, [str(one) for one in self._openers]) from None
        return kind

    async def close(self) -> None:
        """Let go of connections; what runs goes on."""
        for target in self._open.values():
            await target.runtime.close()
