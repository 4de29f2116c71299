"""All buildpacks in order, and what is applied to whatever one of them plans: overrides, Procfile, checks."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from rw_daemon.detection import apps, members, node_scripts, overrides, procfile, two_languages
from rw_daemon.detection.buildpack import Buildpack, Request
from rw_daemon.detection.buildpacks.clojure import ClojureBuildpack
from rw_daemon.detection.buildpacks.cobol import CobolBuildpack
from rw_daemon.detection.buildpacks.cpp import CppBuildpack
from rw_daemon.detection.buildpacks.crystal import CrystalBuildpack
from rw_daemon.detection.buildpacks.dart import DartBuildpack
from rw_daemon.detection.buildpacks.deno import DenoBuildpack
from rw_daemon.detection.buildpacks.dockerfile import DockerfileBuildpack
from rw_daemon.detection.buildpacks.dotnet import DotnetBuildpack
from rw_daemon.detection.buildpacks.elixir import ElixirBuildpack
from rw_daemon.detection.buildpacks.gleam import GleamBuildpack
from rw_daemon.detection.buildpacks.go import GoBuildpack
from rw_daemon.detection.buildpacks.haskell import HaskellBuildpack
from rw_daemon.detection.buildpacks.hugo import HugoBuildpack
from rw_daemon.detection.buildpacks.image import ImageBuildpack
from rw_daemon.detection.buildpacks.java import JavaBuildpack
from rw_daemon.detection.buildpacks.jekyll import JekyllBuildpack
from rw_daemon.detection.buildpacks.mkdocs import MkdocsBuildpack
from rw_daemon.detection.buildpacks.node import NodeBuildpack
from rw_daemon.detection.buildpacks.php import PhpBuildpack
from rw_daemon.detection.buildpacks.python import PythonBuildpack
from rw_daemon.detection.buildpacks.ruby import RubyBuildpack
from rw_daemon.detection.buildpacks.rust import RustBuildpack
from rw_daemon.detection.buildpacks.scala import ScalaBuildpack
from rw_daemon.detection.buildpacks.shell import SCRIPTS, ShellBuildpack, named, start_script
from rw_daemon.detection.buildpacks.static import StaticBuildpack
from rw_daemon.detection.buildpacks.swift import SwiftBuildpack
from rw_daemon.detection.buildpacks.zig import ZigBuildpack
from rw_daemon.plans.check import check
from rw_daemon.plans.plan import SOURCE_UNREADABLE, Beat, BuildPlan, Origin
from rw_shared.errors import ConfigInvalidError, NoStartCommandError, NothingDetectedError, SeveralAppsError

# A Dockerfile is the author's own word. Compiled languages come first: a pyproject.toml or package.json beside their manifests most often
# wraps a library or builds assets; PHP, Ruby and Python come before Node for the same reason. What builds documentation comes after what
# may be documented. Where several match, the first one that finds a server wins, see ``_pick``.
BUILDPACKS: tuple[Buildpack, ...] = (
    DockerfileBuildpack(),
    CrystalBuildpack(),
    DartBuildpack(),
    GoBuildpack(),
    HaskellBuildpack(),
    RustBuildpack(),
    JavaBuildpack(),
    ScalaBuildpack(),
    ClojureBuildpack(),
    DotnetBuildpack(),
    ElixirBuildpack(),
    GleamBuildpack(),
    PhpBuildpack(),
    RubyBuildpack(),
    SwiftBuildpack(),
    ZigBuildpack(),
    PythonBuildpack(),
    DenoBuildpack(),
    NodeBuildpack(),
    CppBuildpack(),
    CobolBuildpack(),
    HugoBuildpack(),
    JekyllBuildpack(),
    MkdocsBuildpack(),
    StaticBuildpack(),
    ShellBuildpack(),
)
AS_IS = {DockerfileBuildpack.name, ImageBuildpack.name}
TREE_SHOWN = 15
Match = tuple[Buildpack, str]


def plan(request: Request) -> BuildPlan:
    """Return the plan of a source tree: pure, and the same bytes for the same input. A tree that is no app may hold one.

    :raises NothingDetectedError: no buildpack matches. ``NoStartCommandError``: a service has no command.
        ``SeveralAppsError``: which app is meant cannot be told.
        ``ConfigInvalidError``: a file that decides cannot be read, or is named and not there.
    """
    if request.variables.get(members.VARIABLE, "").strip() and not request.image:
        return _app(request, members.named(request.source, request.variables), place=members.VARIABLE)
    try:
        return _with_own_dockerfile(_tree(request), request)
    except (NothingDetectedError, NoStartCommandError) as error:
        found = apps.candidates(request.source, lambda folder: _alone(request, folder))
        if isinstance(error, NoStartCommandError):
            found = tuple(one for one in found if one.score >= apps.LIKELY)  # a library has examples
        if not found:
            raise
        if isinstance(error, NoStartCommandError) and not all(members.place(request.source, one.path).variables for one in found):
            raise SeveralAppsError(*apps.told(found)) from error
        chosen, notices = apps.choose(found)
        made = _app(request, chosen.path, place=f"the likeliest: {chosen.why}" if notices else "the only folder with an app")
        return made.model_copy(update={"apps": found if len(found) > 1 else (), "warnings": (*made.warnings, *notices)})


def _with_own_dockerfile(made: BuildPlan, request: Request) -> BuildPlan:
    """Return the plan, or that of the Dockerfile which lies in the folder of the app that was chosen."""
    app = made.origins.get("app")
    if app is None or not request.source.has(posixpath.join(app.value, members.DOCKERFILE)):
        return made
    return _app(request, app.value, place=app.source).model_copy(update={"apps": made.apps})


def _alone(request: Request, folder: str) -> BuildPlan:
    """Return the plan of a folder that may be an app; most are none, which is told without looking for a workspace around them."""
    inner = replace(request, source=request.source.below(folder))
    if not _matches(inner):
        raise NothingDetectedError(_names(inner), [])
    return _app(request, folder, place=folder)


def _app(request: Request, folder: str, *, place: str) -> BuildPlan:
    """Return the plan of one app of the tree: from its workspace's root, or of its folder alone."""
    found = members.place(request.source, folder)
    made = _tree(replace(request, source=request.source.below(found.root), variables={**request.variables, **found.variables}))
    origin = Origin.model_validate({"value": folder, "from": place})
    return made.model_copy(update={"root": found.root, "origins": {**made.origins, "app": origin}})


