"""railway.toml and railway.json: what a project says about itself. Parsing is pure; the caller reads the file."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from rw_shared.models import Model


class RestartPolicy(StrEnum):
    """When a replica that ended is started again."""

    ON_FAILURE = "ON_FAILURE"
    ALWAYS = "ALWAYS"
    NEVER = "NEVER"


class Strategy(StrEnum):
    """How requests move to a new release."""

    REPLACE = "replace"
    GRADUAL = "gradual"
    BLUE_GREEN = "blue-green"
    RECREATE = "recreate"


class OnFailure(StrEnum):
    """What becomes of a release that the judge finds bad."""

    ROLLBACK = "rollback"


class Queue(StrEnum):
    """What a new ``rw up`` does about those before it, of the same services, that are not done."""

    NEWEST = "newest"
    """Those that wait are superseded; the one at work ends first."""
    ALL = "all"
    """Each has its turn."""
    INTERRUPT = "interrupt"
    """The one at work is superseded as well: what it made is taken back, what served goes on serving."""


class Reading(StrEnum):
    """What of a scraped metric is looked at."""

    VALUE = "value"
    RATE = "rate"
    PER_REQUEST = "per-request"


class MetricConfig(Model):
    """A ``[[deploy.rollout.metrics]]`` table: something of the app's own that the judge looks at in every window.

    Either ``metric`` or ``command`` is said. Out of its bounds is what lies below ``min``, or above both ``max`` and ``max_ratio``.
    """

    name: str
    """What the verdicts call it."""
    metric: str | None = None
    """Series of the app's Prometheus text, as ``selectors.parse`` takes them; several are added up."""
    path: str = "/metrics"
    """Where each replica gives that text."""
    read: Reading = Reading.VALUE
    """``value``: a gauge, the mean of the replicas. ``rate``: how much a counter grew in a second of the window. ``per-request``: how much
    for each request that the edge sent to the release, the only reading of a counter that two releases with different shares have alike."""
    command: str | None = None
    """Run in the new artifact; it finds the release at ``RW_PREVIEW_URL``. Without bounds exit code 0 is good; with bounds its last line
    is the value."""
    max: float | None = None
    min: float | None = None
    max_ratio: float | None = None
    """How many times the old release's value in the same window."""

    @property
    def is_bounded(self) -> bool:
        """Whether a value is compared with anything."""
        return any(bound is not None for bound in (self.max, self.min, self.max_ratio))

    @property
    def is_relative(self) -> bool:
        """Whether it says nothing where there is no other release to compare with."""
        return self.max_ratio is not None and self.max is None and self.min is None


class RolloutConfig(Model):
    """The ``[deploy.rollout]`` table: rw's own, Railway has none."""

    strategy: Strategy = Strategy.REPLACE
    steps: tuple[int, ...] = (10, 25, 50, 100)
    """Shares of the requests in percent, rising; the last is 100."""
    step_seconds: float = 15.0
    monitor_seconds: float = 0.0
    """How long the release is compared with the one before it once it has every request; 0 for not at all."""
    auto_promote: bool = True
    """Whether the steps are walked without a word; otherwise the release waits at the first for ``rw rollout promote`` or ``resume``."""
    sticky: bool = False
    """Whether a visitor who met a release keeps it until the rollout is over, by a cookie."""
    check: str | None = None
    """A command that the new release must pass before it gets any request: it finds the release at ``RW_PREVIEW_URL``."""
    max_error_rate: float = 0.01
    """Share of requests, 0 to 1, that may fail whatever the old release does."""
    max_latency_seconds: float = 2.0
    """What 95 % of the answers may take whatever the old release does."""
    on_failure: OnFailure = OnFailure.ROLLBACK
    """So far the only way there is: whoever writes another word is told so."""
    metrics: tuple[MetricConfig, ...] = ()
    """What of the app's own is looked at besides."""


class ScaleConfig(Model):
    """The ``[deploy.scale]`` table: rw's own. Each of the last three is a target for the average replica; ``None`` is not looked at."""

    min: int = 1
    """0: the service sleeps while nobody asks for it, as with ``sleepApplication``; awake it has one replica at least."""
    max: int
    cpu: float | None = None
    """Share, above 0 to 1, of the cores that a replica may use (of one core where no limit is said)."""
    memory: float | None = None
    """Share, above 0 to 1, of the memory that a replica may use."""
    requests: float | None = None
    """Requests in flight."""

    @property
    def least(self) -> int:
        """Replicas that a service has at least while it is awake."""
        return max(self.min, 1)


class BuildConfig(Model):
    """The ``[build]`` table. ``None`` means not said."""

    builder: str | None = None
    build_command: str | None = None
    dockerfile_path: str | None = None
    cache: str | None = None
    """rw's own: name of an image in a registry that holds the build's cache."""
    watch_patterns: tuple[str, ...] = ()
    nixpacks_config_path: str | None = None
    nixpacks_plan: dict[str, Any] | None = None
    """What nixpacks.toml would say, in its own keys; it beats that file."""


class DeployConfig(Model):
    """The ``[deploy]`` table. ``None`` means not said; times are seconds."""

    start_command: str | None = None
    pre_deploy_command: tuple[str, ...] | None = None
    healthcheck_path: str | None = None
    healthcheck_timeout: float | None = None
    restart_policy_type: RestartPolicy = RestartPolicy.ON_FAILURE
    restart_policy_max_retries: int | None = None
    num_replicas: int | None = None
    overlap_seconds: float | None = None
    draining_seconds: float | None = None
    queue: Queue = Queue.NEWEST
    sleep_application: bool = False
    sleep_after_seconds: float = 600.0
    """How long nobody may have asked for a service that sleeps (Railway: 10 min)."""
    rollout: RolloutConfig = RolloutConfig()
    scale: ScaleConfig | None = None
    cpu: float | None = None
    """Cores a replica may use (``limitOverride.containers.cpu``)."""
    memory_bytes: int | None = None
    """``limitOverride.containers.memoryBytes``."""

    @property
    def sleeps(self) -> bool:
        """Whether the service is put to sleep while nobody asks for it."""
        return self.sleep_application or (self.scale is not None and self.scale.min == 0)


class ServiceConfig(Model):
    """The settings of one service in one environment."""

    source: str = ""
    """Its folder, from the file's; empty for the file's own."""
    build: BuildConfig = BuildConfig()
    deploy: DeployConfig = DeployConfig()
    variables: dict[str, str] = {}
    origins: dict[str, str] = {}
    """``deploy.startCommand`` → ``railway.toml:7``, for each key that was said."""
