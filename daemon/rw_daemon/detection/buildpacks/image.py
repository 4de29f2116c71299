"""An image that somebody else built: nothing is detected and nothing is built."""

from __future__ import annotations

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import BuildPlan, ServicePlan


class ImageBuildpack:
    """Plans an image that was named."""

    name = "image"
    recognises = "an image: `rw deploy --image NAME`"
    looked_for = ("CMD or ENTRYPOINT of the image",)
    programs: frozenset[str] = frozenset()

    def __init__(self, image: str) -> None:
        self._image = image

    def detect(self, source: Source) -> str | None:  # noqa: ARG002 - the Protocol's signature
        """Return the image: naming it is the proof."""
        return self._image

    def plan(self, request: Request) -> BuildPlan:  # noqa: ARG002 - the Protocol's signature
        """Describe one web service; which port it listens on is known once the image is there."""
        return BuildPlan(buildpack=self.name, image=self._image, services=(ServicePlan(name="web"),))
