"""Package managers of Node: which one a project uses, in which version, and its commands.

Every manager but npm comes through ``npx``: it is in each official node image (corepack leaves them with Node 25) and beside each
node on a machine, so that both targets run the same commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rw_daemon.detection.package_json import Package
from rw_daemon.plans.plan import Cache

LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
DEFAULTS = {"pnpm": "9", "yarn": "1.22.22", "bun": "1", "npm": ""}
DEFAULT = "default"
BERRY = "4"
PNPM_BY_LOCK = {"5": "7", "6": "8", "9": "9"}  # lockfileVersion → the last pnpm that writes it: pnpm.io, "lockfile" in its release notes
NPM_CACHE = Cache(id="npm", path="/root/.npm", variable="npm_config_cache")
CACHES = {
    "pnpm": Cache(id="pnpm", path="/root/.local/share/pnpm/store", variable="npm_config_store_dir"),
    "yarn": Cache(id="yarn", path="/root/.cache/yarn", variable="YARN_CACHE_FOLDER"),
    "bun": Cache(id="bun", path="/root/.bun/install/cache", variable="BUN_INSTALL_CACHE_DIR"),
}
_MANAGER = re.compile(r"(npm|pnpm|yarn|bun)(?:@(\d[\w.+-]*))?")


@dataclass(frozen=True)
class Manager:
    """A package manager as a project uses it.

    :param lock: its lock file, empty for none.
    :param source: what names the manager.
    :param is_native: it is the runtime as well, and called by its name.
    """

    name: str
    version: str
    lock: str
    source: str
    is_native: bool = False

    @property
    def is_default(self) -> bool:
        """Nothing in the project names a manager."""
        return self.source == DEFAULT

    @property
    def is_berry(self) -> bool:
        """Yarn 2 or later: other options than Yarn 1."""
        return self.name == "yarn" and not self.version.startswith("1")

    @property
    def caches(self) -> tuple[Cache, ...]:
        """Folders that survive builds."""
        own = (CACHES[self.name],) if self.name in CACHES else ()
        return own if self.is_native else (NPM_CACHE, *own)

    @property
    def program(self) -> str:
        """How the manager is called."""
        if self.name == "npm" or self.is_native:
            return self.name
        if self.is_berry:
            return f"npx --yes --package=@yarnpkg/cli-dist@{self.version} yarn"
        return f"npx --yes {self.name}@{self.version}"

    def install(self, *, development: bool) -> str:
        """Return the command that installs what the lock file says, with or without what only a build needs."""
        frozen = bool(self.lock)
        if self.name == "npm":
            return (
                f"npm {'ci' if frozen else 'install'} --include=dev --no-audit --no-fund"
                if development
                else (f"npm {'ci' if frozen else 'install'} --omit=dev --no-audit --no-fund")
            )
        if self.is_berry:
            return f"{self.program} install" + (" --immutable" if frozen else "")
        options = " --frozen-lockfile" if frozen else ""
        if self.name == "bun":
            return f"{self.program} install{options}" + ("" if development else " --production")
        wanted = {"pnpm": (" --prod=false", " --prod"), "yarn": (" --production=false", " --production")}[self.name]
        return f"{self.program} install{options}{wanted[0] if development else wanted[1]}"

    def prune(self) -> str:
        """Return the command that removes what only the build needed; empty where the manager has none."""
        if self.name == "npm":
            return "npm prune --omit=dev --no-audit --no-fund"
        if self.name == "pnpm":  # `pnpm prune` leaves workspaces alone; CI keeps it from asking before it removes node_modules
            return f"CI=true {self.program} install --prod --ignore-scripts" + (" --frozen-lockfile" if self.lock else "")
        if self.name == "yarn" and not self.is_berry:
            return f"{self.install(development=False)} --ignore-scripts"
        return ""

    def run(self, script: str, folder: str = "") -> str:
        """Return the command that runs a script of package.json in ``folder``."""
        command = f"{self.program} run {script}"
        return f"cd {folder} && {command}" if folder else command


def find(root: Package) -> Manager:
    """Return the manager of a project: ``packageManager``, ``devEngines``, the lock file, ``engines``, npm; in this order."""
    present = {name: lock for lock, name in reversed(LOCKS.items()) if root.source.has(lock)}
    name, version, source = _said(root)
    if not name and present:
        name = next(manager for manager in LOCKS.values() if manager in present)
        source = present[name]
    engines = root.texts("engines")
    if not name:
        name = next((one for one in ("pnpm", "yarn", "bun") if one in engines), "npm")
        source = "engines in package.json" if name in engines else DEFAULT
    return Manager(name, version or _version(root, name), present.get(name, ""), source)


def _said(root: Package) -> tuple[str, str, str]:
    match = _MANAGER.match(root.text("packageManager"))
    if match:
        return match[1], (match[2] or "").split("+")[0], "packageManager in package.json"
    declared = root.data.get("devEngines")
    wanted = declared.get("packageManager") if isinstance(declared, dict) else None
    if isinstance(wanted, dict) and wanted.get("name") in DEFAULTS:
        version = re.fullmatch(r"\d+(\.\d+){0,2}", str(wanted.get("version", "")))
        return str(wanted["name"]), version[0] if version else "", "devEngines in package.json"
    return "", "", ""


def _version(root: Package, name: str) -> str:
    """Return the version that writes the lock file at hand."""
    if name == "pnpm":
        match = re.match(r"lockfileVersion:\s*['\"]?(\d+)", root.source.text("pnpm-lock.yaml"))
        return PNPM_BY_LOCK.get(match[1], DEFAULTS[name]) if match else DEFAULTS[name]
    if name == "yarn" and ("__metadata:" in root.source.text("yarn.lock") or root.source.has(".yarnrc.yml")):
        return BERRY
    return DEFAULTS[name]
