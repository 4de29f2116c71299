"""What pom.xml files say: modules, properties, plugins, the Java that is wanted. Pure.

Source: Maven's POM reference. Parents are read where they lie in the same tree; profiles are not.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted
from rw_daemon.detection.xml_tree import Element, parse

NAME = "pom.xml"
DEFAULT_GROUP = "org.apache.maven.plugins"
JAVA_PROPERTIES = ("maven.compiler.release", "maven.compiler.target", "maven.compiler.source", "java.version", "kotlin.compiler.jvmTarget")
COMPILERS = (*(("maven-compiler-plugin", key) for key in ("release", "target", "source")), ("kotlin-maven-plugin", "jvmTarget"))
_VARIABLE = re.compile(r"\$\{([^${}]+)\}")
_ROUNDS = 5


@dataclass(frozen=True)
class Plugin:
    """A plugin of the build, with its configurations: its own and those of its executions."""

    group: str
    artifact: str
    element: Element

    @property
    def configurations(self) -> list[Element]:
        """All configurations."""
        return [*self.element.all("configuration"), *self.element.all("executions/execution/configuration")]

    @property
    def goals(self) -> set[str]:
        """The goals that are bound to a phase."""
        return {one.text for one in self.element.all("executions/execution/goals/goal")}


@dataclass(frozen=True)
class Pom:
    """One pom.xml of a source tree."""

    source: Source
    path: str

    @property
    def folder(self) -> str:
        """The module's folder, empty for the root."""
        return posixpath.dirname(self.path)

    @cached_property
    def tree(self) -> Element:
        """The element ``project``."""
        return parse(self.path, self.source.data(self.path))

    @cached_property
    def lineage(self) -> list[Pom]:
        """This pom and its parents, as far as they lie in the tree."""
        found = [self]
        while parent := found[-1].parent:
            if parent.path in {one.path for one in found}:
                break
            found.append(parent)
        return found

    @property
    def parent(self) -> Pom | None:
        """The parent, where it lies in the tree."""
        if not any(self.tree.all("parent")):
            return None
        said = next((one.text for one in self.tree.all("parent/relativePath")), f"../{NAME}")
        path = posixpath.normpath(posixpath.join(self.folder, said)) if said else ""
        path = path if path.endswith(".xml") else f"{path}/{NAME}"
        return Pom(self.source, path) if self.source.has(path) and path != self.path else None

    @property
    def has_foreign_parent(self) -> bool:
        """Whether something is inherited that is not in the tree."""
        return any(self.lineage[-1].tree.all("parent"))

    @cached_property
    def properties(self) -> dict[str, str]:
        """All properties, the nearest win, and what the project says of itself."""
        found: dict[str, str] = {}
        for pom in reversed(self.lineage):
            found |= {one.name: one.text for group in pom.tree.all("properties") for one in group.children}
        project = {key: self.own(key) for key in ("artifactId", "version", "groupId", "packaging")}
        return found | {f"{prefix}.{key}": text for key, text in project.items() for prefix in ("project", "pom")}

    def own(self, key: str) -> str:
        """Return a coordinate of the project, from its parent where it says none; properties in it are not yet filled in."""
        return self.tree.at(key) or (self.tree.at(f"parent/{key}") if key in {"version", "groupId"} else "")

    def filled(self, text: str) -> str:
        """Return text with its properties filled in; those that are not known stay as they are."""
        for _ in range(_ROUNDS):
            text, before = _VARIABLE.sub(lambda match: self.properties.get(match[1], match[0])[:200], text)[:400], text
            if text == before:
                break
        return text

    @property
    def artifact(self) -> str:
        """The project's artifactId."""
        return self.filled(self.own("artifactId"))

    @property
    def packaging(self) -> str:
        """``jar`` unless it says otherwise."""
        return self.filled(self.own("packaging")) or "jar"

    @property
    def final_name(self) -> str:
        """The name of what is built, without its ending; empty when it depends on something that is not in the tree."""
        said = next((name for pom in self.lineage if (name := pom.tree.at("build/finalName"))), "")
        name = self.filled(said or f"{self.own('artifactId')}-{self.own('version')}")
        return name if re.fullmatch(r"[\w.+-]+", name) else ""

    def plugins(self, *, managed: bool = False) -> Iterator[Plugin]:
        """Yield the plugins of the build, the project's own before inherited ones.

        :param managed: those that are only configured as well.
        """
        places = ["build/plugins/plugin", *(["build/pluginManagement/plugins/plugin"] if managed else [])]
        for pom in self.lineage:
            for element in (one for place in places for one in pom.tree.all(place)):
                yield Plugin(self.filled(element.at("groupId")) or DEFAULT_GROUP, self.filled(element.at("artifactId")), element)

    def configured(self, artifact: str, key: str, *, managed: bool = False) -> str:
        """Return the first value of ``key`` in the configuration of a plugin, at any depth."""
        found = (
            value
            for plugin in self.plugins(managed=managed)
            if plugin.artifact == artifact
            for configuration in plugin.configurations
            for element in configuration.below(key)
            if (value := self.filled(element.text))
        )
        return next(found, "")

    @cached_property
    def dependencies(self) -> list[tuple[str, str, str]]:
        """Group, artifact and scope of what the project depends on, inherited ones as well."""
        found = [one for pom in self.lineage for one in pom.tree.all("dependencies/dependency")]
        said = [[self.filled(one.at(key)) for key in ("groupId", "artifactId", "scope")] for one in found]
        return [(group, artifact, scope or "compile") for group, artifact, scope in said]

    @property
    def groups(self) -> list[str]:
        """The groups of all that it uses: they show its framework."""
        scopes = [group for group, _, scope in self.dependencies if scope != "test"]
        return [*scopes, *(plugin.group for plugin in self.plugins()), *(pom.tree.at("parent/groupId") for pom in self.lineage)]

    @property
    def needs_sources(self) -> bool:
        """Whether it takes jars out of the tree itself."""
        trees = [pom.tree for pom in self.lineage]
        places = [one.at("url") for tree in trees for one in tree.below("repository")]
        places += [f"file:{one.text}" for tree in trees for one in tree.below("systemPath")]
        return any(place.startswith("file:") or "basedir" in place for place in places)

    def _enforced(self) -> str:
        """Return the range of JDKs that the enforcer plugin lets build; a bare number is the least (its documentation)."""
        rules = (rule for plugin in self.plugins() for one in plugin.configurations for rule in one.below("requireJavaVersion"))
        text = self.filled(next((rule.at("version") for rule in rules), ""))
        return f">={text}" if re.fullmatch(r"[\d.]+", text) else _range(text)

    def wanted(self) -> list[Wanted]:
        """Return which Java the project says it is written for, the strongest first."""
        toolchain = self.configured("maven-toolchains-plugin", "version", managed=True)
        enforced = self._enforced()
        said = [(_range(toolchain), f"the toolchain in {self.path}"), (enforced, f"requireJavaVersion in {self.path}")]
        said += [(self.filled(self.properties.get(name, "")), f"{name} in {self.path}") for name in JAVA_PROPERTIES]
        for plugin, key in COMPILERS:
            said.append((self.configured(plugin, key, managed=True), f"{key} of {plugin} in {self.path}"))
        top = self.lineage[-1].tree
        if top.at("parent/artifactId") == "spring-boot-starter-parent":
            said.append((spring_needs(top.at("parent/version")), f"Spring Boot {top.at('parent/version')} in {self.lineage[-1].path}"))
        return [Wanted(text, place) for text, place in said if re.search(r"\d", text) and "$" not in text]


