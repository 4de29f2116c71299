"""Entry point of ``rw`` and ``python -m rw_cli``."""

from __future__ import annotations

import sys

from rw_cli.main import main


def run() -> None:
    """Run the command that the process's arguments name, and exit with its status."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
