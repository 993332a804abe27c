"""Small made-up banks for tests of features: a contract, rows, observations, groups, and what differs in answers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.tables import Column, TableContract

_COLUMNS = (
    ("customer_id", "string"),
    ("transaction_id", "string"),
    ("event_at", "timestamp"),
    ("known_on", "date"),
    ("loaded_on", "date"),
    ("sequence", "int64"),
    ("is_retracted", "boolean"),
    ("channel", "string"),
    ("amount_minor", "int64"),
    ("rate", "double"),
    ("is_night", "boolean"),
    ("due_date", "date"),
    ("small", "int32"),
)
_ARROW = {
    "string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "date": pa.date32(), "int64": pa.int64(),
    "int32": pa.int32(), "boolean": pa.bool_(), "double": pa.float64(),
}  # fmt: skip

TRANSACTIONS = TableContract(
    name="clean.transactions",
    description="Made-up transactions",
    grain="one row per transaction and version",
    owner="tests",
    columns=tuple(Column(name=name, type=kind) for name, kind in (*_COLUMNS, ("source", "string"))),
    key=("source", "transaction_id", "known_on"),
    partition_by=("source",),
    entity="customer_id",
    event_id="transaction_id",
    event_at="event_at",
    known_on="known_on",
    sequence="sequence",
)
CONTRACTS = {TRANSACTIONS.name: TRANSACTIONS}
SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in _COLUMNS])
OBSERVED = pa.schema(
    [("customer_id", pa.string()), ("as_of", pa.timestamp("us", "UTC")), ("observation_id", pa.string())]
)

DEFAULTS: dict[str, Any] = {
    "customer_id": "bank:1", "sequence": None, "is_retracted": False, "channel": None, "amount_minor": None,
    "rate": None, "is_night": None, "due_date": None, "small": None,
}  # fmt: skip


def make_events(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Events from rows; ``transaction_id`` defaults to the row's number, ``known_on`` to the day after, UTC."""
    made = []
    for number, row in enumerate(rows):
        known = row["event_at"].date() + dt.timedelta(days=1)
        full = {**DEFAULTS, "transaction_id": f"t{number:03}", "known_on": known, **row}
        made.append({"loaded_on": full["known_on"], **full})
    return pa.Table.from_pylist(made, schema=SCHEMA)


def make_observations(*asked: tuple[str, dt.datetime]) -> pa.Table:
    """Observations from pairs of customer and instant; the customer is the key."""
    rows = [{"observation_id": who, "customer_id": who, "as_of": at} for who, at in asked]
    return pa.Table.from_pylist(rows, schema=OBSERVED)


def make_group(*measures: Measure, **parts: Any) -> FeatureGroup:
    """A group over the made-up transactions with what every group must have."""
    return FeatureGroup(
        **{
            "name": "txn", "table": TRANSACTIONS.name, "owner": "tests", "windows": ("7d",), "measures": measures,
            **parts,
        }
    )  # fmt: skip


def make_measure(ops: str, **parts: Any) -> Measure:
    """A measure called ``m`` with what every measure must have."""
    return Measure(**{"name": "m", "ops": ops, "reason": "a reason", **parts})


def utc(*parts: int) -> dt.datetime:
    """An instant."""
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


def differences(found: pa.Table, expected: Mapping[str, Sequence[Any]], *, scale: float = 1.0) -> list[str]:
    """What differs, in words: whole numbers and nulls exactly, doubles beyond 1e-9 relative (or of ``scale``)."""
    told = []
    if found.column_names != list(expected):
        told.append(f"columns {found.column_names} instead of {list(expected)}")
    for name, values in expected.items():
        for row, (got, wanted) in enumerate(zip(found.column(name).to_pylist(), values, strict=True)):
            if not _alike(got, wanted, scale):
                told.append(f"{name}, row {row}: {got} instead of {wanted}")
    return told


def _alike(got: Any, wanted: Any, scale: float) -> bool:
    if got is None or wanted is None or isinstance(got, int):
        return bool(got == wanted)
    return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9 * scale)
