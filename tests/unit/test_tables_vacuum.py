"""Vacuum: what a version within the retention or a manifest needs stays, what nobody needs goes."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.errors import NotFound
from tallystick.tables import Warehouse, find_unused_files, pin, remove_unused_files, replace_arrow
from tallystick.tables.upkeep.vacuum import keep_log
from tests.lib import store

NOTHING_KEPT = timedelta(0)
LONG_AGO = 1_000_000


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """One load written three times, in versions 1 to 3; each version's file took the place of the one before."""
    filled = Warehouse(tmp_path)
    for number in (1, 2, 3):
        data = store.rows([1], each=number)
        replace_arrow(filled, store.CONTRACT, data, where=store.day_slice(1), run=store.run(f"r{number}"))
    return filled


def stray(warehouse: Warehouse, name: str, *, age: float | None = None) -> Path:
    """A file that a task wrote and nobody committed; ``age`` is its time stamp, by default now."""
    path = Path(pin(warehouse, store.NAME).paths[0]).with_name(name)
    path.write_bytes(b"PAR1")
    if age is not None:
        os.utime(path, (age, age))
    return path


def vacuum(warehouse: Warehouse, *, keep: tuple[int, ...] = (), retention: timedelta | None = NOTHING_KEPT) -> int:
    unused = find_unused_files(warehouse, store.NAME, keep=keep, retention=retention)
    remove_unused_files(warehouse, unused)
    return len(unused.expired) + len(unused.orphans)


def test_a_version_that_a_manifest_needs_stays_readable_and_others_go(warehouse: Warehouse) -> None:
    assert vacuum(warehouse, keep=(1,)) == 1
    assert store.held(warehouse, version=1) == store.ordered(store.rows([1], each=1))
    assert store.held(warehouse) == store.ordered(store.rows([1], each=3))
    with pytest.raises((FileNotFoundError, OSError)):
        store.held(warehouse, version=2)


def test_within_the_declared_retention_nothing_goes(warehouse: Warehouse) -> None:
    assert vacuum(warehouse, retention=None) == 0
    assert store.held(warehouse, version=2) == store.ordered(store.rows([1], each=2))


def test_old_files_that_no_version_names_go_and_young_ones_stay(warehouse: Warehouse) -> None:
    old, young = stray(warehouse, "old.parquet", age=LONG_AGO), stray(warehouse, "young.parquet")
    unused = find_unused_files(warehouse, store.NAME, keep=())
    assert list(unused.orphans) == [str(old.relative_to(warehouse.table_path(store.NAME)))]
    assert (unused.expired, unused.size) == ({}, 4)
    remove_unused_files(warehouse, unused)
    assert (old.exists(), young.exists()) == (False, True)
    assert store.held(warehouse) == store.ordered(store.rows([1], each=3))


def test_an_old_file_of_a_version_within_the_retention_is_no_orphan(warehouse: Warehouse) -> None:
    for path in warehouse.table_path(store.NAME).rglob("*.parquet"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert vacuum(warehouse, retention=None) == 0


def test_files_that_only_a_checkpoint_names_are_no_orphans(warehouse: Warehouse) -> None:
    table = warehouse.open(store.NAME)
    table.create_checkpoint()
    log = warehouse.table_path(store.NAME) / "_delta_log"
    for number in range(table.version()):
        (log / f"{number:020}.json").unlink()
    for path in warehouse.table_path(store.NAME).rglob("bucket=0/**/*.parquet"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert vacuum(warehouse, retention=None) == 0
    assert vacuum(warehouse) == 2
    assert store.held(warehouse) == store.ordered(store.rows([1], each=3))


def test_to_look_removes_nothing_and_vacuum_makes_no_version(warehouse: Warehouse) -> None:
    version = pin(warehouse, store.NAME).version
    unused = find_unused_files(warehouse, store.NAME, keep=(), retention=NOTHING_KEPT)
    assert len(unused.expired) == 2
    assert store.held(warehouse, version=1) == store.ordered(store.rows([1], each=1))
    remove_unused_files(warehouse, unused)
    remove_unused_files(warehouse, unused)
    assert pin(warehouse, store.NAME).version == version
    assert find_unused_files(warehouse, store.NAME, keep=(), retention=NOTHING_KEPT).size == 0


def test_a_needed_version_that_is_lost_is_told(warehouse: Warehouse) -> None:
    assert find_unused_files(warehouse, store.NAME, keep=(1, 99)).lost == (99,)


def test_a_table_that_does_not_exist_is_an_error(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound):
        find_unused_files(warehouse, "clean.nothing", keep=())


def test_the_log_is_kept_as_long_as_a_manifest_needs_its_oldest_version(warehouse: Warehouse) -> None:
    def retention() -> str:
        return str(warehouse.open(store.NAME).metadata().configuration["delta.logRetentionDuration"])

    assert (keep_log(warehouse, store.NAME, [1, 3]), retention()) == (0, "interval 180 days")
    entry = warehouse.table_path(store.NAME) / "_delta_log" / f"{1:020}.json"
    long_ago = time.time() - 100 * 86_400
    os.utime(entry, (long_ago, long_ago))
    assert (keep_log(warehouse, store.NAME, [1, 3]), retention()) == (460, "interval 460 days")
    assert keep_log(warehouse, store.NAME, [1, 3]) == 0
    assert keep_log(warehouse, store.NAME, []) == 0
