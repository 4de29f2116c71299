"""What ``rw why`` tells of a deployment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rw_shared.models import Deployment, Model


class Moment(Model):
    """Something that happened, in words.

    :param kind: ``asked``, ``wait``, ``source``, ``configuration``, ``variables``, ``step``, ``share``, ``verdict``, ``pace``, ``replica``,
        ``route``, ``status`` or ``end``.
    :param data: the fields of the event behind it; of a comparison, what differs. Variables are named, never quoted.
    """

    at: datetime
    kind: str
    words: str
    data: dict[str, Any] = {}


class Timeline(Model):
    """A deployment and what led to its state, in order."""

    deployment: Deployment
    items: tuple[Moment, ...]