def _tree(request: Request) -> BuildPlan:
    """Return the plan of the app that lies at the root of a tree."""
    request = _with_files(request)
    matches = _matches(request)
    if not matches:
        raise NothingDetectedError(_names(request), [pack.recognises for pack in BUILDPACKS])
    commands = {} if matches[0][0].name in AS_IS else procfile.read(request.source)
    pack, proof, beat = _pick(matches, request, said=overrides.start_said(request, commands))
    made = _with_script(two_languages.joined(pack.plan(request), request, python=PythonBuildpack()), request)
    made = made.model_copy(update={"origins": {**made.origins, "buildpack": Origin(value=made.buildpack, beat=beat, **{"from": proof})}})
    found = made.services[0].start if made.services else ""
    made = overrides.whole(node_scripts.resolved(overrides.apply(made, request, commands), request.source, found), request)
    if not made.as_is and not all(service.start for service in made.services):
        looked_for = [where for other, _ in matches if other is pack or other.programs for where in other.looked_for]
        unreadable = [one.message for one in made.warnings if one.code == SOURCE_UNREADABLE]
        raise NoStartCommandError(made.buildpack, list(dict.fromkeys(looked_for)), unreadable=unreadable)
    return made.model_copy(update={"warnings": (*made.warnings, *check(made))})


def _matches(request: Request) -> list[Match]:
    """Return all buildpacks that recognise the tree, in order. Behind the first match a file that cannot be read decides nothing.

    Where none does, a start command that somebody wrote runs beside the files as they are.
    """
    found: list[Match] = []
    forced = next((one.provider for one in reversed(request.files) if one.provider), None)
    if forced is not None:
        return [_forced(request, *forced)]
    for pack in _candidates(request):
        try:
            proof = pack.detect(request.source)
        except ConfigInvalidError:
            if not found:
                raise
            continue
        if proof is not None:
            found.append((pack, proof))
    if not found and (place := overrides.start_place(request) or named(request)):
        return [(ShellBuildpack(), place)]
    return found


