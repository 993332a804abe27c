"""The SQLite file of a local registry: made in one go where there is none, refused where it is cut.

Kept apart from ``registry`` because it is about the file, before MLflow opens it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from types import ModuleType

from tallystick.errors import SetupError


def refuse_damaged(database: Path) -> None:
    """SetupError for an SQLite file that is cut or none at all: MLflow would try it ten times, and then quote SQL."""
    if not database.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            pages = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")]
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        is_whole = database.stat().st_size >= _pages_in_header(database) * pages[1] and pages[0] > 0
    except sqlite3.OperationalError:
        return  # locked, or not to be opened: MLflow says so itself
    except sqlite3.DatabaseError:
        is_whole = False
    if not is_whole:
        fix = "restore it from a copy; without one, remove the folder and train again"
        raise SetupError("the model registry's database is damaged", where=str(database), fix=fix)


def make_empty(database: Path, schema: ModuleType) -> None:
    """The file that MLflow would make where there is none; ``schema`` is its module of tables.

    MLflow writes a new file in a hundred steps and waits for the disk after each. Here the tables are made in memory
    and written once. Where the file cannot be written like that, MLflow is left to it.
    """
    if database.exists():
        return
    engine = schema.create_sqlalchemy_engine_with_retry("sqlite://")
    try:
        schema._initialize_tables(engine)
        with contextlib.suppress(OSError, sqlite3.Error), tempfile.TemporaryDirectory(dir=database.parent) as folder:
            made = Path(folder) / database.name
            with contextlib.closing(sqlite3.connect(made)) as copy:
                engine.raw_connection().driver_connection.backup(copy)
            # Whole or not at all, and never in place of a file that another process has made meanwhile.
            os.link(made, database)
    finally:
        engine.dispose()


def _pages_in_header(database: Path) -> int:
    """The number of pages that the file itself says it has."""
    with database.open("rb") as handle:
        return int.from_bytes(handle.read(32)[28:32], "big")
