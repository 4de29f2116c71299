"""Brings a database file to the schema of this version, and refuses what it must not touch.

alembic takes 0.2 s to import, so it is imported only where a file really has another revision; a new file is made from
tables.py at once and gets the stamp that alembic would give it. A test holds that both ways lead to the same schema.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from rw_daemon.store.tables import metadata
from rw_shared.errors import DatabaseCorruptError, DatabaseNewerError

HEAD = "0003"
CHECKED_WHOLE_BYTES = 16 * 1024**2
"""Up to this size the whole file is checked at start (0.7 ms a megabyte here); beyond, SQLite reports damage when it meets it."""


def prepare(path: Path, engine: Engine) -> None:
    """Make the tables of a new file, migrate an older one (after a copy was put beside it), leave an up-to-date one alone.

    :raises DatabaseCorruptError: the file is damaged; a copy is put aside. ``DatabaseNewerError``: a newer rw wrote it.
    """
    found = revision(path)
    if found is None:
        with engine.begin() as connection:
            metadata.create_all(connection)
            stamp(connection)
    elif found != HEAD:
        if found not in known():
            raise DatabaseNewerError(path=str(path), found=found, known=HEAD)
        copy_whole(path, path.with_name(f"{path.name}.before-{HEAD}"))
        upgrade(engine)


def revision(path: Path) -> str | None:
    """Return the revision of a database file; ``None`` when it has no tables or is not there. ``DatabaseCorruptError``."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(path)) as connection:
            if path.stat().st_size <= CHECKED_WHOLE_BYTES:
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if verdict != "ok":
                    raise sqlite3.DatabaseError(verdict)
            if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                return None
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise  # busy, full, not readable: the file itself may be fine
        raise corrupt(path, "It has no revision: another program's database.") from error
    except (sqlite3.DatabaseError, TypeError) as error:
        raise corrupt(path, str(error)) from error


def corrupt(path: Path, reason: str) -> DatabaseCorruptError:
    """Put a copy of a damaged file (and its log) aside, once for each state of it, and return the error that says so."""
    taken_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    copy = path.with_name(f"{path.name}.damaged-{taken_at:%Y%m%dT%H%M%S}")
    if not copy.exists():
        shutil.copy2(path, copy)
        with suppress(FileNotFoundError):
            shutil.copy2(path.with_name(path.name + "-wal"), copy.with_name(copy.name + "-wal"))
    return DatabaseCorruptError(path=str(path), copy=str(copy), reason=reason.rstrip(".") + ".")


def copy_whole(path: Path, to: Path) -> None:
    """Copy a database with what still stands in its log, as one consistent file."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    to.chmod(0o600)


def stamp(connection: Connection) -> None:
    """Write alembic's mark of this version's revision."""
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def known() -> frozenset[str]:
    """Return all revisions that lead to this version's."""
    from alembic.script import ScriptDirectory  # lazy: 0.2 s, and only where a file has another revision

    return frozenset(script.revision for script in ScriptDirectory(str(Path(__file__).parent)).walk_revisions())


def upgrade(engine: Engine, *, to: str = HEAD) -> None:
    """Run the migrations up to ``to``, all in one transaction."""
    from alembic.config import Config  # lazy, as above
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent))

    def steps(found: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs(to, found)  # type: ignore[arg-type]  # noqa: SLF001 - what alembic.command.upgrade itself calls; its own way needs an ini file

    with engine.begin() as connection, EnvironmentContext(Config(), scripts, fn=steps, as_sql=False, destination_rev=to) as environment:
        environment.configure(connection=connection, render_as_batch=True, transactional_ddl=True)
        environment.run_migrations()
