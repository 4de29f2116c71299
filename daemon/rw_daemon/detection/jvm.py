"""What all languages of the JVM share: the JDK that is wanted, frameworks and where they listen, classes with a main function. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rw_daemon.detection.kept_files import kept_files
from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Resolved, Wanted, choose
from rw_daemon.plans.plan import Beat, Cache, Notice, Origin
from rw_shared.errors import ConfigInvalidError

JAR = "app.jar"
LIBRARIES = "lib"
MODULE = "RW_BUILD_JAVA_MODULE"
SERVERS = ("server", "web", "api", "app", "main", "application")
ENTRIES = r"Main(?:Kt)?|(?:\w*)(?:Application|App|Server)(?:Kt)?"
MAVEN_CACHE = Cache(id="maven", path="/root/.m2/repository", locked=True)
CODE = (".java", ".kt", ".kts", ".scala", ".groovy", ".clj", ".cljc", ".cljs", ".gradle", ".sbt")


@dataclass(frozen=True)
class Framework:
    """A framework.

    :param groups: groups of artifacts or beginnings of plugin ids that show it.
    :param options: system properties that make it listen on ``$HOST:$PORT``.
    """

    name: str
    groups: tuple[str, ...]
    options: str = ""


FRAMEWORKS = (
    Framework("quarkus", ("io.quarkus", "io.quarkus.platform"), "-Dquarkus.http.host=$HOST -Dquarkus.http.port=$PORT"),
    Framework("micronaut", ("io.micronaut", "io.micronaut.platform"), "-Dmicronaut.server.host=$HOST -Dmicronaut.server.port=$PORT"),
    Framework("thorntail", ("io.thorntail",), "-Dthorntail.bind.address=$HOST -Dthorntail.http.port=$PORT"),
    Framework("wildfly-swarm", ("org.wildfly.swarm",), "-Dswarm.bind.address=$HOST -Dswarm.http.port=$PORT"),
    Framework("helidon", ("io.helidon", "io.helidon.applications"), "-Dserver.host=$HOST -Dserver.port=$PORT"),
    Framework("spring-boot", ("org.springframework.boot",), "-Dserver.address=$HOST -Dserver.port=$PORT"),
    Framework("ktor", ("io.ktor", "io.ktor.plugin")),
    Framework("javalin", ("io.javalin",)),
    Framework("vertx", ("io.vertx",)),
)
KTOR_MAIN = re.compile(r"io\.ktor\.server\.\w+\.EngineMain")
_MAIN = {
    ".java": re.compile(r"\bstatic\s+(?:final\s+)?void\s+main\s*\(\s*(?:final\s+)?String\b"),
    ".kt": re.compile(r"^(?:suspend\s+)?fun\s+main\s*\(", re.MULTILINE),
}
_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)", re.MULTILINE)
_NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"""(?:.*?)"""|"(?:\\.|[^"\\\n])*"', re.DOTALL)
_SDKMAN = re.compile(r"^\s*java\s*=\s*(\S+)", re.MULTILINE)
_HEROKU = re.compile(r"^\s*java\.runtime\.version\s*[=:]\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class App:
    """A module that can be started.

    :param folder: of the module, empty for the root.
    :param name: how people call the module.
    :param place: what shows that it can be started.
    :param tasks: what the build tool is to do.
    :param collect: the command that puts what was made into fixed places, which are ``keep``.
    :param mains: the classes that could be meant, where a class had to be guessed.
    :param notices: what a user should know of it.
    """

    folder: str
    name: str
    place: str
    tasks: tuple[str, ...]
    collect: str
    keep: tuple[str, ...]
    start: str
    framework: str = ""
    mains: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What a user should know: also when another class could be meant."""
        if len(self.mains) < 2:
            return self.notices
        words = f"{len(self.mains)} classes can be started ({', '.join(self.mains)}); {self.mains[0]} is."
        guess = Notice(code="SEVERAL_COMMANDS", message=words, fix="Name the main class in the build file, or set deploy.startCommand.")
        return (guess, *self.notices)


