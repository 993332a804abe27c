"""A made-up table to look up: what a channel costs, as facts over time or as one event a channel."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from tallystick.spec.tables import Column, TableContract

_COLUMNS = (
    ("fact_id", "string"), ("channel", "string"), ("event_at", "timestamp"), ("known_on", "date"),
    ("loaded_on", "date"), ("is_retracted", "boolean"), ("fee_minor", "int64"), ("brand", "string"),
    ("source", "string"),
)  # fmt: skip
# One table tells a channel's state fact by fact, of the other a channel is itself the event.
FACTS = TableContract(
    name="clean.fees", description="Fees", grain="one row per fee", owner="tests",
    columns=tuple(Column(name=name, type=kind) for name, kind in _COLUMNS),
    key=("source", "fact_id", "known_on", "loaded_on"), partition_by=("source",), event_id="fact_id",
    event_at="event_at", known_on="known_on", lookup_key="channel",
)  # fmt: skip
CODES = replace(FACTS, event_id="channel", lookup_key="", key=("source", "channel", "known_on", "loaded_on"))
_ARROW = {
    "string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "date": pa.date32(), "boolean": pa.bool_(),
    "int64": pa.int64(),
}  # fmt: skip
SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in _COLUMNS])
