"""The live view on a terminal: drawn by rich, fed by rows."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rw_cli.client import Json
from rw_cli.render.progress import Progress


def show(progress: Progress, rows: Iterable[Json]) -> None:
    """Draw ``progress`` while it takes ``rows``; the last picture stays."""
    console = Console(stderr=True, highlight=False)

    def picture() -> Text:
        return Text.from_ansi("\n".join(progress.picture(width=console.width)), no_wrap=True, overflow="ellipsis")

    live = Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop")
    try:
        for row in rows:
            progress.take(row)
            if progress.services:  # an empty picture would be an empty line
                live.start()
                live.update(picture(), refresh=True)
        progress.finish(None)
        if progress.services:
            live.update(picture(), refresh=True)
    finally:
        live.stop()
