"""What of this machine a command can look at by itself. Nothing is changed here; ``mend`` does what needs no other rights."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rw_cli import launcher
from rw_cli.client import Json
from rw_cli.context.session import Session, root_of
from rw_shared.errors import RwError
from rw_shared.paths import Home
from rw_shared.version import VERSION

LEAST_FREE_BYTES = 1000**3
LEAST_WATCHES = 65_536
"""Folders that may be watched; the kernel's old default of 8,192 is used up by one editor."""
MANY_FILES, MANY_BYTES = 10_000, 200 * 1000**2
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"}
"""File systems on which locks and SQLite are not to be trusted (SQLite, "How To Corrupt An SQLite Database File", section 2.1)."""


def check(name: str, status: str, detail: str, fix: str = "") -> Json:
    """Return one condition as ``Check`` of the API has it."""
    return {"id": name, "status": status, "detail": detail, "fix": fix}


def checks(session: Session, path: str) -> Iterator[Json]:
    """Yield every condition, those of the daemon among them."""
    yield home_check(session.home, mounts=_read("/proc/mounts"))
    yield disk_check(session.home.root)
    try:
        yield daemon_check(session)
        yield from session.client.call("POST", "/v1/checks", body={"environ": session.environ})["items"]
    except RwError as error:
        yield check("daemon", "fail", f"{error.message} {error.why}".strip(), error.hint)
    yield names_check(socket.gethostbyname)
    yield watches_check(_read("/proc/sys/fs/inotify/max_user_watches"))
    yield clock_check(session.home.root)
    yield linger_check(os.environ, Path("/"))
    yield cluster_check(os.environ, Path.home())
    yield from project_checks(session, path)


def home_check(home: Home, *, mounts: str) -> Json:
    """The state folder: ours alone, and on a disk of this machine."""
    kind = filesystem_of(home.root, mounts)
    if kind in REMOTE:
        detail = f"{home.root} lies on {kind}: locks and the database are not safe there"
        return check("home", "fail", detail, "export RW_HOME=/a/folder/of/this/machine")
    if home.root.exists():
        found = home.root.stat()
        if found.st_uid != os.geteuid():
            return check("home", "fail", f"{home.root} belongs to somebody else", f"sudo chown -R $USER {home.root}")
        if stat.S_IMODE(found.st_mode) & 0o077:
            return check("home", "warn", f"{home.root} can be read by others", f"chmod 700 {home.root}")
    return check("home", "ok", f"{home.root} ({kind or 'unknown file system'})")


def filesystem_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds ``folder``, from the text of /proc/mounts; empty when it says nothing."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        place, found = line.split()[1:3]
        at = place.replace("\\040", " ")
        if (folder.is_relative_to(at)) and len(at) > best:
            best, kind = len(at), found
    return kind


