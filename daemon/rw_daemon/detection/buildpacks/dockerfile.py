"""A Dockerfile of the user's own wins over everything."""

from __future__ import annotations

import re

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Beat, BuildPlan, Origin, ServicePlan

DEFAULT_PATH = "Dockerfile"
DEFAULT_PORT = 8080
_EXPOSE = re.compile(r"^\s*EXPOSE\s+(\d{1,5})(?:/tcp)?\b", re.IGNORECASE | re.MULTILINE)


class DockerfileBuildpack:
    """Detects a Dockerfile; it is built as it is."""

    name = "dockerfile"
    recognises = "Dockerfile: a file of exactly this name, or the one that build.dockerfilePath names"
    looked_for = ("CMD or ENTRYPOINT in the Dockerfile",)
    programs: frozenset[str] = frozenset()

    def __init__(self, path: str | None = None) -> None:
        self._path = path or DEFAULT_PATH

    def detect(self, source: Source) -> str | None:
        """Return the Dockerfile's path."""
        return source.first(self._path.removeprefix("/").removeprefix("./"))

    def plan(self, request: Request) -> BuildPlan:
        """Describe the image: the port is the first one that is exposed."""
        path = self.detect(request.source) or DEFAULT_PATH
        exposed = _EXPOSE.findall(request.source.text(path))
        port = int(exposed[0]) if exposed and 0 < int(exposed[0]) < 65536 else DEFAULT_PORT
        beat = [Beat.model_validate({"value": other, "from": f"EXPOSE in {path}"}) for other in exposed[1:]]
        origin = Origin.model_validate({"value": str(port), "from": f"EXPOSE in {path}" if exposed else "default", "beat": beat})
        return BuildPlan(buildpack=self.name, dockerfile=path, services=(ServicePlan(name="web", port=port),), origins={"port": origin})
