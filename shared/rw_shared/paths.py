"""Where rw keeps what: both processes compute the same paths from the same environment. Nothing is touched here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

RUNNING, STOPPED = "running", "stopped"


@dataclass(frozen=True)
class Home:
    """The state folder of one daemon (``RW_HOME``) and what lies in it.

    :param root: the state folder, 0700.
    :param runtime: short folder for sockets (a socket's path may have 107 bytes at most), 0700.
    """

    root: Path
    runtime: Path

    @classmethod
    def of(cls, environ: Mapping[str, str], *, uid: int) -> Home:
        """Return the home that ``environ`` names: RW_HOME, else the XDG state folder."""
        named = environ.get("RW_HOME", "")
        state = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/")) / ".local" / "state")
        root = Path(named).absolute() if named else Path(state) / "rw"
        digest = sha256(str(root).encode()).hexdigest()[:12]
        session = environ.get("XDG_RUNTIME_DIR", "")
        base = Path(session) / "rw" if session else Path(environ.get("TMPDIR") or "/tmp") / f"rw-{uid}"  # noqa: S108 - owner and mode are checked before use
        return cls(root, base / digest)

    @classmethod
    def spare(cls, environ: Mapping[str, str], *, uid: int) -> Home:
        """Return the home for a machine whose usual place cannot be written (a CI job with a read-only home): it may not last."""
        base = Path(environ.get("TMPDIR") or "/tmp") / f"rw-{uid}"  # noqa: S108 - as above
        return cls.of({**environ, "RW_HOME": str(base / "home")}, uid=uid)

    @property
    def socket(self) -> Path:
        """The daemon's API."""
        return self.runtime / "daemon.sock"

    @property
    def lock(self) -> Path:
        """Held by the one daemon of this home; its content is the holder's pid."""
        return self.root / "daemon.lock"

    @property
    def ending(self) -> Path:
        """How the daemon ended: ``RUNNING`` from its start on, ``STOPPED`` from an orderly end on."""
        return self.root / "daemon.end"

    @property
    def daemon_log(self) -> Path:
        """The daemon's own log, JSON lines."""
        return self.root / "daemon.log"

    @property
    def database(self) -> Path:
        """Events and projections."""
        return self.root / "state.db"

    @property
    def snapshots(self) -> Path:
        """Content-addressed sources."""
        return self.root / "snapshots"

    @property
    def releases(self) -> Path:
        """Release folders of the process target."""
        return self.root / "releases"

    @property
    def caches(self) -> Path:
        """What builds share."""
        return self.root / "caches"

    @property
    def instances(self) -> Path:
        """One folder for each replica on the process target: pid file, exit code, output."""
        return self.root / "instances"

    @property
    def jobs(self) -> Path:
        """Pre-deploy commands by key: output and exit code."""
        return self.root / "jobs"

    @property
    def logs(self) -> Path:
        """Kept lines of all services."""
        return self.root / "logs"

    @property
    def edge(self) -> Path:
        """Envoy, its files, its access log."""
        return self.root / "edge"


PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "KUBECONFIG", "SSH_AUTH_SOCK", "NO_COLOR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")
PASSED_ON_PREFIXES = ("DOCKER_", "RW_", "NIXPACKS_", "RAILPACK_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy")
# where packages come from, which certificates to trust on the way, what time to write down: a build fails, or comes out another one,
# without what the user's shell has
BUILD_FACTS = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "GOPROXY",
    "GONOSUMDB",
    "GOFLAGS",
    "GOSUMDB",
    "SOURCE_DATE_EPOCH",
)
PACKAGE_SOURCE_PREFIXES = ("UV_", "PIP_", "NPM_CONFIG_", "npm_config_", "COREPACK_", "CARGO_")


def client_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of the caller's environment that an order carries to the daemon; everything else stays with the caller."""
    names = {*PASSED_ON, *PROXIES, *BUILD_FACTS}
    prefixes = PASSED_ON_PREFIXES + PACKAGE_SOURCE_PREFIXES
    return {name: value for name, value in environ.items() if name in names or name.startswith(prefixes)}
