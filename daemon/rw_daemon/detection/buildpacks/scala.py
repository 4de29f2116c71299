"""Scala by sbt: a folder with a start script (sbt-native-packager) or one jar (sbt-assembly), run on a JRE."""

from __future__ import annotations

import re

from rw_daemon.detection import jvm, overrides
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.gradle import without_comments
from rw_daemon.detection.jvm import JAR
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted
from rw_daemon.plans.plan import Bases, BuildPlan, Cache, Origin, ServicePlan, Step

BUILD, PROPERTIES = "build.sbt", "project/build.properties"
STAGED, STAGE = "stage", "target/universal/stage"
CACHES = (
    Cache(id="coursier", path="/root/.cache/coursier", variable="COURSIER_CACHE"),
    Cache(id="sbt", path="/root/.sbt"),
    Cache(id="ivy", path="/root/.ivy2"),
)
PLAY_OPTIONS = " -Dhttp.address=$HOST -Dhttp.port=$PORT -Dpidfile.path=/dev/null"
NOT_READ = r"(?:.*/)?(?:target|project|app|test|\.bsp)/|(?:.*/)?(?:[\w.-]+\.sbt|system\.properties)$"
_PLUGIN = re.compile(r'addSbtPlugin\(\s*"([\w.-]+)"\s*%\s*"([\w.-]+)"')
_NAME = re.compile(r'(?:^|[\s,(])(executableScriptName|name)\s*:=\s*"([^"\n]+)"')


class ScalaBuildpack:
    """Detects build.sbt."""

    name = "scala"
    recognises = "Scala: build.sbt, with sbt-native-packager or sbt-assembly"
    looked_for = ("sbt-native-packager, sbt-assembly or Play in project/plugins.sbt",)
    programs = frozenset({"java", "sbt", "scala"})

    def detect(self, source: Source) -> str | None:
        """Return the build's file."""
        return source.first(BUILD)

    def plan(self, request: Request) -> BuildPlan:
        """Describe what sbt makes, and start it."""
        source = request.source
        plugins, used = _plugins(source)
        version = jvm.version(source, manifests=_wanted(source), variables=request.variables)
        task, collect, keep, start = _made(source, plugins)
        image = f"maven:3.9-eclipse-temurin-{version.version}"  # no official image has sbt: Maven fetches its launcher
        kept = (*keep, *overrides.named_paths(request, "target"), *jvm.read_at_run_time(source, made=NOT_READ))
        return BuildPlan(
            buildpack=self.name,
            version=version.version,
            package_manager="sbt",
            framework="play" if _is_play(plugins) else "",
            bases=Bases(build=image, run=f"eclipse-temurin:{version.version}-jre"),
            steps=(
                Step(name="install", commands=("sbt update",), inputs=_manifests(source), caches=CACHES),
                Step(name="build", commands=(task,), inputs=(".",), caches=CACHES, variables=("*",)),
                *((Step(name="collect", commands=(collect,)),) if collect else ()),
            ),
            services=(ServicePlan(name="web", start=start),),
            tools={"java": version.allowed, "sbt": ""},
            keep=(".",) if not start else tuple(dict.fromkeys(kept)),
            origins={"version": version.origin} | ({"start": Origin.model_validate({"value": start, "from": used})} if start else {}),
            warnings=version.notices,
        )


def _plugins(source: Source) -> tuple[set[str], str]:
    """Return the artifacts of sbt's plugins, and the file that names them."""
    files = [path for path in source.paths if re.fullmatch(r"project/[\w.-]+\.sbt", path)]
    found = {path: {name for _, name in _PLUGIN.findall(without_comments(source.text(path)))} for path in files}
    place = next((path for path in files if found[path] & {"sbt-native-packager", "sbt-assembly", "sbt-plugin"}), BUILD)
    return {name for names in found.values() for name in names}, place


def _wanted(source: Source) -> list[Wanted]:
    """Return the range of Java versions that this sbt runs on: its release notes."""
    said = re.search(r"^\s*sbt\.version\s*=\s*(\d{1,3})\.(\d{1,3})", source.text(PROPERTIES), re.MULTILINE)
    numbers = (int(said[1]), int(said[2])) if said else (0, 0)
    if said is None or numbers >= (1, 9):
        return []
    return [Wanted(">=8 <=17" if numbers >= (1, 0) else "8", f"sbt {said[1]}.{said[2]} in {PROPERTIES}")]


def _is_play(plugins: set[str]) -> bool:
    return "sbt-plugin" in plugins  # the artifact of Play's, under whichever of its two organisations


def _made(source: Source, plugins: set[str]) -> tuple[str, str, tuple[str, ...], str]:
    """Return sbt's task, what puts its outcome into fixed places, these places, and the start command."""
    if _is_play(plugins) or "sbt-native-packager" in plugins:
        start = f"./{STAGED}/bin/{_script(source)}" + (PLAY_OPTIONS if _is_play(plugins) else "")
        return "sbt stage", f"rm -rf {STAGED} && cp -R {STAGE} {STAGED}", (STAGED,), start
    if "sbt-assembly" in plugins:
        return f"""sbt 'set assembly / assemblyOutputPath := file("{JAR}")' assembly""", "", (JAR,), jvm.command(None, f"-jar {JAR}")
    return "sbt compile", "", (), ""


def _script(source: Source) -> str:
    """Return the name of the start script: sbt writes a project's name in small letters, with dashes."""
    said: dict[str, str] = dict(reversed(_NAME.findall(without_comments(source.text(BUILD)))))
    if name := said.get("executableScriptName"):
        return name
    return re.sub(r"\W+", "-", said.get("name", "app").lower()).strip("-") or "app"


def _manifests(source: Source) -> tuple[str, ...]:
    files = [path for path in source.paths if re.fullmatch(r"[\w.-]+\.sbt|project/[\w.-]+\.(?:sbt|scala)|project/build\.properties", path)]
    return tuple(files)
