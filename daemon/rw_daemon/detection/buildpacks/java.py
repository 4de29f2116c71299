"""Java and Kotlin by Maven or Gradle: built with a JDK, run on the JRE of the same version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rw_daemon.detection import gradle, gradle_apps, jvm, maven, maven_apps, overrides
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.jvm import App
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Notice, Origin, ServicePlan, Step

MAVEN, GRADLE = "maven", "gradle"
MVNW, GRADLEW = "mvnw", "gradlew"
MVNW_PROPERTIES = ".mvn/wrapper/maven-wrapper.properties"
WRAPPER_CACHE = Cache(id="maven-wrapper", path="/root/.m2/wrapper")
GRADLE_CACHE = Cache(id="gradle", path="/root/.gradle")
GRADLE_VERSIONS = ("RW_BUILD_GRADLE_VERSION", "NIXPACKS_GRADLE_VERSION", "RAILPACK_GRADLE_VERSION")
GRADLE_IMAGES = (("8", 24), ("9", 1000))  # major version → the newest Java that it runs on
QUIET_SINCE = (3, 6, 1)  # --no-transfer-progress: Maven's release notes
NOT_READ = (
    r"(?:.*/)?(?:target|build|gradle|buildSrc|\.gradle)/"
    r"|(?:.*/)?(?:pom\.xml|(?:mvnw|gradlew)(?:\.\w+)?|gradle\.properties|system\.properties)$"
)


@dataclass(frozen=True)
class Recipe:
    """What one build tool makes of a project."""

    tool: str
    version: Resolved
    image: str
    steps: tuple[Step, ...]
    tools: dict[str, str]
    notices: tuple[Notice, ...] = ()


class JavaBuildpack:
    """Detects pom.xml and Gradle's files."""

    name = "java"
    recognises = "Java and Kotlin: pom.xml, build.gradle or build.gradle.kts"
    looked_for = (
        "the plugin that packs a jar to run (Spring Boot, Quarkus, Shade, Shadow, application)",
        "mainClass in pom.xml or build.gradle",
        "a class with a main function below src/main",
    )
    programs = frozenset({"java", "mvn", "mvnw", "gradle", "gradlew"})

    def detect(self, source: Source) -> str | None:
        """Return the build's file."""
        return source.first(maven.NAME, *gradle.SCRIPTS, *gradle.SETTINGS)

    def plan(self, request: Request) -> BuildPlan:
        """Describe the build of one module, and start it."""
        is_maven = request.source.has(maven.NAME)
        poms = maven.modules(request.source) if is_maven else []
        build = gradle.Build(request.source)
        found = [maven_apps.find(pom) for pom in poms] if is_maven else [gradle_apps.find(project) for project in build.projects]
        apps = [app for app in found if app is not None]
        app, notices = jvm.pick(apps, request.variables)
        recipe = _maven(request, poms, app) if is_maven else _gradle(request, build, app)
        version = recipe.version.version
        with_tools = overrides.runs_tool(request, self.programs - {"java"})
        folder = "target" if is_maven else "build"
        places = [f"{one.folder}/{folder}" if one.folder else folder for one in (poms if is_maven else build.projects)]
        named = overrides.named_paths(request, *places)
        kept = (*(app.keep if app else ()), *named, *jvm.read_at_run_time(request.source, made=NOT_READ))
        return BuildPlan(
            buildpack=self.name,
            version=version,
            package_manager=recipe.tool,
            framework=app.framework if app else "",
            bases=Bases(build=recipe.image, run=recipe.image if with_tools else f"eclipse-temurin:{version}-jre"),
            steps=(*recipe.steps, *((Step(name="collect", commands=(app.collect,)),) if app else ())),
            services=(ServicePlan(name="web", start=app.start if app else ""),),
            tools=recipe.tools,
            keep=(".",) if with_tools or not app else tuple(dict.fromkeys(kept)),
            origins={"version": recipe.version.origin} | ({"start": jvm.origin(app, apps)} if app else {}) | _tool_origin(recipe, request),
            warnings=(*recipe.version.notices, *notices, *recipe.notices),
        )


def _tool_origin(recipe: Recipe, request: Request) -> dict[str, Origin]:
    wrapper = MVNW if recipe.tool == MAVEN else GRADLEW
    place = wrapper if any(f"sh {wrapper}" in command for step in recipe.steps for command in step.commands) else ""
    place = place or (maven.NAME if recipe.tool == MAVEN else request.source.first(*gradle.SCRIPTS, *gradle.SETTINGS) or "")
    return {"packageManager": Origin.model_validate({"value": recipe.tool, "from": place})}


