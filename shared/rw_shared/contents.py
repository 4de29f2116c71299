"""What is inside of what a build made."""

from __future__ import annotations

from rw_shared.models import Model


class Part(Model):
    """A piece of an artifact: a layer of an image, or an entry of a release folder.

    :param what: the command that made the layer, or the entry's name.
    :param is_base: it comes with the base image; rw added nothing to it.
    """

    what: str
    size_bytes: int
    is_base: bool = False


class Sizes(Model):
    """Where the bytes of a built release are.

    :param plan: digest of the plan that it was built by, as in ``PlanAnswer``.
    :param base: name of the base image; empty for a release folder, or when the base is not there any more (then nothing counts as base).
    """

    deployment: str
    service: str
    version: int
    plan: str
    base: str = ""
    size_bytes: int
    base_bytes: int
    added_bytes: int
    parts: tuple[Part, ...] = ()
