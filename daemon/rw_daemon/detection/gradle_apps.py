"""How a Gradle project becomes something that runs: by the plugin that packs it, else by its main class. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from rw_daemon.detection import jvm
from rw_daemon.detection.gradle import Project, block
from rw_daemon.detection.jvm import JAR, App
from rw_daemon.plans.plan import Notice

FOLDER = "dist"
# plugin → the task that packs everything into one jar, and the end of the jar's name
FAT_JARS = {
    "io.ktor.plugin": ("buildFatJar", "-all"),
    "com.gradleup.shadow": ("shadowJar", "-all"),
    "com.github.johnrengelman.shadow": ("shadowJar", "-all"),
    "io.github.goooler.shadow": ("shadowJar", "-all"),
}
APPLICATION = {"application", "io.micronaut.application", "io.micronaut.minimal.application"}
NO_LIBRARIES = Notice(
    code="LIBRARIES_NOT_PACKED",
    message="Gradle's jar holds the project's own classes alone, and nothing adds its libraries.",
    fix="Apply the plugin `application` and name its mainClass.",
)
_NO_BOOT_JAR = re.compile(r"\bbootJar\b\W+(?:enabled|isEnabled)\s*=\s*false")
JVM = {"java", "java-library", "groovy", "scala", "war", "org.jetbrains.kotlin.jvm", "kotlin"}


def find(project: Project) -> App | None:
    """Return how a project is started; ``None`` when it is a library or only holds others."""
    plugins = project.plugins
    found = jvm.main_classes(project.build.source, posixpath.join(project.folder, "src"))
    mains = (project.main,) if project.main else jvm.ordered_mains(found)
    if "io.quarkus" in plugins:
        copy = f"rm -rf quarkus-app && cp -R {_made(project)}/quarkus-app ."
        return _app(project, "io.quarkus", "quarkusBuild", copy, ("quarkus-app",), "-jar quarkus-app/quarkus-run.jar")
    if "org.springframework.boot" in plugins and mains and not _NO_BOOT_JAR.search(project.text):
        task, ending = ("bootWar", "war") if "war" in plugins else ("bootJar", "jar")
        copy = jvm.only_jar(f"{_made(project)}/libs", ending=f".{ending}")
        return _app(project, "org.springframework.boot", task, copy, (JAR,), f"-jar {JAR}")
    for plugin, (task, suffix) in FAT_JARS.items():
        if plugin in plugins and mains:
            copy = jvm.only_jar(f"{_made(project)}/libs", ending=f"{suffix}.jar")
            return _app(project, plugin, task, copy, (JAR,), f"-cp {JAR}", mains)
    if plugins & APPLICATION:
        return _distribution(project, mains)
    if plugins & JVM and mains:
        app = _app(project, f"main class {mains[0]}", "jar", jvm.only_jar(f"{_made(project)}/libs"), (JAR,), *_plain(project, mains))
        return replace(app, notices=(NO_LIBRARIES,)) if _lacks_libraries(project) else app
    return None


def _lacks_libraries(project: Project) -> bool:
    """Return whether it has libraries that nothing packs."""
    used = re.search(r"\b(?:implementation|api|compile|runtimeOnly)\b", block(project.text, "dependencies"))
    return bool(used) and not re.search(r"\b(?:runtimeClasspath|Class-Path)\b", project.text)


def _distribution(project: Project, mains: tuple[str, ...]) -> App:
    """Return an app with its libraries in a folder. What its own script adds to the command is only in the script."""
    copy = f"rm -rf {FOLDER} && cp -R {_made(project)}/install/{project.name} {FOLDER}"
    app = _app(project, "application", "installDist", copy, (FOLDER,), f'-cp "{FOLDER}/lib/*"', mains)
    if mains and "applicationDefaultJvmArgs" not in project.text:
        return app
    return replace(app, start=f"./{FOLDER}/bin/{project.name}", mains=())


def _plain(project: Project, mains: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return what Java runs: a manifest may name more than the main class (a class path), so it is used where there is one."""
    return (f"-jar {JAR}", ()) if "Main-Class" in project.text else (f"-cp {JAR}", mains)


def _made(project: Project) -> str:
    return posixpath.join(project.folder, "build")


def _app(project: Project, place: str, task: str, collect: str, keep: tuple[str, ...], what: str, mains: tuple[str, ...] = ()) -> App:
    used = jvm.framework(project.groups)
    start = jvm.command(used, what, main=mains[0] if mains else "")
    task = f"{project.path}:{task}" if len(project.build.projects) > 1 else task
    place = f"{place} in {project.script}"
    return App(project.folder, project.path or project.name, place, (task,), collect, keep, start, used.name if used else "", mains)
