"""Entry point of ``rw`` and ``python -m rw_cli``."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from rw_cli.main import main


def run() -> None:
    """Run the command that the process's arguments name, and exit with its status.

    Nothing is left to be cleaned up by then, and Python's own way out takes 10 ms more.
    """
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a reader that had enough
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
