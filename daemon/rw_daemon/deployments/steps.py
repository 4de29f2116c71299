"""Steps as facts: an event before each acts, another when it is done, and no step twice once it was done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from rw_daemon.clock import Clock
from rw_daemon.deployments.judgements import Judgement
from rw_daemon.deployments.states import move
from rw_daemon.store.store import Store
from rw_shared.errors import RwError
from rw_shared.events import DeploymentStatusChanged, Event, RolloutJudged, StepFinished, StepStarted
from rw_shared.models import Deployment, DeploymentStatus, ErrorBody, StepName, StepStatus


@dataclass
class Progress:
    """What a running step wants to have said of it when it is done."""

    detail: str = ""


def of(deployment: Deployment) -> dict[str, str]:
    """Return the envelope that every event of a deployment carries."""
    return {
        "project": deployment.project,
        "environment": deployment.environment,
        "service": deployment.service,
        "operation": deployment.operation,
    }


class Recorder:
    """Writes what happens to deployments."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def now(self) -> datetime:
        """Return the time that an event of this moment carries."""
        return self._clock.now()

    async def read(self, identity: str) -> Deployment:
        """Return the deployment as it is stored now; ``KeyError`` for an unknown id is a bug in the caller."""
        found = await self._store.deployment(identity)
        if found is None:
            raise KeyError(identity)
        return found

    def moved(
        self,
        deployment: Deployment,
        after: DeploymentStatus,
        *,
        reason: str = "",
        error: RwError | None = None,
        changed: bool = True,
        operation: str = "",
    ) -> Event:
        """Return the event of an allowed move; ``ValueError`` when the move is not.

        :param operation: the one that moves it, where that is not the one that made it.
        """
        return DeploymentStatusChanged(
            at=self._clock.now(),
            **{**of(deployment), "operation": operation or deployment.operation},
            deployment=deployment.id,
            before=deployment.status,
            after=move(deployment.status, after),
            reason=reason,
            error=ErrorBody.model_validate(error.to_wire()) if error else None,
            changed=changed,
        )

    async def move(self, identity: str, after: DeploymentStatus, *, reason: str = "", error: RwError | None = None) -> None:
        """Record a move, unless the deployment is there already."""
        deployment = await self.read(identity)
        if deployment.status is not after:
            await self._store.append(self.moved(deployment, after, reason=reason, error=error))

    def started(self, deployment: Deployment, step: StepName) -> Event:
        """Return the event of a step's start."""
        attempt = 1 + max((one.attempt for one in deployment.steps if one.name is step), default=0)
        return StepStarted(at=self._clock.now(), **of(deployment), deployment=deployment.id, step=step, attempt=attempt)

    def finished(self, deployment: Deployment, step: StepName, *, status: StepStatus = StepStatus.DONE, detail: str = "") -> Event:
        """Return the event of a step's end."""
        return StepFinished(at=self._clock.now(), **of(deployment), deployment=deployment.id, step=step, status=status, detail=detail)

    async def judged(self, deployment: Deployment, share: int, found: Judgement) -> None:
        """Record the verdict on a window."""
        about = {**of(deployment), "deployment": deployment.id}
        await self._store.append(
            RolloutJudged(at=self._clock.now(), **about, share=share, verdict=found.verdict, words=found.words, metrics=found.metrics)
        )

    async def is_done(self, identity: str, step: StepName) -> bool:
        """Return whether a step needs no more work."""
        done = {StepStatus.DONE, StepStatus.SKIPPED}
        return any(one.name is step and one.status in done for one in (await self.read(identity)).steps)

    @asynccontextmanager
    async def step(self, identity: str, name: StepName, *, is_last: bool = False) -> AsyncIterator[Progress]:
        """Record the start of a step, run the body, record its end.

        A body that is cancelled leaves the step open: recovery goes on with it. ``is_last``: the body writes the end itself,
        in one transaction with what it changes.
        """
        deployment = await self.read(identity)
        await self._store.append(self.started(deployment, name))
        progress = Progress()
        try:
            yield progress
        except asyncio.CancelledError:
            raise
        except Exception:
            await self._store.append(self.finished(deployment, name, status=StepStatus.FAILED))
            raise
        if not is_last:
            await self._store.append(self.finished(deployment, name, detail=progress.detail))
