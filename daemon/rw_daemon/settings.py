"""Limits and times, each with its unit and the reason of its value. contracts.md section 7 is the list that users see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rw_shared.errors import ConfigInvalidError


@dataclass(frozen=True)
class Settings:
    """Everything that could be another number. Tests hand in smaller ones."""

    probe_first_seconds: float = 0.01
    """First pause between health probes, each a quarter longer than the one before: an app is seen within a quarter of its start's time."""
    probe_last_seconds: float = 1.0
    """Pause that the first one backs off to: a slow starter is not hammered."""
    probe_timeout_seconds: float = 5.0
    """One probe. The kube default of 1 s fails first requests that compile templates."""
    healthy_seconds: float = 60.0
    """Time to become healthy where the service names none (Railway: 300, too long to learn of a typo)."""
    settle_seconds: float = 10.0
    """A service without a port is proven when it has been alive this long without an exit."""
    answer_seconds: float = 3.0
    """A target that has not answered by then is not waited for: what is on the others goes on, and its own later."""
    liveness_period_seconds: float = 5.0
    liveness_failures: int = 3
    """A replica is replaced after this many failures in a row: one garbage collection pause is no reason."""
    restart_budget: int = 10
    """Restarts before a service is crashed (Railway's default of restartPolicyMaxRetries)."""
    restart_budget_refill_seconds: float = 600.0
    restart_first_seconds: float = 0.5
    restart_last_seconds: float = 30.0
    scale_period_seconds: float = 2.0
    """Between two looks at the load of services with ``deploy.scale``."""
    scale_window_seconds: float = 60.0
    """A load lasts this long before the number of replicas follows it."""
    scale_panic_seconds: float = 6.0
    """One of twice the target only this long."""
    sleep_period_seconds: float = 15.0
    """Between two looks whether anybody asked for a service that sleeps when nobody does."""
    drain_seconds: float = 30.0
    """Open requests of the old release have this long to end."""
    grace_seconds: float = 30.0
    """SIGTERM to SIGKILL (drainingSeconds)."""
    warm_seconds: float = 60.0
    """The old release is kept running this long for an instant undo (overlapSeconds)."""
    metric_seconds: float = 30.0
    """A command of ``deploy.rollout.metrics`` has this long; then it could not be measured."""
    paused_seconds: float = 86_400.0
    """A rollout that is paused waits this long for a word; then its release is taken back."""
    quiet_seconds: float = 0.05
    """Between the old release's last connection and its SIGTERM (edge.md)."""
    calm_seconds: float = 1.0
    """After a switch, until anything is tidied up: requests that just found a new release should not wait for a processor as well."""
    step_deadline_seconds: float = 600.0
    """A step without progress for this long has failed."""
    builds_at_once: int = 2
    kept_releases: int = 10
    kept_artifacts: int = 5
    edge_port: int = 8080
    """First choice for the port of all services; the next free one is taken and remembered."""
    snapshot_files: int = 50_000
    snapshot_bytes: int = 2 * 1024**3
    log_segment_bytes: int = 50 * 1024**2
    log_segments: int = 4
    """Per service; beyond, the oldest segment goes."""
    log_days: float = 7.0
    """Lines that are older go, a segment at a time."""
    log_queue_lines: int = 20_000
    """A reader that lags further behind is told how many lines it missed and slows nobody."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings with what ``environ`` says otherwise: ``RW_`` and the name in capitals (``RW_DRAIN_SECONDS=5``).

        ``ConfigInvalidError`` when a value is not a number above or equal to 0.
        """
        said = {}
        for field in fields(cls):
            variable = f"RW_{field.name.upper()}"
            if environ.get(variable):
                said[field.name] = _number(variable, environ[variable], kind=type(field.default))
        return cls(**said)


def _number(variable: str, text: str, *, kind: type) -> Any:
    try:
        number = kind(text)
        if number < 0 or number != number or number == float("inf"):
            raise ValueError
    except ValueError:
        raise ConfigInvalidError(
            variable, f"must be a number from 0 on, and is {text!r}", hint=f"Unset {variable}, or give it a number."
        ) from None
    return number
