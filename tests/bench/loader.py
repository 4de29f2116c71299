"""The loader of ``loader/``, which is fast enough for thousands of requests a second: built where Go is, run while it is entered."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

from rw_cli.context.load import Sample

SOURCE = Path(__file__).parent / "loader"
IMAGE = "golang:1.24"
TRANSFERS = ("upload", "download")


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="rw-bench-")  # gone when this process is


@functools.cache
def program() -> Path:
    """Build the loader once; with the Go of this machine, else with that of the image."""
    place = Path(_folder().name)
    build = ["go", "build", "-C", str(SOURCE), "-o", str(place / "loader"), "."]
    if not shutil.which("go"):
        mounts = ["-v", f"{SOURCE}:{SOURCE}:ro", "-v", f"{place}:{place}", "-e", "CGO_ENABLED=0"]
        build = ["docker", "run", "--rm", "--network", "none", *mounts, IMAGE, *build]
    subprocess.run(build, check=True, capture_output=True)
    return place / "loader"


class Loader:
    """Load on ``url`` while it is entered, and until ``least`` requests were sent; ``samples`` are there afterwards.

    :param address: where to connect; empty: the edge. :param options: of the loader, see ``loader/main.go``.
    ``Sample.due`` is in seconds since 1970.
    """

    def __init__(self, url: str, *, address: str = "", **options: float | str) -> None:
        parts = urlsplit(url)
        self._arguments = [f"-address={address or f'127.0.0.1:{parts.port}'}", f"-host={parts.netloc}"]
        self._arguments += [f"-{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.samples: dict[str, list[Sample]] = defaultdict(list)

    def __enter__(self) -> Loader:
        self._out = tempfile.NamedTemporaryFile("r", prefix="rw-bench-", suffix=".samples")
        # a session of its own: the commands that are run meanwhile would else share its part of the processors
        order = [program(), f"-out={self._out.name}", *self._arguments]
        self._process = subprocess.Popen(order, stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            assert self._process.wait() == 0
            for line in self._out:
                way, due, took, kind, *detail = line.rstrip("\n").split(" ", 4)
                self.samples[way].append(Sample(int(due) / 1e6, int(took) / 1e6, kind, *detail))
        finally:
            self._out.close()

    @property
    def requests(self) -> list[Sample]:
        """All but the transfers."""
        return [one for way, found in self.samples.items() if way not in TRANSFERS for one in found]

    @property
    def transfers(self) -> list[Sample]:
        """Uploads and downloads."""
        return [one for way in TRANSFERS for one in self.samples[way]]
