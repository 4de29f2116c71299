"""The Protocol of what turns a plan and a snapshot into an artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rw_daemon.builds.components import Component
from rw_daemon.plans.plan import BuildPlan
from rw_shared.contents import Part
from rw_shared.models import Artifact

SOURCE_DATE_EPOCH = "SOURCE_DATE_EPOCH"
"""The variable by which tools are told what time to write down: reproducible-builds.org/specs/source-date-epoch."""


@dataclass(frozen=True)
class BuildOutput:
    """Something to show while a build runs.

    :param step: name of the plan's step, or the engine's own words for its step.
    :param text: a line of output without its newline; empty for a change of state.
    :param state: ``started``, ``done``, ``cached``, ``failed``, or empty for a line of output.
    :param seconds: how long the step took, with ``done``.
    """

    step: str
    text: str = ""
    stream: str = "stdout"
    state: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class BuildOrder:
    """All that a build depends on, and nothing else.

    :param key: digest of plan, snapshot and build variables: equal keys are built once.
    :param labels: ``rw.project`` and the like, for the artifact.
    :param commit: what the sources are of, for the artifact; empty where nobody said so.
    :param epoch: seconds since 1970 that an image is to carry instead of the moment of its build: equal orders then give equal images,
        bit for bit. ``None`` for none.
    :param cache: name of an image in a registry that a build without a cache of its own begins with, and that this one becomes.
    :param variables: the user's variables that steps may declare; secrets, so never in a log, layer, history or process list.
    :param environ: the caller's allow-listed environment (proxies, DOCKER_HOST, PATH).
    """

    key: str
    plan: BuildPlan
    snapshot: str
    labels: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    epoch: int | None = None
    cache: str = ""
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    environ: dict[str, str] = field(default_factory=dict, repr=False)
    no_cache: bool = False


class Builder(Protocol):
    """Builds artifacts. Cancelling the task that awaits ``build`` really stops the work and leaves nothing half done."""

    async def find(self, key: str) -> Artifact | None:
        """Return the artifact of an earlier build with this key, when it is still whole."""
        ...

    async def build(self, order: BuildOrder, *, output: Callable[[BuildOutput], None]) -> Artifact:
        """Carry out ``order``.

        :param output: called on the event loop, in order, while the build runs.
        :raises BuildFailedError: a step failed. ``ToolMissingError``, ``BaseImageMissingError``, ``RegistryUnreachableError``,
            ``DiskFullError``, ``EngineUnreachableError``: what their names say, after trying again where it makes sense.
        """
        ...

    async def parts(self, artifact: Artifact, *, base: str) -> tuple[Part, ...]:
        """Return what an artifact is made of, see ``Part``; nothing when it is gone.

        :param base: name of the image that it starts from; empty when nobody knows.
        """
        ...

    async def components(self, artifact: Artifact) -> list[Component] | None:
        """Return the packages that lie in an artifact; ``None`` when it is gone."""
        ...

    async def remove(self, artifact: Artifact) -> None:
        """Remove an artifact that no release needs. Nothing happens when it is gone or in use."""
        ...
