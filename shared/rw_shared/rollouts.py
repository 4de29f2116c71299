"""What is said of a rollout that is going on, and to it; and of the way back."""

from __future__ import annotations

from rw_shared.config import Strategy
from rw_shared.models import Artifact, DeploymentStatus, Model, Pace
from rw_shared.timeline import Moment


class RolloutOrder(Model):
    """How a rollout shall go on."""

    pace: Pace


class Rollout(Model):
    """A release that is on its way beside the one that serves; with the status active: one that is watched (``monitorSeconds``).

    :param share: percent of the requests that it has. :param steps: the shares it goes through.
    :param serving_version: 0 when nothing serves yet; of a watched one, what it would go back to.
    :param preview: where it alone answers, once it is healthy.
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


class Rollback(Model):
    """What going back would change.

    :param is_warm: the release still runs: going back is one change at the edge. :param changes: what is different, as ``rw why`` tells it.
    :param not_undone: pre-deploy commands (migrations, say) that were run since, with their release: a rollback leaves what they did.
    """

    service: str
    serving_version: int
    version: int
    deployment: str
    artifact: Artifact | None
    is_warm: bool
    replicas: int
    changes: tuple[Moment, ...]
    not_undone: tuple[str, ...]
