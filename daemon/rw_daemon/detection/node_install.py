"""How a Node project's packages are installed: by the manager whose lock file lies there or that package.json names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rw_daemon.detection import node_workspaces
from rw_daemon.detection.package_json import Package
from rw_daemon.detection.source import Source
from rw_daemon.plans.plan import Cache, Step

NPM_CACHE = Cache(id="npm", path="/root/.npm", variable="npm_config_cache")
LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
DEFAULT_VERSIONS = {"pnpm": "9", "yarn": "1.22.22", "bun": "1"}
CONFIGURATION = (".npmrc", ".yarnrc.yml", ".yarnrc", ".pnpmfile.cjs", node_workspaces.PNPM, "turbo.json")


@dataclass(frozen=True)
class Manager:
    """A package manager. ``run`` is how it is called: through npx where it is not npm, which every Node brings."""

    name: str
    version: str
    source: str

    @property
    def run(self) -> str:
        """Return the start of its commands."""
        if self.name == "npm":
            return "npm"
        package = "@yarnpkg/cli-dist" if self.name == "yarn" and not self.version.startswith("1") else self.name
        if package != self.name:
            return f"npx --yes --package={package}@{self.version} yarn"
        return f"npx --yes {self.name}@{self.version}"

    @property
    def is_berry(self) -> bool:
        """Yarn 2 and newer."""
        return self.name == "yarn" and not self.version.startswith("1")


def choose(source: Source) -> Manager:
    """Return the manager: ``packageManager`` in package.json, else the lock file, else npm."""
    match = re.fullmatch(r"(npm|pnpm|yarn|bun)@(\d[\w.-]*)(\+.*)?", Package.read(source).text("packageManager"))
    if match:
        return Manager(match[1], match[2], "packageManager in package.json")
    lock = source.first(*LOCKS)
    if lock is None:
        return Manager("npm", "", "default")
    name = LOCKS[lock]
    version = DEFAULT_VERSIONS.get(name, "")
    if name == "yarn" and "__metadata:" in source.text(lock):
        version = "4"
    if name == "pnpm" and (found := re.search(r"^lockfileVersion:\s*'?(\d+)", source.text(lock), re.MULTILINE)):
        version = {"5": "7", "6": "8"}.get(found[1], "9")
    return Manager(name, version, lock)


def step(source: Source, manager: Manager) -> Step:
    """Return the step that installs everything, frozen where there is a lock file; manifests only, so that sources change nothing."""
    lock = source.first(*(one for one, name in LOCKS.items() if name == manager.name))
    names = ("package.json", lock or "", *CONFIGURATION, *node_workspaces.manifests(source))
    inputs = [path for path in names if path and source.has(path)]
    inputs += [folder for folder in (".yarn/releases", ".yarn/plugins", "patches", "prisma") if source.has_folder(folder)]
    command = {
        "npm": "npm ci --no-audit --no-fund" if lock else "npm install --no-audit --no-fund",
        "pnpm": f"{manager.run} install" + (" --frozen-lockfile" if lock else ""),
        "yarn": f"{manager.run} install" + (_frozen(manager) if lock else ""),
        "bun": f"{manager.run} install" + (" --frozen-lockfile" if lock else ""),
    }[manager.name]
    return Step(name="install", commands=(command,), inputs=tuple(inputs), caches=(NPM_CACHE,))


def _frozen(manager: Manager) -> str:
    return " --immutable" if manager.is_berry else " --frozen-lockfile"


def prune(manager: Manager) -> str:
    """Return the command that drops what only the build needed; empty where the manager has none that is safe."""
    return {
        "npm": "npm prune --omit=dev --no-audit --no-fund --ignore-scripts",
        "pnpm": f"{manager.run} prune --prod --ignore-scripts",
    }.get(manager.name, "")
