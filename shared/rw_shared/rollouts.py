"""What is said of a rollout that is going on, and to it."""

from __future__ import annotations

from rw_shared.config import Strategy
from rw_shared.models import DeploymentStatus, Model, Pace


class RolloutOrder(Model):
    """How a rollout shall go on."""

    pace: Pace


class Rollout(Model):
    """A release that is on its way beside the one that serves.

    :param share: percent of the requests that it has. :param steps: the shares it goes through.
    :param serving_version: 0 when nothing serves yet. :param preview: where it alone answers, once it is healthy.
    :param verdict, words: of the window judged last; empty before the first.
    """

    deployment: str
    service: str
    version: int
    serving_version: int
    strategy: Strategy
    status: DeploymentStatus
    pace: Pace
    share: int
    steps: tuple[int, ...]
    preview: str = ""
    verdict: str = ""
    words: str = ""