def pick(apps: Sequence[App], variables: Mapping[str, str]) -> tuple[App | None, tuple[Notice, ...]]:
    """Return the module to start: the one that is asked for, one called like a server, the first; and warnings, of a guess as well.

    ``ConfigInvalidError``: the one that is asked for cannot be started.
    """
    wanted = variables.get(MODULE, "").strip("/:")
    if wanted:
        asked = next((one for one in apps if wanted in {one.folder, one.name.strip(":"), one.name.rpartition(":")[2]}), None)
        if asked is None:
            known = ", ".join(one.name for one in apps) or "none"
            raise ConfigInvalidError(MODULE, f"no module that can be started is called {wanted[:60]!r}.", hint=f"There are: {known}.")
        return asked, asked.warnings
    if not apps:
        return None, ()
    called = [one for name in SERVERS for one in apps if one.name.rpartition(":")[2] == name]
    chosen = (called or apps)[0]
    if len(apps) == 1 or called:
        return chosen, chosen.warnings
    words = f"{len(apps)} modules can be started ({', '.join(one.name for one in apps)}); {chosen.name} is."
    return chosen, (Notice(code="SEVERAL_COMMANDS", message=words, fix=f"Set {MODULE} to the one that is meant."), *chosen.warnings)


def origin(chosen: App, apps: Sequence[App]) -> Origin:
    """Return where the start command comes from, and the modules that were not taken."""
    beat = [Beat.model_validate({"value": one.start, "from": one.place}) for one in apps if one is not chosen]
    return Origin.model_validate({"value": chosen.start, "from": chosen.place, "beat": beat})


def ordered_mains(classes: Mapping[str, str]) -> tuple[str, ...]:
    """Return classes with those first that are called like the entry of a program."""
    return tuple(sorted(classes, key=lambda one: (not re.fullmatch(ENTRIES, one.rpartition(".")[2]), one.count("."), one)))


def only_jar(folder: str, *, ending: str = ".jar") -> str:
    """Return the command that copies the only jar of a folder, sources and the like apart; it fails when there are several, or none."""
    others = " ".join(f"! -name '{one}'" for one in ("*-plain.jar", "*-sources.jar", "*-javadoc.jar", "*-tests.jar", "original-*"))
    return f"cp $(find {folder} -maxdepth 1 -name '*{ending}' {others}) {JAR}"


def framework(groups: Iterable[str]) -> Framework | None:
    """Return the framework that the groups of dependencies and plugins show."""
    present = set(groups)
    return next((one for one in FRAMEWORKS if present & set(one.groups)), None)


def command(used: Framework | None, what: str, *, main: str = "") -> str:
    """Return the start command: ``what`` is ``-jar app.jar``, or a class path with ``main`` behind it."""
    options = [used.options] if used and used.options else []
    arguments = ["-host=$HOST -port=$PORT"] if KTOR_MAIN.fullmatch(main) else []
    return " ".join(["java", "$JAVA_OPTS", *options, what, *([main] if main else []), *arguments])


def version(source: Source, *, manifests: list[Wanted], variables: Mapping[str, str]) -> Resolved:
    """Return the JDK's major version."""
    own = [Wanted(_first_line(source.text(path)), path) for path in (".java-version", ".jdk-version")]
    for path, pattern in ((".sdkmanrc", _SDKMAN), ("system.properties", _HEROKU)):
        if match := pattern.search(source.text(path)):
            own.append(Wanted(match[1], path))
    return choose("java", source, own=own, manifests=manifests, variables=variables)


def main_classes(source: Source, folder: str) -> dict[str, str]:
    """Return the classes below ``folder`` that can be started, each with its file; tests are left out."""
    found: dict[str, str] = {}
    prefix = f"{folder}/" if folder else ""
    for path in (one for one in source.paths if one.startswith(prefix)):
        name, dot, ending = path.rpartition("/")[2].rpartition(".")
        pattern = _MAIN.get(dot + ending)
        if pattern is None or re.search(r"(^|/)(test|\w+Test|buildSrc|build-logic)/", path):
            continue
        if b"main" not in source.data(path):  # most files: not worth taking their comments out
            continue
        text = _NO_CODE.sub(" ", source.text(path))
        if pattern.search(text):
            package = _PACKAGE.search(text)
            plain = name if ending == "java" else f"{name[:1].upper()}{name[1:]}Kt"
            found[f"{package[1]}.{plain}" if package else plain] = path
    return found


def read_at_run_time(source: Source, *, made: str) -> list[str]:
    """Return the files that an app may open from its folder.

    :param made: pattern of what the build makes, and of its manifests.
    """
    return kept_files(source, code=CODE, left_out=rf"(?:.*/)?src/|{made}")


def _first_line(text: str) -> str:
    return next(iter(text.split()), "")
