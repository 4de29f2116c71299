"""Node beside another language: what installs and builds the assets that its pages use. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rw_daemon.detection import node_managers
from rw_daemon.detection.buildpack import Request
from rw_daemon.detection.node_managers import Manager
from rw_daemon.detection.package_json import NAME, Package
from rw_daemon.detection.versions import Resolved, Wanted, choose
from rw_daemon.plans.plan import Step, Toolchain

OWN_VERSIONS = (".nvmrc", ".node-version")
SETTINGS = (".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", "bunfig.toml")
REGISTRY_VARIABLES = ("NPM_TOKEN", "NODE_AUTH_TOKEN", "NPM_CONFIG_REGISTRY")
PROGRAMS = ".node-programs"
"""Folder beside the app for the package manager itself, so that another language's tools find it by its name."""


@dataclass(frozen=True)
class Assets:
    """One package.json beside an app in another language.

    :param folder: where it lies, empty for the app's own folder.
    """

    package: Package
    manager: Manager
    version: Resolved
    folder: str = ""

    @property
    def image(self) -> str:
        """The image that Node comes from. Its libraries are those of every Debian since 11."""
        return f"node:{self.version.version}-slim"

    @property
    def toolchain(self) -> Toolchain:
        """Node and npm for the build."""
        return Toolchain(image=self.image, path="/usr/local/")

    @property
    def tools(self) -> dict[str, str]:
        """What a machine without Docker needs."""
        return {"node": self.version.allowed, "npm": ""}

    def install(self, *, by_name: bool = False) -> Step:
        """Return the step that installs packages.

        :param by_name: the manager as well, for tools that call it; its folder is ``PROGRAMS``.
        """
        named = by_name and self.manager.name != "npm"
        own = (brought(package_of(self.manager)),) if named else ()
        source, at = self.package.source, self.package.at
        files = [one for one in (self.manager.lock, *SETTINGS) if one and source.has(at(one))]
        needs_all = self.package.needs_sources_to_install or "workspaces" in self.package.data
        return Step(
            name="node",
            commands=(*own, self._here(self.manager.install(development=True))),
            inputs=(".",) if needs_all else (*(at(one) for one in (NAME, *files)), *self.package.local),
            caches=self.manager.caches,
            variables=REGISTRY_VARIABLES,
        )

    def build(self, *scripts: str) -> str:
        """Return the command that runs the first of these scripts that package.json has; empty when it has none."""
        script = next((one for one in scripts if one in self.package.scripts), "")
        return self.manager.run(script, self.folder) if script else ""

    def clean(self) -> str:
        """Return the command that removes what only the build needed."""
        return f"rm -rf {self.package.at('node_modules')} {PROGRAMS}"

    def _here(self, command: str) -> str:
        return f"cd {self.folder} && {command}" if self.folder else command


def package_of(manager: Manager) -> str:
    """Return the npm package that brings a package manager."""
    return f"{'@yarnpkg/cli-dist' if manager.is_berry else manager.name}@{manager.version}"


def brought(*packages: str) -> str:
    """Return the command that puts programs below ``PROGRAMS``, where others find them by their names."""
    return f"npm install --no-audit --no-fund --prefix {PROGRAMS} {' '.join(packages)}"


def find(request: Request, folder: str = "") -> Assets | None:
    """Return what package.json in ``folder`` asks for; ``None`` without one. ``ConfigInvalidError`` when it cannot be parsed."""
    return read(request, folder) if request.source.has(Package(request.source, folder).at(NAME)) else None


def read(request: Request, folder: str = "") -> Assets:
    """Return the same also where there is none: Node in its usual version, and nothing to install."""
    package = Package(request.source, folder)
    manager = node_managers.find(package if not folder else Package(request.source.below(folder)))
    own = [Wanted(request.source.text(one).split("#")[0].strip(), one) for one in OWN_VERSIONS if request.source.has(one)]
    ranges = [Wanted(package.texts("engines").get("node", ""), f"engines in {package.at(NAME)}")]
    version = choose("node", request.source, own=own, manifests=ranges, variables=request.variables)
    return Assets(package, manager, version, folder)
