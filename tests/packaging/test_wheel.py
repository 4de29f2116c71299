"""What is in the repository is in the wheel, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCES = {
    "cli/rw_cli": "rw_cli",
    "daemon/rw_daemon": "rw_daemon",
    "shared/rw_shared": "rw_shared",
    "templates/rw_templates": "rw_templates",
}


def test_wheel_holds_exactly_the_files_that_git_knows(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SOURCES], cwd=ROOT, check=True, capture_output=True, text=True
    )
    known = {path for path in listed.stdout.splitlines() if (ROOT / path).is_file()}
    expected = {
        f"{package}/{path.removeprefix(source + '/')}"
        for source, package in SOURCES.items()
        for path in known
        if path.startswith(source + "/")
    }
    assert packed == expected