def _maven(request: Request, poms: list[maven.Pom], app: App | None) -> Recipe:
    source = request.source
    chosen = next((pom for pom in poms if app and pom.folder == app.folder), poms[0])
    version = jvm.version(source, manifests=chosen.wanted(), variables=request.variables)
    wrapped, notices = _wrapper(source, MVNW, MVNW_PROPERTIES)
    match = re.search(r"apache-maven-(\d+)\.(\d+)\.(\d+)", source.text(MVNW_PROPERTIES)) if wrapped else None
    is_quiet = match is None or tuple(int(part[:4]) for part in match.groups()) >= QUIET_SINCE
    # the variable, which the image sets, would be taken for arguments by a wrapper
    program = f"MAVEN_CONFIG= sh {MVNW}" if wrapped else "mvn"
    program += " --batch-mode" + (" --no-transfer-progress" if is_quiet else "")
    only = ["--projects", chosen.folder, "--also-make"] if chosen.folder else []
    build = " ".join([program, "-DskipTests", *only, "package", *(app.tasks if app else ())])
    caches = (jvm.MAVEN_CACHE, *((WRAPPER_CACHE,) if wrapped else ()))
    steps = [Step(name="build", commands=(build,), inputs=(".",), caches=caches, variables=("*",))]
    if not any(pom.needs_sources for pom in poms):
        inputs = list(dict.fromkeys(one.path for pom in poms for one in pom.lineage))
        inputs += [*([MVNW] if wrapped else []), *([".mvn/"] if source.has_folder(".mvn") else [])]
        # go-offline leaves out the project's own modules, and takes longer: it gets plugins for reports as well
        goal = f"{maven_apps.DEPENDENCY_PLUGIN}:{'go-offline' if len(poms) > 1 else 'resolve'}"
        fetch = " ".join([program, "--fail-never", *only, goal])  # what cannot be had ahead of the build is had in it
        steps.insert(0, Step(name="install", commands=(fetch,), inputs=tuple(inputs), caches=caches))
    tools = {"java": version.allowed} | ({} if wrapped else {"mvn": ""})
    return Recipe(MAVEN, version, f"maven:3.9-eclipse-temurin-{version.version}", tuple(steps), tools, notices)


def _gradle(request: Request, build: gradle.Build, app: App | None) -> Recipe:
    source = request.source
    chosen = next((project for project in build.projects if app and project.folder == app.folder), build.root)
    version = jvm.version(source, manifests=build.wanted(chosen), variables=request.variables)
    wrapped, notices = _wrapper(source, GRADLEW, gradle.WRAPPER, gradle.WRAPPER_JAR)
    called = overrides.runs_tool(request, frozenset({GRADLE}))
    image = f"eclipse-temurin:{version.version}-jdk"
    if called or not wrapped:
        image = f"gradle:{_gradle_version(request, build, version)}-jdk{version.version}"
    program = " ".join([f"sh {GRADLEW}" if wrapped else GRADLE, "--no-daemon", "--console=plain"])
    fetch = f"{program} {chosen.path}:dependencies" if chosen.path else f"{program} dependencies"
    made = " ".join([program, *(app.tasks if app else ("assemble",))])
    steps = (
        Step(name="install", commands=(fetch,), inputs=_gradle_inputs(source), caches=(GRADLE_CACHE,)),
        Step(name="build", commands=(made,), inputs=(".",), caches=(GRADLE_CACHE,), variables=("*",)),
    )
    tools = {"java": version.allowed} | ({} if wrapped else {GRADLE: ""})
    return Recipe(GRADLE, version, image, steps, tools, (*notices, *_too_old(build, chosen, version)))


def _gradle_version(request: Request, build: gradle.Build, java: Resolved) -> str:
    """Return the major version of Gradle's image: what is asked for, the wrapper's, else the oldest that runs on this Java."""
    said = next((request.variables[name] for name in GRADLE_VERSIONS if request.variables.get(name)), build.version)
    match = re.match(r"\d+", said)
    return match[0] if match else next(image for image, most in GRADLE_IMAGES if int(java.version) <= most)


def _wrapper(source: Source, script: str, *needed: str) -> tuple[bool, tuple[Notice, ...]]:
    """Return whether a wrapper can be used: whole, and with line ends that a shell reads."""
    if not source.has(script):
        return False, ()
    missing = [path for path in needed if not source.has(path)]
    if not missing and b"\r\n" not in source.data(script):
        return True, ()
    why = f"{missing[0]} is not there" if missing else "its lines end as on Windows"
    fix = f"Add {missing[0]}: see what .gitignore leaves out." if missing else f"Save {script} with line ends as on Linux."
    return False, (Notice(code="WRAPPER_UNUSABLE", message=f"{script} is not used: {why}.", fix=fix),)


def _gradle_inputs(source: Source) -> tuple[str, ...]:
    """Return all that decides over a build without its sources, plugins of its own among them."""
    folders = [one for one in ("gradle/", "buildSrc/", "build-logic/") if source.has_folder(one)]
    files = [path for path in source.paths if re.search(r"\.gradle(?:\.kts)?$|(?:^|/)gradle\.properties$", path)]
    single = [path for path in files if not path.startswith(tuple(folders))]
    return (*single, *([GRADLEW] if source.has(GRADLEW) else []), *folders)


def _too_old(build: gradle.Build, project: gradle.Project, version: Resolved) -> tuple[Notice, ...]:
    most = build.java_range[1]
    if not build.version or int(version.version) <= most or build.toolchain(project) != int(version.version):
        return ()
    words = f"Gradle {build.version} runs on Java {most} at most, {version.origin.source} asks for {version.version}."
    return (Notice(code="GRADLE_TOO_OLD", message=words, fix=f"Run `gradle wrapper --gradle-version {gradle.NEWEST}`."),)
