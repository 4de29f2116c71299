"""What Gradle's files say, as far as it is literal: they are programs, and nobody runs them here. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted

SETTINGS, SCRIPTS = ("settings.gradle", "settings.gradle.kts"), ("build.gradle", "build.gradle.kts")
CATALOG, WRAPPER = "gradle/libs.versions.toml", "gradle/wrapper/gradle-wrapper.properties"
WRAPPER_JAR = "gradle/wrapper/gradle-wrapper.jar"
NEWEST = "8.14"
# Gradle → the newest Java that it runs on: its documentation's "Compatibility Matrix"
JAVA_MOST = (
    ((2, 0), 8), ((4, 3), 9), ((4, 7), 10), ((5, 0), 11), ((5, 4), 12), ((6, 0), 13), ((6, 3), 14), ((6, 7), 15), ((7, 0), 16),
    ((7, 3), 17), ((7, 5), 18), ((7, 6), 19), ((8, 3), 20), ((8, 5), 21), ((8, 8), 22), ((8, 10), 23), ((8, 14), 24), ((9, 1), 25),
)  # fmt: skip
_TOKENS = re.compile(r'("""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|(//[^\n]*|/\*[\s\S]*?\*/)|([{}])')
_INCLUDE = re.compile(r"""\binclude\s*\(?\s*((?:["'][\w:./-]+["']\s*(?:,\s*)?)+)""")
_MOVED = re.compile(r"""project\(\s*["']:?([\w:.-]+)["']\s*\)\.projectDir\s*=\s*(?:new\s+File\([^,]*,|file\()\s*["']([\w./-]+)["']""")
_QUOTED = re.compile(r"""["']([^"'\n]*)["']""")
_PLUGIN = re.compile(
    r"""\bid\s*\(?\s*["']([\w.-]+)["'](.*)|\bapply\s*\(?\s*plugin\s*[:=]\s*["']([\w.-]+)["']|\bkotlin\s*\(\s*["']([\w.-]+)["']\s*\)(.*)"""
    r"""|\balias\s*\(\s*libs\.plugins\.([\w.]+)\s*\)(.*)"""
)
_SHORT = re.compile(r"^\s*`?(application|java|war|java-library)`?\s*$", re.MULTILINE)
_TOOLCHAIN = re.compile(r"JavaLanguageVersion\.of\(\s*[\"']?(\d+)|\bjvmToolchain\s*\(?\s*(\d+)")
_COMPATIBLE = re.compile(
    r"\b(?:sourceCompatibility|targetCompatibility|jvmTarget)(?:\s*=|\.set\()\s*(?:JavaVersion\.|JvmTarget\.|org[\w.]+\.)?"
    r"(?:VERSION_|JVM_|toVersion\()?[\"']?(\d[\d._]*)|\boptions\.release(?:\s*=|\.set\()\s*(\d+)"
)
_MAIN = re.compile(r"""\b(?:mainClass(?:Name)?(?:\s*=|\.set\()|["']?Main-Class["']?\s*(?::|to|,))\s*["']([\w.$]+)["']""")
_GROUPS = re.compile(r"""["']([\w.-]+):[\w.-]+(?::[\w.$+{}-]+)?["']""")


def without_comments(text: str) -> str:
    """Return a script without its comments; what stands in quotes is none."""
    return _TOKENS.sub(lambda match: " " if match[2] else match[0], text)


def block(text: str, name: str) -> str:
    """Return what stands in the braces behind ``name``, of all such blocks; braces in quotes do not count."""
    found = []
    for opening in re.finditer(rf"\b{name}\s*\{{", text):
        depth = 1
        for token in _TOKENS.finditer(text, opening.end()):
            depth += {"{": 1, "}": -1}.get(token[3] or "", 0)
            if not depth:
                found.append(text[opening.end() : token.start()])
                break
    return "\n".join(found)


@dataclass(frozen=True)
class Project:
    """One project of a build. ``path`` is Gradle's (``:apps:web``), empty for the root."""

    build: Build
    path: str
    folder: str

    @cached_property
    def own(self) -> str:
        """Its script, without comments."""
        found = self.build.source.first(*(posixpath.join(self.folder, one) for one in SCRIPTS))
        return without_comments(self.build.source.text(found)) if found else ""

    @cached_property
    def text(self) -> str:
        """Its script, what the root says for all projects, and scripts of the build's own that it applies as plugins."""
        root = self.build.root
        shared = [block(root.own, "allprojects"), block(root.own, "subprojects") if self is not root else ""]
        text = "\n".join([self.own, *shared])
        return "\n".join([text, *(self.build.conventions[name] for name in self._applied(text) if name in self.build.conventions)])

    @cached_property
    def plugins(self) -> set[str]:
        """The ids of the plugins that it applies."""
        return self._applied(self.text)

    def _applied(self, text: str) -> set[str]:
        found = set(_SHORT.findall(block(text, "plugins")))
        for name, after, legacy, kotlin, after_kotlin, alias, after_alias in _PLUGIN.findall(text):
            if not re.search(r"\bapply\b\s*\(?\s*false", after + after_kotlin + after_alias):
                found.add(name or legacy or (f"org.jetbrains.kotlin.{kotlin}" if kotlin else self.build.aliases.get(alias, "")))
        return found - {""}

    @property
    def groups(self) -> list[str]:
        """The groups of what it depends on and the ids of its plugins: they show its framework."""
        return [*_GROUPS.findall(self.text), *self.build.catalog_groups(self.text), *self.plugins]

    @property
    def main(self) -> str:
        """The main class that it names; empty for none."""
        found = _MAIN.search(self.text)
        return found[1] if found else ""

    @property
    def name(self) -> str:
        """The project's name: of the last folder, for the root what the settings say, else the folder's in which rw builds."""
        return self.path.rpartition(":")[2] or self.build.root_name

    @property
    def script(self) -> str:
        """The path of its build file."""
        return self.build.source.first(*(posixpath.join(self.folder, one) for one in SCRIPTS)) or SCRIPTS[0]


@dataclass(frozen=True)
class Build:
    """A Gradle build."""

    source: Source

    @cached_property
    def settings(self) -> str:
        """The settings, without comments."""
        found = self.source.first(*SETTINGS)
        return without_comments(self.source.text(found)) if found else ""

    @property
    def root_name(self) -> str:
        """The root project's name; without one in the settings it is the folder's."""
        found = re.search(r"""rootProject\.name\s*=\s*["']([\w.-]+)["']""", self.settings)
        return found[1] if found else "app"

    @cached_property
    def root(self) -> Project:
        """The root project."""
        return Project(self, "", "")

    @cached_property
    def projects(self) -> list[Project]:
        """The root and all projects that the settings name literally."""
        found = {"": self.root}
        moved = dict(_MOVED.findall(self.settings))
        for names in _INCLUDE.findall(self.settings):
            for name in _QUOTED.findall(names):
                path = name.strip(":")
                found[f":{path}"] = Project(self, f":{path}", moved.get(path, path.replace(":", "/")))
        return list(found.values())

    @cached_property
    def conventions(self) -> dict[str, str]:
        """The build's own plugins by id: scripts below buildSrc or an included build."""
        found = {}
        for path in self.source.paths:
            match = re.fullmatch(r".+/src/main/(?:groovy|kotlin)/([\w.-]+?)\.gradle(?:\.kts)?", path)
            if match:
                found[match[1]] = without_comments(self.source.text(path))
        return found

    @cached_property
    def _catalog(self) -> dict[str, Any]:
        return self.source.toml(CATALOG) if self.source.has(CATALOG) else {}

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Plugin ids by the accessors of the version catalog (``spring.boot`` for ``spring-boot``)."""
        said = self._catalog.get("plugins")
        found = {}
        for name, one in said.items() if isinstance(said, dict) else ():
            plugin = one.get("id") if isinstance(one, dict) else one.partition(":")[0] if isinstance(one, str) else None
            if isinstance(plugin, str):
                found[re.sub(r"[-_]", ".", name)] = plugin
        return found

    def catalog_groups(self, text: str) -> list[str]:
        """Return the groups of the catalog's libraries that a script uses."""
        said, found = self._catalog.get("libraries"), []
        for name, one in said.items() if isinstance(said, dict) else ():
            module = one if isinstance(one, str) else one.get("module") or one.get("group") if isinstance(one, dict) else ""
            if isinstance(module, str) and re.search(rf"\blibs\.{re.escape(re.sub(r'[-_]', '.', name))}\b", text):
                found.append(module.partition(":")[0])
        return found

    @property
    def version(self) -> str:
        """Gradle's version by the wrapper; empty without one."""
        found = re.search(r"gradle-(\d+(?:\.\d+)*)", self.source.text(WRAPPER))
        return found[1] if found else ""

    @property
    def java_range(self) -> tuple[int, int]:
        """The oldest and the newest Java that this Gradle runs on."""
        numbers = tuple(int(part[:4]) for part in (self.version or NEWEST).split("."))
        return 17 if numbers >= (9,) else 8, max((java for least, java in JAVA_MOST if numbers >= least), default=8)

    def toolchain(self, project: Project) -> int:
        """Return the Java of the toolchain that a project, or the root, asks for; 0 for none."""
        found = next((match for text in (project.text, self.root.text) if (match := _TOOLCHAIN.search(text))), None)
        return int((found[1] or found[2])[:4]) if found else 0

    def wanted(self, project: Project) -> list[Wanted]:
        """Return which Java the project is written for, the strongest first, within what its Gradle runs on."""
        least, most = self.java_range
        limits, said = f">={least} <={most}", []
        if number := self.toolchain(project):
            said.append(Wanted(str(number), f"the toolchain in {project.script}"))
        match = next((match for text in (project.text, self.root.text) if (match := _COMPATIBLE.search(text))), None)
        if match:
            number = int(re.sub(r"^1[._](?=\d)", "", match[1] or match[2]).replace("_", ".").split(".")[0][:4])
            text = str(number) if least <= number <= most else f">={max(number, least)} <={most}"
            said.append(Wanted(text, f"the compatibility in {project.script}"))
        return [*said, Wanted(limits, f"Gradle {self.version} in {WRAPPER}")] if self.version else said
