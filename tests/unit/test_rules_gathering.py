"""The rows that rules are answered on: a bucket without observations has the columns of every other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from tallystick.buckets import BucketTask
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.rules.gathering import RuleColumns, gather_rows
from tallystick.rules.rule_answers import RuleRows, answer_rules
from tallystick.rules.table_arrivals import Arrivals
from tallystick.spec.observations import MonthEnds, Nights, Population, Rows
from tests.lib.observed_rows import DAY, TABLE, ZONE, Version, local, rows_table, spec_of
from tests.lib.rule_cases import planned

FEATURES = pa.schema([*OBSERVATION_SCHEMA, ("a", pa.int64())])
FIRST, AFTER = date(2026, 4, 1), datetime(2026, 5, 2, tzinfo=UTC)


class Files:
    """A storage of one loan, and of its feature at two midnights; no paths give no rows, as in every storage."""

    def __init__(self) -> None:
        loans = rows_table([Version(row="r", at=local(DAY, 9), known=DAY, more={"b": 7})], b=pa.int64())
        at = [local(day) for day in (FIRST, date(2026, 5, 1))]
        features = pa.table([["r"] * 2, ["c1"] * 2, at, [1, 2]], schema=FEATURES)
        self.tables = {TABLE: loans, "feature.spend": features}

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        return self.tables[table].slice(0, None if paths else 0).select(list(columns))

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        raise AssertionError("nothing is written here")


def gathered(
    population: Population, *, low: datetime | None = None, files: Sequence[str] = (TABLE, "feature.spend")
) -> RuleRows:
    task = BucketTask(source="bank", bucket=0, zone=ZONE, period="month", files=dict.fromkeys(files, ("a file",)))
    edge = None if isinstance(population, Rows) else date.min  # as a run says it: the stored features bound the rest
    spec = spec_of(population, first=edge, last=edge, columns=("b",))
    columns = RuleColumns(groups={"spend": ("a",)}, own=("b",), low=low)
    return gather_rows(task, spec, columns, storage=Files())


@pytest.mark.parametrize("population", [Nights(table=TABLE), MonthEnds(table=TABLE), Rows(table=TABLE)])
@pytest.mark.parametrize("is_stored", [True, False])
def test_an_empty_bucket_has_the_columns_of_a_full_one(population: Population, is_stored: bool) -> None:
    full = gathered(population)
    assert full.rows["b"].to_pylist() == [7] * full.rows.num_rows
    assert full.rows.num_rows > 0
    # Events are those of their own table, whatever features there are.
    files = ("feature.spend",) if isinstance(population, Rows) else (TABLE, "feature.spend")
    empty = gathered(population, low=AFTER, files=files) if is_stored else gathered(population, files=())
    assert empty.rows.num_rows == 0
    assert empty.rows.schema.equals(full.rows.schema)
    rules = [planned("VIS001", "b > 3 AND a > 1"), planned("VIS002", "b > 8")]
    for one in (full, empty):
        told = answer_rules(rules, one, groups={"spend": ("a",)}, arrivals=Arrivals(tables={}), zone=ZONE)
        assert told.codes.shape == (2, one.rows.num_rows)
