"""Readers of a folder are woken by what is written into it, in a flow of writes not for each of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rw_daemon.processes.changes import FLOW_SECONDS, FolderChanges


async def test_writes_of_a_flow_are_told_together(tmp_path: Path) -> None:
    changes, looks = FolderChanges(), 0
    try:
        with changes.watch(tmp_path) as watch:
            begun = asyncio.get_running_loop().time()
            for number in range(4):
                for line in range(25):
                    (tmp_path / "out").write_text(f"{number} {line}")
                await watch.wait()
                looks += 1
            lasted = asyncio.get_running_loop().time() - begun
    finally:
        changes.close()
    assert lasted >= (looks - 1) * FLOW_SECONDS  # no look is sooner after the one before, however much is written
