"""A task reads each table once, with the columns that anything in it wants, and lets it go after the last use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from tallystick.buckets import BucketTask
from tallystick.features import GroupWork
from tallystick.features.reading import BucketReader, list_reads
from tallystick.observations import ObservationSpec
from tallystick.observations.needs import VISIBILITY
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.observations import Customers, ObservationSet, Rows
from tests.lib.feature_cases import CONTRACTS

TABLE = "clean.transactions"
DAY, EVENT_ID = date(2026, 3, 9), "transaction_id"
DAILY = ObservationSpec(
    declared=ObservationSet(name="daily", key="customer_id", population=Customers(tables=(TABLE,))),
    tables={TABLE: EVENT_ID},
    first=DAY,
    last=DAY,
)


def work(name: str, *measures: Measure) -> GroupWork:
    group = FeatureGroup(name=name, table=TABLE, owner="tests", windows=("7d",), measures=measures)
    return GroupWork.of(group, CONTRACTS)


COUNT = work("one", Measure(name="row", ops="count", where="channel = 'cash'", reason="Rows"))
SUM = work("two", Measure(name="amount", ops="sum", value="amount_minor", reason="Amounts"))


class Files:
    """A storage that notes what is read, and gives a row of nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...], set[str]]] = []

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        self.asked.append((table, tuple(paths), set(coded)))
        return pa.table({name: pa.nulls(1) for name in columns})

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        raise AssertionError("nothing is written here")


def task(**known: Any) -> BucketTask:
    return BucketTask(source="s", bucket=0, zone="UTC", period="year", files={TABLE: ("a", "b")}, **known)


def test_one_read_serves_the_population_and_every_group() -> None:
    (read,) = list_reads(task(), [COUNT, SUM], DAILY)
    assert (read.table, read.paths) == (TABLE, ("a", "b"))
    assert {*VISIBILITY, "transaction_id", "channel", "amount_minor"} <= set(read.columns)
    assert len(set(read.columns)) == len(read.columns)


def test_identifiers_are_not_read_where_nothing_needs_them() -> None:
    (read,) = list_reads(task(single_version=frozenset({TABLE})), [COUNT, SUM], DAILY)
    assert "transaction_id" not in read.columns


def test_only_what_every_use_takes_as_codes_comes_as_codes() -> None:
    (alone,) = list_reads(task(), [COUNT], DAILY)
    assert {"customer_id", "channel"} <= alone.coded
    assert "transaction_id" not in alone.coded
    declared = ObservationSet(name="payments", key=EVENT_ID, population=Rows(table=TABLE))
    applied = ObservationSpec(declared=declared, tables={TABLE: EVENT_ID})
    (shared,) = list_reads(task(), [COUNT], applied)
    assert "customer_id" not in shared.coded
    assert "channel" in shared.coded


def test_a_table_is_read_once_and_given_up_after_its_last_use() -> None:
    files = Files()
    reader = BucketReader(task(), [COUNT, SUM], DAILY, files)
    for columns in (VISIBILITY, ("channel",), ("amount_minor", "customer_id")):
        assert reader.read(TABLE, columns).column_names == list(columns)
    assert len(files.asked) == 1
    assert not reader.held
    with pytest.raises(ValueError, match="not in list"):
        reader.read(TABLE, VISIBILITY)