def disk_check(folder: Path) -> Json:
    """Space for snapshots, releases and logs."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    status = "warn" if free < LEAST_FREE_BYTES else "ok"
    return check(
        "disk",
        status,
        f"{free / 1e9:.1f} GB free at {there}",
        "Free some space: `rw down` in projects you no longer need." if status == "warn" else "",
    )


def daemon_check(session: Session) -> Json:
    """The daemon: running, and of this version."""
    was_running = launcher.answers(session.home)
    info = session.client.call("GET", "/v1/daemon")
    words = f"version {info['version']}, pid {info['pid']}" + ("" if was_running else ", started just now")
    if info["version"] != VERSION:
        return check("daemon", "warn", f"{words}; this command is {VERSION}", "rw daemon stop")
    if info["previousEnd"] == "killed":
        words += "; the one before it was killed"
    return check("daemon", "ok", words)


def names_check(resolve: Callable[[str], str]) -> Json:
    """``*.localhost``: browsers and curl know it by themselves, other programs ask the system."""
    try:
        found = resolve("web.app.localhost")
    except OSError:
        found = ""
    if found.startswith("127."):
        return check("names", "ok", f"*.localhost leads to {found}")
    detail = "*.localhost does not lead to this machine for programs that ask the system; browsers and curl know it"
    return check("names", "warn", detail, "Use the URLs on 127.0.0.1 that `rw status --json` lists, or install libnss-myhostname.")


def watches_check(text: str) -> Json:
    """What `rw up --watch` may watch."""
    if not text.strip().isdigit():
        return check("watches", "ok", "this system names no limit")
    if int(text) < LEAST_WATCHES:
        return check("watches", "warn", f"{int(text):,} folders may be watched", "sudo sysctl fs.inotify.max_user_watches=524288")
    return check("watches", "ok", f"{int(text):,} folders may be watched")


def clock_check(folder: Path) -> Json:
    """Clock and file system: a file that is written now must not be of tomorrow, or changes are not seen."""
    try:
        with tempfile.TemporaryFile(dir=folder if folder.exists() else None) as file:
            skew = os.fstat(file.fileno()).st_mtime - time.time()
    except OSError as error:
        return check("clock", "warn", f"it cannot be compared: {error.strerror}")
    if abs(skew) > 2:
        return check("clock", "warn", f"files are stamped {skew:+.0f} s off the clock", "Set the clock: `sudo timedatectl set-ntp true`.")
    return check("clock", "ok", "clock and file stamps agree")


def linger_check(environ: Mapping[str, str], root: Path) -> Json:
    """Whether the system ends a user's processes at logout (systemd's KillUserProcesses)."""
    settings = _read(root / "etc/systemd/logind.conf")
    kills = any(line.replace(" ", "").lower() in {"killuserprocesses=yes", "killuserprocesses=true"} for line in settings.splitlines())
    name = environ.get("USER", "")
    if not kills or (root / "var/lib/systemd/linger" / name).exists():
        return check("linger", "ok", "services outlive your session")
    return check("linger", "warn", "this system ends your services when you log out", f"loginctl enable-linger {name}".strip())


def cluster_check(environ: Mapping[str, str], home: Path) -> Json:
    """The Kubernetes context that this user's tools would take: ``KUBECONFIG``, a list of files of which the first word counts."""
    places = [Path(one) for one in environ.get("KUBECONFIG", "").split(os.pathsep) if one] or [home / ".kube" / "config"]
    there = [place for place in places if place.exists()]
    if not there:
        return check("cluster", "ok", "no Kubernetes context; services run in containers or as processes")
    import yaml  # lazy: only this check reads YAML

    context = ""
    for place in there:
        try:
            found = yaml.safe_load(place.read_text())
        except (OSError, ValueError, yaml.YAMLError) as error:
            words = f"{place} cannot be read: {str(error).splitlines()[0]}"
            return check("cluster", "warn", words, f"kubectl --kubeconfig {place} config view")
        context = context or str((found.get("current-context") if isinstance(found, dict) else "") or "")
    if not context:
        return check("cluster", "ok", f"{there[0]} names no current context")
    return check("cluster", "ok", f"context {context}; this version deploys to containers and processes only")


def project_checks(session: Session, path: str) -> Iterator[Json]:
    """The folder: its railway file, and how much of it is taken for a build."""
    root, _ = root_of(Path(path).absolute())
    try:
        taken = session.take(path)
        files, size = taken["files"], taken["sizeBytes"]
        words = f"{files:,} files, {size / 1e6:.1f} MB of {root}"
        if files > MANY_FILES or size > MANY_BYTES:
            yield check(
                "sources", "warn", f"{words} are taken for each deployment", "Leave out what no build needs: write a .railwayignore."
            )
        else:
            yield check("sources", "ok", words)
        warnings = [one for answer in session.plans(taken["digest"]) for one in answer["plan"]["warnings"]]
    except RwError as error:
        yield check("project", "warn", f"{error.message} {error.why}".strip(), error.hint)
        return
    for one in warnings:
        yield check("project", "warn", one["message"], one["fix"])
    if not warnings:
        yield check("project", "ok", "what is here can be built")


def mend(session: Session, found: Json) -> str:
    """Do what mends a condition without other rights; returns what was done, empty for nothing."""
    if found["id"] == "home" and found["fix"].startswith("chmod"):
        session.home.root.chmod(0o700)
        return f"{session.home.root} is yours alone now"
    if found["id"] == "daemon" and found["fix"] == "rw daemon stop":
        session.client.call("POST", "/v1/daemon/stop", body={})
        return "the daemon was stopped; the next command starts this version's"
    if found["id"] == "linger" and shutil.which("loginctl"):
        done = subprocess.run(found["fix"].split(), capture_output=True, check=False)
        return "services outlive your session now" if done.returncode == 0 else ""
    return ""


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
