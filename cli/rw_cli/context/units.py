"""The daemon as a unit of the user's systemd. Source: systemd.service(5), systemd.unit(5)."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from rw_cli import launcher
from rw_shared.paths import Home

NAME = "rw.service"
BY_HAND = f"systemd does not answer here; where it does: systemctl --user daemon-reload && systemctl --user enable --now {NAME}"
TELL_SECONDS = 20


def path_of(environ: Mapping[str, str]) -> Path:
    """Return where the user's units lie."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "/")) / ".config")
    return Path(base) / "systemd" / "user" / NAME


def text_of(home: Home) -> str:
    """Return the unit. Its processes are left alone when it ends: they are the user's services."""
    command = " ".join(shlex.quote(word).replace("%", "%%") for word in launcher.daemon_args())
    return (
        "[Unit]\nDescription=rw's control daemon\nAfter=network.target docker.service\n\n"
        f"[Service]\nExecStart={command}\nEnvironment={shlex.quote(f'RW_HOME={home.root}').replace('%', '%%')}\n"
        "KillMode=process\nRestart=on-failure\nRestartSec=2\n\n[Install]\nWantedBy=default.target\n"
    )


def write(home: Home, environ: Mapping[str, str]) -> Path:
    """Write the unit and return its path."""
    unit = path_of(environ)
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(text_of(home))
    return unit


def remove(environ: Mapping[str, str]) -> bool:
    """Remove the unit; returns whether there was one."""
    unit = path_of(environ)
    was_there = unit.exists()
    unit.unlink(missing_ok=True)
    return was_there


def tell(*words: str) -> bool:
    """Have systemd look at the unit; returns whether it answered."""
    if not shutil.which("systemctl"):
        return False
    for command in (["daemon-reload"], [*words, NAME]):
        done = subprocess.run(["systemctl", "--user", *command], capture_output=True, timeout=TELL_SECONDS, check=False)
        if done.returncode:
            return False
    return True
