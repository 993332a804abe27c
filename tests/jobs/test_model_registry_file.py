"""The registry's file is made at once, and is what MLflow makes in its many steps."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import create_engine, event

from tallystick.model import mlflow_client, registry, registry_file


def schema_of(database: Path) -> tuple[list[tuple[str, str, str, list[str]]], list[tuple[str, ...]]]:
    """Every table and index with the lines of its SQL, and the version of the whole.

    The lines are sorted: where MLflow's steps make a table again, its constraints come in an order of chance.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection:
        listed = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
        found = [(kind, name, table, sorted(_lines(sql or ""))) for kind, name, table, sql in listed]
        return found, connection.execute("SELECT * FROM alembic_version").fetchall()


def _lines(sql: str) -> list[str]:
    return [line.strip().rstrip(",") for line in sql.splitlines()]


def test_a_new_file_is_the_one_that_mlflow_makes(tmp_path: Path) -> None:
    assert registry.Registry(tmp_path).versions("nobody") == []
    assert list(tmp_path.iterdir()) == []  # to ask makes nothing
    with registry.Registry(tmp_path).connected():
        pass
    database = tmp_path / "mlflow" / "mlflow.db"
    schema = mlflow_client.import_quietly().store.db.utils
    own = tmp_path / "own.db"
    engine = create_engine(f"sqlite:///{own}")
    # Only so that the test does not wait for the disk.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    schema._initialize_tables(engine)
    engine.dispose()
    assert schema_of(database) == schema_of(own)
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]


def test_a_file_that_another_process_made_first_stays(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    schema = mlflow_client.import_quietly().store.db.utils

    class MadeMeanwhile:
        """MLflow's tables, and a process that is quicker."""

        create_sqlalchemy_engine_with_retry = staticmethod(schema.create_sqlalchemy_engine_with_retry)

        @staticmethod
        def _initialize_tables(engine: object) -> None:
            database.write_bytes(b"theirs")

    registry_file.make_empty(database, MadeMeanwhile)  # type: ignore[arg-type]
    assert database.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [database]
