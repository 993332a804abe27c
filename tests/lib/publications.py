"""A small warehouse of several tables that are published together, and what each kind of reader sees of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tallystick.tables import (
    Commit,
    TableChange,
    Warehouse,
    ensure_table,
    pin_all,
    publish,
    query,
    read_arrow,
    read_files,
    replace_arrow,
    write_arrow,
)
from tallystick.tables.store import door, publication_state, undoing
from tests.lib import store

NAMES = ("clean.events", "clean.events_rejected", "monitor.loads")
CONTRACTS = {name: replace(store.CONTRACT, name=name) for name in NAMES}

Rows = Mapping[str, list[dict[str, object]]]


class Stopped(Exception):
    """What stops a publication in a test."""


def fill(root: Path) -> Warehouse:
    """Two loads of north in files that hold both, and one of south, in every table but the last, which is new."""
    warehouse = Warehouse(root)
    for name in NAMES[:-1]:
        for source, days in (("north", [1, 2]), ("south", [1])):
            data = store.rows(days, source=source)
            where = store.source_slice(source)
            replace_arrow(warehouse, CONTRACTS[name], data, where=where, run=store.run(f"first {source}"))
    return warehouse


def load(
    warehouse: Warehouse, *, day: int = 2, source: str = "north", each: int = 5, run_id: str = "second"
) -> list[Commit]:
    """Publish a load: ``each`` rows of that day in every table but the second, where it has none."""
    changes = []
    for name in NAMES:
        contract, where = CONTRACTS[name], store.day_slice(day, source=source)
        ensure_table(warehouse, contract)
        data = store.rows([day], source=source, each=0 if name.endswith("_rejected") else each)
        files = write_arrow(warehouse, contract, data, where=where)
        changes.append(TableChange(contract=contract, files=files, where=where))
    return publish(warehouse, changes, run=store.run(run_id))


def seen(warehouse: Warehouse) -> Rows:
    """All rows as every reader without Spark sees them; they must agree."""
    names = [name for name in NAMES if warehouse.exists(name)]
    held = {name: store.ordered(read_arrow(warehouse, name)) for name in names}
    for name, pinned in pin_all(warehouse, names).items():
        assert store.held(warehouse, name=name, version=pinned.version) == held[name]
        assert store.ordered(query(warehouse, f"SELECT * FROM {name}").cast(store.SCHEMA)) == held[name]
        assert _read_files([f.path for f in pinned.files]) == sorted(str(row["event_id"]) for row in held[name])
    # A table that exists and has no rows tells no reader of a load.
    return {name: rows for name, rows in held.items() if rows}


def _read_files(paths: list[str]) -> list[str]:
    return sorted(read_files(paths, pa.schema([("event_id", pa.string())]))["event_id"].to_pylist())


@contextmanager
def stopping_at(*moments: int, error: type[BaseException] = Stopped) -> Iterator[Callable[[], int]]:
    """Raise at these moments, counted from 0; gives the number of moments there were.

    Every commit, every undoing commit and every state that is written is two moments: before and after it.
    """
    passed = 0

    def moment() -> None:
        nonlocal passed
        passed += 1
        if passed - 1 in moments:
            raise error

    def stoppable(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: object, **kwargs: object) -> object:
            moment()
            result = real(*args, **kwargs)
            moment()
            return result

        return called

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "commit_change", stoppable(door.commit_change))
        patch.setattr(undoing, "commit_change", stoppable(undoing.commit_change))
        patch.setattr(publication_state, "write_whole", stoppable(publication_state.write_whole))
        yield lambda: passed


def load_and_fail(root: str) -> None:
    """A load whose last commit fails, so that the others are undone."""
    with stopping_at(2 * len(NAMES)):
        load(Warehouse(root))


def load_at(root: str) -> None:
    """A load, in a process of its own."""
    load(Warehouse(root))
