"""Sources as taken for one deployment: walked, filtered, hashed, kept by content."""

from rw_daemon.snapshots.ignoring import as_dockerignore
from rw_daemon.snapshots.snapshots import Snapshots

__all__ = ["Snapshots", "as_dockerignore"]
