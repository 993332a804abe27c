"""The two that answer the SQL of labels, and a question to both: they must give the same rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.labels import KnownTables, build_few_labels, build_labels
from tallystick.labels.engines import ask_arrow, ask_spark, query_of
from tests.lib.dialects import arrow_type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.spec.labels import Label
    from tallystick.spec.observations import ObservationSet

Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A label of some observations."""

    label: Label
    observations: pa.Table
    known: KnownTables[pa.Table]
    of: ObservationSet


def table(rows: Sequence[Mapping[str, Any]], schema: str) -> pa.Table:
    """Rows with the columns of a DDL. Unless a row says more, it was delivered when it became known."""
    columns = dict(re.findall(r"(\w+) (\w+)(?:, |$)", schema))
    fields = pa.schema([(name, arrow_type(kind)) for name, kind in columns.items()])
    values = [{"loaded_on": row.get("known_on"), **row} for row in rows]
    return pa.Table.from_pylist([{name: row[name] for name in columns} for row in values], schema=fields)


def frame(spark: SparkSession, rows: pa.Table) -> DataFrame:
    """The rows as a frame of one partition."""
    return spark.createDataFrame(rows).coalesce(1)


def ask_both(spark: SparkSession, steps: Mapping[str, str], tables: Mapping[str, pa.Table]) -> Rows:
    """The rows of the last step, on which both engines agree."""
    theirs = ask_spark(query_of(steps), {name: frame(spark, rows) for name, rows in tables.items()}).toArrow()
    return agreed(theirs, ask_arrow(query_of(steps), tables))


def build_both(spark: SparkSession, asked: Sequence[Asked]) -> list[Rows]:
    """The rows of each label, on which both engines agree; Spark makes them all in one job."""
    frames: dict[int, DataFrame] = {}
    built = []
    for number, one in enumerate(asked):
        for rows in one.known.frames.values():
            frames.setdefault(id(rows), frame(spark, rows))
        known = KnownTables(
            frames={name: frames[id(rows)] for name, rows in one.known.frames.items()},
            contracts=one.known.contracts, cutoff=one.known.cutoff, zone=one.known.zone,
        )  # fmt: skip
        labels = build_labels(one.label, frame(spark, one.observations), known, observation_set=one.of)
        built.append(labels.selectExpr("*", f"{number} AS case_number"))
    theirs = reduce(type(built[0]).unionByName, built).toArrow()
    numbers = theirs["case_number"].to_pylist()
    found = []
    for number, one in enumerate(asked):
        own = theirs.filter(pa.array([at == number for at in numbers])).drop_columns("case_number")
        ours = build_few_labels(one.label, one.observations, one.known, observation_set=one.of)
        found.append(agreed(own, ours))
    return found


def agreed(theirs: pa.Table, ours: pa.Table) -> Rows:
    """The rows of both answers, in no order; they have the same columns, types and values."""
    assert ours.schema.names == theirs.schema.names
    assert ours.schema.types == theirs.schema.types
    one, other = (sorted(rows.to_pylist(), key=repr) for rows in (theirs, ours))
    assert one == other
    return one
