"""Whether the SQLite file of a local registry is whole, asked before MLflow opens it.

Kept apart from ``registry`` because it knows no MLflow: a file that is cut is told in one sentence.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

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


def _pages_in_header(database: Path) -> int:
    """The number of pages that the file itself says it has."""
    with database.open("rb") as handle:
        return int.from_bytes(handle.read(32)[28:32], "big")
