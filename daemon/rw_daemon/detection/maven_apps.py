"""How a Maven module becomes something that runs: by the plugin that packs it, else by its main class and its libraries. Pure."""

from __future__ import annotations

from collections.abc import Callable

from rw_daemon.detection import jvm
from rw_daemon.detection.jvm import JAR, LIBRARIES, App
from rw_daemon.detection.maven import Pom

# by version: what an old Maven takes by itself cannot leave out the modules of the project
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
MAIN_PROPERTIES = ("exec.mainClass", "mainClass", "main.class", "start-class")
NOT_AT_RUN_TIME = {"test", "provided", "system", "import"}


def find(pom: Pom) -> App | None:
    """Return how a module is started; ``None`` when it is a library or only holds others."""
    if pom.packaging == "pom":
        return None
    return next((app for rule in RULES if (app := rule(pom))), None)


def _spring(pom: Pom) -> App | None:
    plugin = "spring-boot-maven-plugin"
    bound = [one for one in pom.plugins() if one.artifact == plugin]
    repackaged = pom.has_foreign_parent or any("repackage" in one.goals for one in bound)
    if not bound or not repackaged or pom.configured(plugin, "skip") == "true" or not _mains(pom, plugin):
        return None
    classifier = pom.configured(plugin, "classifier")
    return _jar(pom, plugin, suffix=f"-{classifier}" if classifier else "")


def _quarkus(pom: Pom) -> App | None:
    plugin = "quarkus-maven-plugin"
    if not any(one.artifact == plugin for one in pom.plugins()):
        return None
    kind = pom.properties.get("quarkus.package.jar.type") or pom.properties.get("quarkus.package.type")
    if kind == "uber-jar":
        return _jar(pom, plugin, suffix="-runner")
    copy = f"rm -rf quarkus-app && cp -R {_target(pom)}/quarkus-app ."
    return _app(pom, f"{plugin} in {pom.path}", copy, ("quarkus-app",), "-jar quarkus-app/quarkus-run.jar")


def _swarm(pom: Pom) -> App | None:
    for plugin, suffix in (("thorntail-maven-plugin", "-thorntail"), ("wildfly-swarm-plugin", "-swarm")):
        if any(one.artifact == plugin for one in pom.plugins()):
            return _jar(pom, plugin, suffix=suffix)
    return None


def _shade(pom: Pom) -> App | None:
    plugin = "maven-shade-plugin"
    packs = any(one.artifact == plugin for one in pom.plugins()) or (
        any(one.artifact == "micronaut-maven-plugin" for one in pom.plugins()) and pom.has_foreign_parent
    )
    if not packs or not (mains := _mains(pom, plugin)):
        return None
    attached = pom.configured(plugin, "shadedArtifactAttached") == "true"
    suffix = f"-{pom.configured(plugin, 'shadedClassifierName') or 'shaded'}" if attached else ""
    # a jar without Main-Class starts by its name as well
    return _jar(pom, plugin, suffix=suffix, name=pom.configured(plugin, "finalName"), mains=mains)


def _assembly(pom: Pom) -> App | None:
    plugin = "maven-assembly-plugin"
    if pom.configured(plugin, "descriptorRef") != "jar-with-dependencies" or not (mains := _mains(pom, plugin)):
        return None
    suffix = "" if pom.configured(plugin, "appendAssemblyId") == "false" else "-jar-with-dependencies"
    return _jar(pom, plugin, suffix=suffix, name=pom.configured(plugin, "finalName"), mains=mains)


def _plain(pom: Pom) -> App | None:
    mains = _mains(pom, "maven-jar-plugin")
    if not mains or pom.packaging != "jar":
        return None
    place = f"{mains[0]} in {pom.path if len(mains) == 1 else pom.folder or 'the sources'}"
    copy = _copied(pom, f"{_target(pom)}/{pom.final_name}.jar" if pom.final_name else "")
    if pom.has_foreign_parent or any(scope not in NOT_AT_RUN_TIME for _, _, scope in pom.dependencies):
        libraries = f"rm -rf {LIBRARIES} && cp -R {_target(pom)}/dependency {LIBRARIES}"
        tasks = (f"{DEPENDENCY_PLUGIN}:copy-dependencies", "-DincludeScope=runtime")
        what = f'-cp "{JAR}:{LIBRARIES}/*"'
        return _app(pom, place, f"{copy} && {libraries}", (JAR, LIBRARIES), what, tasks=tasks, mains=mains)
    return _app(pom, place, copy, (JAR,), f"-cp {JAR}", mains=mains)


RULES: tuple[Callable[[Pom], App | None], ...] = (_quarkus, _swarm, _spring, _shade, _assembly, _plain)


def _mains(pom: Pom, plugin: str) -> tuple[str, ...]:
    """Return the main class that a plugin or a property names, else all that the sources have."""
    names = (pom.configured(one, "mainClass") for one in (plugin, "maven-jar-plugin", "exec-maven-plugin"))
    said = next((one for one in (*names, *(pom.properties.get(name, "") for name in MAIN_PROPERTIES)) if one), "")
    said = pom.filled(said)
    if said and "$" not in said:
        return (said,)
    return jvm.ordered_mains(jvm.main_classes(pom.source, f"{pom.folder}/src/main" if pom.folder else "src/main"))


def _target(pom: Pom) -> str:
    return f"{pom.folder}/target" if pom.folder else "target"


def _copied(pom: Pom, jar: str) -> str:
    return f"cp {jar} {JAR}" if jar else jvm.only_jar(_target(pom))


def _jar(pom: Pom, plugin: str, *, suffix: str, name: str = "", mains: tuple[str, ...] = ()) -> App:
    name = name if name and "$" not in name else pom.final_name
    ending = "war" if pom.packaging == "war" else "jar"
    copy = _copied(pom, f"{_target(pom)}/{name}{suffix}.{ending}" if name else "")
    what = f"-cp {JAR}" if mains else f"-jar {JAR}"
    return _app(pom, f"{plugin} in {pom.path}", copy, (JAR,), what, mains=mains)


def _app(
    pom: Pom, place: str, collect: str, keep: tuple[str, ...], what: str, *, tasks: tuple[str, ...] = (), mains: tuple[str, ...] = ()
) -> App:
    used = jvm.framework(pom.groups)
    start = jvm.command(used, what, main=mains[0] if mains else "")
    return App(pom.folder, pom.artifact, place, tasks, collect, keep, start, used.name if used else "", mains)
