"""All buildpacks in order, and what is applied to whatever one of them plans: overrides, Procfile, checks."""

from __future__ import annotations

from rw_daemon.detection import overrides, procfile
from rw_daemon.detection.buildpack import Buildpack, Request
from rw_daemon.detection.buildpacks.dockerfile import DockerfileBuildpack
from rw_daemon.detection.buildpacks.go import GoBuildpack
from rw_daemon.detection.buildpacks.node import NodeBuildpack
from rw_daemon.detection.buildpacks.python import PythonBuildpack
from rw_daemon.detection.buildpacks.shell import ShellBuildpack
from rw_daemon.detection.buildpacks.static import StaticBuildpack
from rw_daemon.plans.check import check
from rw_daemon.plans.plan import Beat, BuildPlan, Origin
from rw_shared.errors import NoStartCommandError, NothingDetectedError

# The first match wins. A Dockerfile is the author's own word. Go and Python come before Node, since a package.json beside their
# manifests most often builds assets; a server with a front end of its own in another folder is not decided here.
BUILDPACKS: tuple[Buildpack, ...] = (
    DockerfileBuildpack(),
    GoBuildpack(),
    PythonBuildpack(),
    NodeBuildpack(),
    StaticBuildpack(),
    ShellBuildpack(),
)
TREE_SHOWN = 15


def plan(request: Request) -> BuildPlan:
    """Return the plan of a source tree: pure, and the same bytes for the same input.

    :raises NothingDetectedError: no buildpack matches. ``NoStartCommandError``: a service has no command.
        ``ConfigInvalidError``: a file that decides cannot be read.
    """
    matches = [(pack, proof) for pack in _candidates(request) if (proof := pack.detect(request.source)) is not None]
    commands = procfile.read(request.source)
    if not matches:
        raise NothingDetectedError(_tree(request), [pack.recognises for pack in BUILDPACKS])
    pack, proof = matches[0]
    beat = tuple(Beat.model_validate({"value": other.name, "from": found}) for other, found in matches[1:])
    made = pack.plan(request)
    made = made.model_copy(update={"origins": {**made.origins, "buildpack": Origin(value=pack.name, beat=beat, **{"from": proof})}})
    made = overrides.apply(made, request, commands)
    missing = [service for service in made.services if not service.start]
    if missing and not made.dockerfile:
        raise NoStartCommandError(made.buildpack, pack.looked_for)
    return made.model_copy(update={"warnings": (*made.warnings, *check(made))})


def _candidates(request: Request) -> tuple[Buildpack, ...]:
    """Return the buildpacks to ask, in order; the Dockerfile one knows a path that the configuration names."""
    path = request.config.build.dockerfile_path or request.variables.get("RW_BUILD_DOCKERFILE_PATH")
    return (DockerfileBuildpack(path), *BUILDPACKS[1:]) if path else BUILDPACKS


def _tree(request: Request) -> list[str]:
    """Return the first names of the root, folders with a slash."""
    names = sorted({path.split("/")[0] + ("/" if "/" in path else "") for path in request.source.paths})
    return names[:TREE_SHOWN] + ([f"and {len(names) - TREE_SHOWN} more"] if len(names) > TREE_SHOWN else [])