def spring_needs(version: str) -> str:
    """Return the range of Java versions that a Spring Boot runs on: its documentation's "System Requirements"."""
    major = version.partition(".")[0]
    return {"1": "8", "2": ">=8 <=17", "3": ">=17", "4": ">=17"}.get(major, "")


def _range(text: str) -> str:
    """Return Maven's ``[17,18)`` as other tools write it."""
    match = re.fullmatch(r"([\[(])\s*([\d.]*)\s*,\s*([\d.]*)\s*([\])])", text)
    if not match:
        return text
    least = f"{'>=' if match[1] == '[' else '>'}{match[2]}" if match[2] else ""
    most = f"{'<=' if match[4] == ']' else '<'}{match[3]}" if match[3] else ""
    return f"{least} {most}".strip()


def modules(source: Source) -> list[Pom]:
    """Return the root project and all its modules, in the order in which they are named."""
    found: dict[str, Pom] = {}
    pending = [NAME]
    while pending:
        path = pending.pop(0)
        if path in found or not source.has(path):
            continue
        found[path] = pom = Pom(source, path)
        for one in pom.tree.all("modules/module"):
            inner = posixpath.normpath(posixpath.join(pom.folder, pom.filled(one.text)))
            pending.append(inner if inner.endswith(".xml") else f"{inner}/{NAME}")
    return list(found.values())
