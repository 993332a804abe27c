"""A condition of a label means in both engines what the same text means in a feature: every operation, with nulls."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tallystick.kernel.evaluate import Frame
from tallystick.kernel.nullable import vector_of
from tallystick.kernel.zones import zone_offsets
from tallystick.labels.conditions import holds_sql
from tallystick.labels.engines import view_name
from tallystick.spec.expressions import Call, Node, parse_condition
from tallystick.spec.tables import Column, TableContract
from tests.lib.label_engines import ask_both, table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ZONE = "Europe/Prague"
COLUMNS = {
    "amount": "int64", "small": "int32", "rate": "double", "kind": "string", "is_open": "boolean", "due": "date",
    "event_at": "timestamp",
}  # fmt: skip
CONTRACT = TableContract(
    name="clean.things", description="Things", grain="one row per thing", owner="tests", key=("amount",),
    columns=tuple(Column(name=name, type=kind) for name, kind in COLUMNS.items()),
)  # fmt: skip
DDL = "number int, amount bigint, small int, rate double, kind string, is_open boolean, due date, event_at timestamp"

CONDITIONS = (
    "amount = 3",
    "amount <> small",
    "amount < 0",
    "rate <= 2",
    "rate > small",
    "kind >= 'b'",
    "kind = 'a%'",
    "amount IN (1, 3)",
    "kind NOT IN ('a', 'b')",
    "amount BETWEEN -1 AND small",
    "kind LIKE 'a%'",
    "kind IS NULL OR is_open",
    "NOT is_open AND amount > 0",
    "is_open OR amount > 2",
    "due IS NOT NULL",
    "amount + small * 2 - 1 > 0",
    "-amount > 1",
    "ABS(amount) = 3",
    "ABS(-rate) >= 1.5",
    "COALESCE(amount, small, 0) = 0",
    "COALESCE(kind, 'none') = 'none'",
    "amount * 0.5 > 1",
    "amount / (small - 1) > 0 OR small / amount < 1",
    "rate / 2 >= 1",
    "CASE WHEN is_open THEN 1 WHEN amount > 2 THEN 2 END = 2",
    "CASE kind WHEN 'a' THEN 'x' ELSE kind END = 'x'",
    "kind NOT LIKE '_b%'",
    "due < DATE '2024-04-01'",
    "YEAR(due) = 2024",
    "QUARTER(due) = 1",
    "MONTH(event_at) = 4",
    "DAY(event_at) = 1",
    "HOUR(event_at) = 0",
    "MINUTE(event_at) = 30",
    "ISODOW(event_at) = 1",
    "EXTRACT(day FROM due) = 31",
)


EVERY_OPERATION = {
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "in", "like", "is_null", "add", "sub", "mul", "div", "neg",
    "abs", "coalesce", "case", "to_double", "part_year", "part_quarter", "part_month", "part_day", "part_hour",
    "part_minute", "part_isodow",
}  # fmt: skip


def operations(node: Node) -> set[str]:
    """The names of all calls in an expression; parts of dates and instants by their unit."""
    if not isinstance(node, Call):
        return set()
    return {node.op, *itertools.chain.from_iterable(operations(arg) for arg in node.args)}


def test_a_condition_holds_in_both_engines_for_the_rows_for_which_it_holds_in_the_kernel(spark: SparkSession) -> None:
    values: dict[str, list[object]] = {
        "amount": [3, -3, 0, None], "small": [1, None], "rate": [1.5, 2.0, -7.25, None],
        "kind": ["a", "ab", "b", "a%", "", None], "is_open": [True, False, None],
        "due": [date(2024, 1, 31), date(2024, 3, 31), date(2023, 12, 31), None],
        # Local midnights either side of a clock change, half past an hour, and the hour that exists twice.
        "event_at": [datetime(2024, 3, 31, 22, tzinfo=UTC), datetime(2024, 4, 1, 21, 30, tzinfo=UTC),
                     datetime(2024, 10, 27, 0, 30, tzinfo=UTC), datetime(2024, 1, 1, 0, tzinfo=UTC), None],
    }  # fmt: skip
    size = 60
    chosen = np.random.default_rng(3)
    rows = {name: [options[i] for i in chosen.integers(0, len(options), size)] for name, options in values.items()}
    given = [{"number": n, **{name: values[n] for name, values in rows.items()}} for n in range(size)]
    nodes = [parse_condition(text, COLUMNS) for text in CONDITIONS]
    held = ", ".join(f"{holds_sql(text, CONTRACT, zone=ZONE)} AS c{i}" for i, text in enumerate(CONDITIONS))
    sql = f"SELECT number, {held} FROM {view_name('things')}"
    found = sorted(ask_both(spark, {"held": sql}, {"things": table(given, DDL)}), key=lambda row: row["number"])
    types = {"int64": pa.int64(), "int32": pa.int32(), "double": pa.float64(), "string": pa.string(),
             "boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us", tz="UTC")}  # fmt: skip
    vectors = {name: vector_of(pa.array(rows[name], types[kind]), name) for name, kind in COLUMNS.items()}
    kernel = Frame(vectors, size, zone_offsets(ZONE))
    for i, (text, node) in enumerate(zip(CONDITIONS, nodes, strict=True)):
        expected = kernel.evaluate(node).spread(size).is_true().tolist()
        assert [row[f"c{i}"] for row in found] == expected, text
        assert 0 < sum(expected) < size, f"{text} does not tell rows apart"
    assert set().union(*map(operations, nodes)) == EVERY_OPERATION
