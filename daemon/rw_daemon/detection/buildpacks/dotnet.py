""".NET: C#, F# and Visual Basic, published by the SDK and run on the runtime alone."""

from __future__ import annotations

import shlex

from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.msbuild import READ_TO_RESTORE, SDK_FILE, SHARED, SOLUTIONS, SUFFIXES, Project, pinned_sdk, projects
from rw_daemon.detection.published import LANGUAGES
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted, choose
from rw_daemon.plans.plan import Bases, Beat, BuildPlan, Cache, Notice, Origin, ServicePlan, Step
from rw_shared.errors import ConfigInvalidError

OUTPUT = "out"
IMAGES = "mcr.microsoft.com/dotnet/{}"
PROJECT_OVERRIDES = ("RW_BUILD_DOTNET_PROJECT",)
CACHE = Cache(id="nuget", path="/root/.nuget/packages", variable="NUGET_PACKAGES")


class DotnetBuildpack:
    """Detects project files, and a solution that holds them."""

    name = "dotnet"
    recognises = f".NET: {', '.join('*' + one for one in SUFFIXES)}, or a solution"
    looked_for = ("a project file with OutputType Exe or the SDK for the web",)
    programs = frozenset({"dotnet"})

    def detect(self, source: Source) -> str | None:
        """Return the project in the root, or what ties those below together: a tool's project in a folder makes no .NET of a repository."""
        found = projects(source)
        if not found or "/" not in found[0].path:
            return found[0].path if found else None
        return next((path for path in source.paths if "/" not in path and path.endswith(SOLUTIONS)), source.first(SHARED, SDK_FILE))

    def plan(self, request: Request) -> BuildPlan:
        """Describe the publishing of one project."""
        source = request.source
        project, notices, beat = _project(request)
        sdk, exact = pinned_sdk(source)
        target = project.frameworks[-1] if project.frameworks else ""
        said = Wanted(f">={target}" if sdk and target else target, f"TargetFramework in {project.path}")
        version = choose("dotnet", source, own=[sdk] if sdk else [], manifests=[said], variables=request.variables)
        tag = exact if version.origin.source == SDK_FILE and exact else version.version
        runtime = target if target in LANGUAGES["dotnet"].tags else version.version
        start = _start(project) if project.runs else ""
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="nuget",
            framework="ASP.NET" if project.is_web else "",
            bases=Bases(build=f"{IMAGES.format('sdk')}:{tag}", run=f"{IMAGES.format('aspnet' if project.is_web else 'runtime')}:{runtime}"),
            steps=_steps(source, project, target),
            services=(ServicePlan(name="web", start=start),),
            tools={"dotnet": version.allowed},
            environment=_environment(project),
            keep=(OUTPUT,),
            origins={"version": version.origin} | ({"start": _origin(start, project.path, beat)} if start else {}),
            warnings=(*version.notices, *notices),
        )


def _origin(value: str, source: str, beat: tuple[Beat, ...]) -> Origin:
    return Origin.model_validate({"value": value, "from": source, "beat": beat})


def _project(request: Request) -> tuple[Project, tuple[Notice, ...], tuple[Beat, ...]]:
    """Return the project to publish, a warning when another could be meant, and those that could.

    ``ConfigInvalidError``: the one that is named is not there.
    """
    found = projects(request.source)
    said = next(((request.variables[name], name) for name in PROJECT_OVERRIDES if request.variables.get(name)), None)
    if said:
        wanted = said[0].removeprefix("./").strip("/")
        chosen = next((one for one in found if wanted in {one.path, one.folder, one.stem}), None)
        if chosen is None:
            known = ", ".join(one.path for one in found)
            raise ConfigInvalidError(said[1], f"there is no project {wanted!r}.", hint=f"Name one of {known}.")
        return chosen, (), ()
    runnable = [one for one in found if one.runs]
    ordered = [one for one in runnable if one.is_web] or runnable
    chosen = ordered[0] if ordered else found[0]
    others = tuple(Beat.model_validate({"value": one.assembly, "from": one.path}) for one in runnable if one is not chosen)
    if len(ordered) < 2:
        return chosen, (), others
    names = ", ".join(one.path for one in ordered)
    fix = f"Set {PROJECT_OVERRIDES[0]} to the one that is meant."
    words = f"{len(ordered)} projects can be started ({names}); {chosen.path} is."
    return chosen, (Notice(code="SEVERAL_PROJECTS", message=words, fix=fix),), others


def _start(project: Project) -> str:
    """Return the command. It runs in the folder that was published: settings and pages are looked for where an app is started."""
    address = "env ASPNETCORE_URLS=http://$HOST:$PORT " if project.is_web else ""
    return f"cd {OUTPUT} && exec {address}dotnet {shlex.quote(project.assembly + '.dll')}"


def _environment(project: Project) -> dict[str, str]:
    quiet = {"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1"}
    return {**({"ASPNETCORE_ENVIRONMENT": "Production"} if project.is_web else {"DOTNET_ENVIRONMENT": "Production"}), **quiet}


def _steps(source: Source, project: Project, target: str) -> tuple[Step, ...]:
    path = shlex.quote(project.path)
    manifests = [one for one in source.paths if READ_TO_RESTORE.fullmatch(one) or one == SDK_FILE]
    locked = " --locked-mode" if source.has(f"{project.folder}/packages.lock.json".lstrip("/")) else ""
    framework = f" --framework net{target}" if len(project.frameworks) > 1 else ""
    # it looks again whether all packages are there, which takes a second: a cache that was emptied meanwhile breaks nothing
    publish = f"dotnet publish {path} --configuration Release{framework} --output {OUTPUT}"
    return (
        Step(name="install", commands=(f"dotnet restore {path}{locked}",), inputs=tuple(manifests), caches=(CACHE,)),
        Step(name="build", commands=(publish,), inputs=(".",), caches=(CACHE,), variables=("*",)),
    )
