"""A gradual release: the new one gets a growing part of the requests while a judge compares it with the old one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rw_daemon.clock import Clock
from rw_daemon.deployments.judge import Judge, Limits
from rw_daemon.deployments.judgements import Judgement, Verdict
from rw_daemon.deployments.retire import Retirer
from rw_daemon.deployments.router import EVERY, Router, is_proven
from rw_daemon.deployments.steps import Recorder, of
from rw_daemon.deployments.verdicts import UNKNOWN_RUNNING, WINDOWS_AT_MOST, Next, next_of, said_of
from rw_daemon.deployments.windows import ABORTED, Told, Trial, Windows
from rw_daemon.settings import Settings
from rw_daemon.store.store import Store
from rw_shared.config import RolloutConfig, Strategy
from rw_shared.events import RolloutPaced, RolloutShifted
from rw_shared.models import Deployment, DeploymentStatus, Pace

IN_STEPS = {Strategy.GRADUAL, Strategy.BLUE_GREEN}


def shares_of(config: RolloutConfig) -> tuple[int, ...]:
    """Return the steps before everything, in percent. A blue-green release has none of the requests until it has all of them."""
    return (0,) if config.strategy is Strategy.BLUE_GREEN else config.steps[:-1]


def has_steps(config: RolloutConfig, new: Deployment, old: Deployment | None) -> bool:
    """Return whether a release goes by steps, beside an old one that answers: else everything comes at once."""
    is_beside = old is not None and old.id != new.id and old.status is DeploymentStatus.ACTIVE
    return is_beside and config.strategy in IN_STEPS and bool(shares_of(config))


class Rollout:
    """Walks the steps before the last one, which is the ordinary switch."""

    def __init__(
        self, *, store: Store, recorder: Recorder, router: Router, windows: Windows, retirer: Retirer, clock: Clock, settings: Settings
    ) -> None:
        self._store, self._recorder, self._router, self._windows, self._retirer = store, recorder, router, windows, retirer
        self._clock, self._settings = clock, settings
        self._told: dict[str, Told] = {}
        self._paused: dict[str, float] = {}
        """By deployment, when its pause began, by the monotonic clock."""

    @contextmanager
    def heeding(self, trial: Trial | None) -> Iterator[None]:
        """Take what is said of a release from its first step until its switch is recorded; of one that has no steps, nothing."""
        if trial is None:
            yield
            return
        self._told[trial.deployment.id] = Told()
        try:
            yield
        finally:
            del self._told[trial.deployment.id]
            self._paused.pop(trial.deployment.id, None)

    async def run(self, trial: Trial) -> None:
        """Return once the new release may have everything. One that a daemon before this one began goes on at the share it has.

        :raises RolloutFailedError: it did worse than the old one, or somebody aborted it; the caller takes it back.
        """
        deployment = await self._recorder.read(trial.deployment.id)
        if not trial.config.auto_promote and (await said_of(self._store, deployment.id)).paced is None:
            await self.pace(deployment, Pace.PAUSED, actor="rw")
        for share in shares_of(trial.config):
            if await self._pace_of(deployment) is Pace.PROMOTED:
                return
            if share >= deployment.share:
                await self._shifted(deployment, share)
                await self._step(trial, share)

    async def may_switch(self, trial: Trial) -> bool:
        """Return whether nobody has paused it since the last window. To be asked right before the switch, after which no word counts.

        :raises RolloutFailedError: somebody aborted it.
        """
        told = self._told[trial.deployment.id]
        told.is_switching = True  # before the look: a pause that comes between look and answer is not taken for heeded
        found = await self._recorder.read(trial.deployment.id)
        if told.is_aborted:
            raise trial.failed(found.share, ABORTED)
        told.is_switching = found.pace is not Pace.PAUSED
        return told.is_switching

    def is_heeded(self, deployment: str) -> bool:
        """Return whether a release is on its steps, or just behind them."""
        return deployment in self._told

    def is_switching(self, deployment: str) -> bool:
        """Return whether a release is being given every request just now."""
        return deployment in self._told and self._told[deployment].is_switching

    async def pace(self, deployment: Deployment, pace: Pace, *, actor: str, reason: str = "") -> None:
        """Have a rollout wait, go on, or skip the rest of its steps; also one whose steps have not begun."""
        self._paused.pop(deployment.id, None)
        if pace is Pace.PAUSED:
            self._paused[deployment.id] = self._clock.monotonic()
        about = {**of(deployment), "actor": actor, "deployment": deployment.id}
        await self._store.append(RolloutPaced(at=self._clock.now(), **about, pace=pace, reason=reason))
        if told := self._told.get(deployment.id):
            told.news.set()

    def abort(self, deployment: str) -> bool:
        """Have a rollout's release taken back; ``False`` where nobody heeds that: it is not there yet, or serves."""
        told = self._told.get(deployment)
        if told is not None:
            told.is_aborted = True
            told.news.set()
        return told is not None

    async def undo(self, deployment: Deployment) -> None:
        """Give everything back to the old release and wait for the requests that the new one still has. Nothing where it had none."""
        self._paused.pop(deployment.id, None)
        if is_proven(deployment):
            with self._router.without(deployment.id, EVERY):
                await self._shifted(deployment, 0)
                await self._retirer.emptied(deployment.id)

    async def _shifted(self, deployment: Deployment, share: int) -> None:
        event = RolloutShifted(at=self._clock.now(), **of(deployment), deployment=deployment.id, share=share)
        is_news = share != (await self._recorder.read(deployment.id)).share
        await self._router.apply(shares={deployment.id: share}, record=lambda: (event,) if is_news else ())

    async def _pace_of(self, deployment: Deployment) -> Pace:
        return (await self._recorder.read(deployment.id)).pace

    async def _paused_since(self, deployment: str) -> float:
        """Return when its pause began. One that a daemon before this one saw begin goes by the wall clock."""
        if deployment not in self._paused:
            paced = (await said_of(self._store, deployment)).paced
            so_far = (self._clock.now() - paced.at).total_seconds() if paced else 0.0
            self._paused[deployment] = self._clock.monotonic() - max(so_far, 0.0)
        return self._paused[deployment]

    async def _step(self, trial: Trial, share: int) -> None:
        """Look at windows until they say that the release may have more.

        While it is paused, windows are judged as well, since a bad release is taken back all the same; a good one waits.
        """
        deployment, told = trial.deployment, self._told[trial.deployment.id]
        judge = Judge(Limits(trial.config.max_error_rate, trial.config.max_latency_seconds))
        while True:
            told.news.clear()
            pace = await self._pace_of(deployment)
            if pace is Pace.PROMOTED:
                return
            is_paused = pace is Pace.PAUSED
            given_up = await self._paused_since(deployment.id) + self._settings.paused_seconds if is_paused else 0.0
            found = await self._windows.look(trial, judge, told, share=share, seconds=trial.config.step_seconds)
            if found is None:
                continue  # somebody said something: what was seen so far is not a whole window
            step = (await said_of(self._store, deployment.id)).step
            if not is_paused or found.verdict not in step[-1:]:  # a pause may last for hours
                await self._recorder.judged(deployment, share, found)
            follows = next_of((*step, found.verdict), found.few)
            if found.verdict is Verdict.BAD:
                raise trial.failed(share, found.words)
            if is_paused:
                if self._clock.monotonic() >= given_up:
                    raise trial.failed(share, f"It was paused for {self._settings.paused_seconds / 3600:.0f} h and nobody resumed it.")
            elif follows is Next.ON:
                return
            elif follows is Next.BACK:
                raise trial.failed(share, f"No good window in {WINDOWS_AT_MOST}. The last verdict: {found.verdict} ({found.words}).")
            elif follows is Next.HELD:
                await self.pace(deployment, Pace.PAUSED, actor="rw", reason=_held(deployment, share, found))


def _held(deployment: Deployment, share: int, found: Judgement) -> str:
    """Return why a step is held, and what may be said to it."""
    service = deployment.service
    return (
        f"{UNKNOWN_RUNNING} windows running could not be measured ({found.words}). It stays at {share} %: "
        f"`rw rollout promote {service}` gives it every request, `abort` takes it back, `retry` measures again."
    )
