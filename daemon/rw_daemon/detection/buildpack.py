"""What a buildpack is: a recogniser and a planner of one kind of project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rw_daemon.detection.build_file import BuildFile
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan
from rw_shared.config import ServiceConfig


@dataclass(frozen=True)
class Request:
    """What a plan is made from.

    :param config: the service's settings from railway.toml.
    :param variables: build overrides (``RW_BUILD_*``, ``NIXPACKS_*``, ``RAILPACK_*``): the service's own first, the caller's second.
    :param image: an image to run instead of building one.
    :param files: what files of other build tools ask for, the weakest first.
    """

    source: Source
    config: ServiceConfig = field(default_factory=ServiceConfig)
    variables: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    files: tuple[BuildFile, ...] = ()


class Buildpack(Protocol):
    """Pure: reads a ``Source``, returns data. The registry applies overrides, Procfile and checks to what it returns."""

    @property
    def name(self) -> str:
        """Stands in plans, logs and the README's table."""
        ...

    @property
    def recognises(self) -> str:
        """One line for the table and for the error of nothing detected: ``Go: go.mod``."""
        ...

    @property
    def looked_for(self) -> tuple[str, ...]:
        """Where a start command was looked for, for the error of none found."""
        ...

    @property
    def programs(self) -> frozenset[str]:
        """The programs that tell that a start command is written for this language; empty for what is no language."""
        ...

    def detect(self, source: Source) -> str | None:
        """Return the file that proves a match; ``None`` when this is another kind of project."""
        ...

    def plan(self, request: Request) -> BuildPlan:
        """Describe build and services. A service whose start command cannot be told has an empty ``start``."""
        ...
