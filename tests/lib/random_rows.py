"""Random rows of any event table, for tests that need a bank with everything that makes features hard."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import sqlglot
from sqlglot import exp

from tallystick.spec.features import FeatureGroup
from tallystick.spec.tables import Column, TableContract
from tests.lib.feature_cases import utc

ARROW = {
    "string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "date": pa.date32(), "int64": pa.int64(),
    "int32": pa.int32(), "boolean": pa.bool_(), "double": pa.float64(),
}  # fmt: skip
ZONE = "Europe/Prague"
# On and off midnight, and so that windows reach over the day on which the clock goes forward.
AS_OF = (utc(2024, 3, 31, 22), utc(2024, 4, 2, 10, 30))


def random_rows(contract: TableContract, words: Sequence[str], *, rows: int, seed: int) -> pa.Table:
    """Rows of an event table: ties in time, late, corrected and retracted versions, some of them delivered in another
    order than they are known, nulls, and the given words.
    """
    source = random.Random(seed)
    made = []
    for number in range(rows):
        row = {column.name: random_value(column, words, source) for column in contract.columns}
        row |= {"source": "bank", "bucket": 0, "period": "2024"}
        if contract.event_id:
            back = source.choice([0, 0, 1, 2, 3, 5, 20, 33, 40, 70, 200])
            at = source.choice(AS_OF) - dt.timedelta(days=back, hours=source.choice([0, 0, 1, 5, 23]))
            row |= {contract.event_id: f"e{number // 2 * 2 if number % 5 == 0 else number:04}", contract.event_at: at}
            known = at.date() + dt.timedelta(days=source.choice([0, 1, 1, 1, 2, 9]))
            loaded = known + dt.timedelta(days=source.choice([0, 0, 0, -5, 5, 30]))
            row |= {contract.known_on: known, "loaded_on": loaded, "is_retracted": source.random() < 0.05}
        if contract.entity:
            row[contract.entity] = source.choice(["bank:1", "bank:1", "bank:2"])
        made.append(row)
    keys = [contract.event_id or contract.key[0], contract.known_on or "known_on", "loaded_on"]
    distinct = {tuple(row.get(key) for key in keys): row for row in made}
    schema = pa.schema([(column.name, ARROW[column.type]) for column in contract.columns])
    return pa.Table.from_pylist(list(distinct.values()), schema=schema)


def random_value(column: Column, words: Sequence[str], source: random.Random) -> Any:
    if not column.required and source.random() < 0.1:
        return None
    if column.type == "string":
        return source.choice([*(column.values or words), *words])
    if column.type in ("int32", "int64"):
        return source.choice([0, 1, 2, 7, source.randint(-900, 900), source.randint(-(10**6), 2 * 10**6)])
    if column.type == "double":
        return source.choice([0.0, 0.5, source.uniform(-10, 10)])
    if column.type == "boolean":
        return source.random() < 0.5
    day = dt.date(2024, 3, 1) + dt.timedelta(days=source.randint(-400, 30))
    return dt.datetime.combine(day, dt.time(8), dt.UTC) if column.type == "timestamp" else day


def words_of(group: FeatureGroup) -> list[str]:
    """Every text that the group's conditions compare with, and one that none knows."""
    texts = [
        group.where,
        *group.filters.values(),
        *(m.where for m in group.measures),
        *(m.value for m in group.measures),
    ]
    found = {
        str(node.this)
        for text in texts
        if text
        for node in sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Literal)
        if node.is_string and not str(node.this)[:1].isdigit() and "%" not in str(node.this)
    }
    return sorted({*found, *(value for values in group.by.values() for value in values), "strange"})
