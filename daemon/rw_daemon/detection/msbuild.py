"""What .NET project files say: targets, kinds, names, references. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property

from rw_daemon.detection.source import Source
from rw_daemon.detection.versions import Wanted
from rw_daemon.detection.xml_tree import parse

SUFFIXES = (".csproj", ".fsproj", ".vbproj")
SOLUTIONS = (".sln", ".slnx")
SHARED = "Directory.Build.props"
SDK_FILE = "global.json"
WEB = "Microsoft.NET.Sdk.Web"
READ_TO_RESTORE = re.compile(
    r"(?:.*/)?(?:[^/]+\.(?:csproj|fsproj|vbproj|sln|slnx)|Directory\.[\w.]+|(?:NuGet|nuget)\.[Cc]onfig|packages\.lock\.json)"
)
_FRAMEWORK = re.compile(r"net(\d{1,3}\.\d{1,3})(?:-.*)?$")
_SDK = re.compile(r"\d+\.\d+\.\d{3}(?:-.*)?")
ROLLS_ON = frozenset({"latestFeature", "latestMinor", "latestMajor", "feature", "minor", "major"})


@dataclass(frozen=True)
class Project:
    """One project file."""

    source: Source
    path: str

    @property
    def folder(self) -> str:
        """Where it lies."""
        return posixpath.dirname(self.path)

    def value(self, name: str) -> str:
        """Return a property that is written out, of the project or of what it shares with its neighbours; empty otherwise.

        ``ConfigInvalidError`` when a file cannot be read.
        """
        for path in (self.path, *self._shared):
            tree = parse(path, self.source.data(path))
            found = next((group.at(name) for group in tree.all("PropertyGroup") if group.at(name)), "")
            if found:
                return found
        return ""

    @property
    def _shared(self) -> list[str]:
        folder, found = self.folder, []
        while True:
            found.append(posixpath.join(folder, SHARED))
            if not folder:
                return [one for one in found if self.source.has(one)][:1]
            folder = posixpath.dirname(folder)

    @cached_property
    def frameworks(self) -> tuple[str, ...]:
        """The versions of .NET that it is built for, the newest last."""
        said = (self.value("TargetFramework") or self.value("TargetFrameworks")).split(";")
        found = {match[1] for one in said if (match := _FRAMEWORK.match(one.strip()))}
        return tuple(sorted(found, key=lambda one: tuple(map(int, one.split(".")))))

    @cached_property
    def sdk(self) -> str:
        """The SDK that the project names."""
        tree = parse(self.path, self.source.data(self.path))
        return tree.attributes.get("Sdk", "") or next((one.attributes.get("Name", "") for one in tree.all("Sdk")), "")

    @property
    def is_web(self) -> bool:
        """Return whether it runs on ASP.NET."""
        tree = parse(self.path, self.source.data(self.path))
        named = any(one.attributes.get("Include") == "Microsoft.AspNetCore.App" for one in tree.below("FrameworkReference"))
        return self.sdk.startswith(WEB) or named

    @property
    def runs(self) -> bool:
        """Return whether it can be started, and is no test."""
        is_test = self.value("IsTestProject").lower() == "true" or re.search(r"(?i)[.-]tests?$", self.stem) is not None
        return not is_test and (self.is_web or self.sdk.endswith(".Worker") or self.value("OutputType").lower() == "exe")

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return posixpath.splitext(posixpath.basename(self.path))[0]

    @property
    def assembly(self) -> str:
        """The name of what is built, without ``.dll``."""
        said = self.value("AssemblyName")
        return said if re.fullmatch(r"[\w.-]+", said) else self.stem


def projects(source: Source) -> list[Project]:
    """Return all projects, the highest first, then by name."""
    found = [path for path in source.paths if path.endswith(SUFFIXES) and not re.search(r"(^|/)(bin|obj|node_modules)/", path)]
    return [Project(source, path) for path in sorted(found, key=lambda path: (path.count("/"), path))]


def pinned_sdk(source: Source) -> tuple[Wanted | None, str]:
    """Return what global.json says, and the SDK's whole version where no other will do. ``ConfigInvalidError`` when it cannot be parsed."""
    sdk = source.jsonc(SDK_FILE).get("sdk")
    version = sdk.get("version") if isinstance(sdk, dict) else None
    if not isinstance(sdk, dict) or not isinstance(version, str) or not re.match(r"\d+\.\d+", version):
        return None, ""
    is_exact = _SDK.fullmatch(version) and sdk.get("rollForward") not in ROLLS_ON
    return Wanted(".".join(version.split(".")[:2]), SDK_FILE), version if is_exact else ""