def _forced(request: Request, name: str, place: str) -> Match:
    """Return the buildpack that a file names. ``ConfigInvalidError``: there is nothing for it to build."""
    pack = next(one for one in BUILDPACKS if one.name == name)
    if pack.detect(request.source) is None and name != ShellBuildpack.name:
        raise ConfigInvalidError(place, f"{name} is asked for, and nothing of it was found ({pack.recognises}).", hint="Correct the name.")
    return pack, place


def _with_files(request: Request) -> Request:
    """Return the request with other build tools' files; what is taken as it is has no use for them."""
    first = _candidates(request)[0]
    return request if first.name in AS_IS and first.detect(request.source) is not None else overrides.with_files(request)


def _pick(matches: list[Match], request: Request, *, said: str) -> tuple[Buildpack, str, tuple[Beat, ...]]:
    """Return the buildpack to use, its proof, and what it beat.

    A start command that somebody wrote names the language by its program; without one the first language with a server wins, so that a
    stray requirements.txt does not hide a Node server; else the first in order.
    """
    languages = [match for match in matches if match[0].programs]
    chosen, why = matches[0], ""
    if len(languages) > 1 and languages[0] is matches[0]:
        program = posixpath.basename(said.split(maxsplit=1)[0]) if said.strip() else ""
        if by_program := next((match for match in languages if program in match[0].programs), None):
            chosen, why = by_program, f"the start command runs {program}"
        elif not said and (served := next((match for match in languages if _starts(match[0], request)), None)):
            chosen, why = served, "nothing to start was found by it"
    beat = []
    for pack, proof in matches:
        if pack is not chosen[0] and pack.name != ShellBuildpack.name:  # its files start whatever else was recognised
            is_passed_over = matches.index((pack, proof)) < matches.index(chosen)
            beat.append(Beat.model_validate({"value": pack.name, "from": f"{proof} ({why})" if is_passed_over else proof}))
    return *chosen, tuple(beat)


def _starts(pack: Buildpack, request: Request) -> bool:
    try:
        return any(service.start for service in pack.plan(request).services)
    except (ConfigInvalidError, SeveralAppsError):
        return True  # its turn, and its error


def _with_script(made: BuildPlan, request: Request) -> BuildPlan:
    """Return a plan without a start command with the one that start.sh or run.sh is."""
    script = request.source.below(made.root).first(*SCRIPTS)
    if made.as_is or script is None or not made.services or made.services[0].start:
        return made
    start = start_script(request.source.below(made.root), script)
    services = (made.services[0].model_copy(update={"start": start}), *made.services[1:])
    origin = Origin.model_validate({"value": start, "from": script})
    return made.model_copy(update={"services": services, "origins": {**made.origins, "start": origin}})


def _candidates(request: Request) -> tuple[Buildpack, ...]:
    """Return the buildpacks to ask, in order; the Dockerfile one knows a path that was named. ``ConfigInvalidError``: it is not there."""
    if request.image:
        return (ImageBuildpack(request.image),)
    config, builder = request.config, request.config.build.builder
    places = ((request.variables, "RW_BUILD_DOCKERFILE_PATH"), (config.variables, "RAILWAY_DOCKERFILE_PATH"))
    said = [(values[name], name) for values, name in places if values.get(name)]
    if path := config.build.dockerfile_path:
        said.insert(1 if said and said[0][1].startswith("RW_") else 0, (path, config.origins.get("build.dockerfilePath", "railway.toml")))
    elif builder == "DOCKERFILE" and not said:
        said.append(("Dockerfile", config.origins.get("build.builder", "railway.toml")))
    if not said:
        return BUILDPACKS
    path, place = said[0]
    pack = DockerfileBuildpack(path)
    if pack.detect(request.source) is None:
        raise ConfigInvalidError(
            place, f"{path} is to be built, and is not there.", hint="Correct the path, or see what .railwayignore leaves out."
        )
    return (pack, *BUILDPACKS[1:])


def _names(request: Request) -> list[str]:
    """Return the first names of the root, folders with a slash."""
    names = sorted({path.split("/")[0] + ("/" if "/" in path else "") for path in request.source.paths})
    return names[:TREE_SHOWN] + ([f"and {len(names) - TREE_SHOWN} more"] if len(names) > TREE_SHOWN else [])
