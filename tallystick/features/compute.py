"""One group's features of one bucket, from Arrow tables to an Arrow table.

What lives here: joining looked-up columns point-in-time, then the kernel. What must not: Spark, storage.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel import GroupPlan, compute_group
from tallystick.spec.features import Lookup


def compute_local(
    plan: GroupPlan,
    events: pa.Table,
    observations: pa.Table,
    *,
    dimensions: Mapping[str, pa.Table],
    zone: str,
) -> pa.Table:
    """customer_id, as_of and the group's columns, one row per observation in the given order.

    ``events`` holds all versions of the rows of the observed customers (others are ignored), ``dimensions`` the rows
    of each looked-up table by its name. ``zone`` is the business time zone of these customers.
    """
    joined = attach_lookups(events, plan.group.lookups, dimensions, event_id=plan.event_id)
    features = compute_group(joined, observations, plan, zone=zone)
    return pa.table(
        [observations["customer_id"], observations["as_of"], *features.columns],
        names=["customer_id", "as_of", *features.column_names],
    )


def attach_lookups(
    events: pa.Table, lookups: tuple[Lookup, ...], dimensions: Mapping[str, pa.Table], *, event_id: str
) -> pa.Table:
    """The events with the looked-up columns, as versions that are right at every business date.

    A looked-up row that became known after the event makes a further version of the event, known on that later date,
    so that the rule "latest version known by as_of" also picks the right looked-up row. An event whose key meets no
    row known by then has nulls there.
    """
    for lookup in lookups:
        events = _attach(events, lookup, dimensions[lookup.table], event_id=event_id)
    return events


def _attach(events: pa.Table, lookup: Lookup, dimension: pa.Table, *, event_id: str) -> pa.Table:
    columns = [lookup.on, "known_on", *lookup.columns]
    rows = dimension.select(columns).sort_by([(lookup.on, "ascending"), ("known_on", "ascending")])
    is_single = len(pc.unique(rows[lookup.on])) == rows.num_rows
    at = pc.index_in(events[lookup.on], value_set=rows[lookup.on].combine_chunks())
    if is_single and _known_before(events, rows, at):
        for name in lookup.columns:
            events = events.append_column(name, rows[name].combine_chunks().take(at.combine_chunks()))
        return events
    return _attach_versions(events, rows, lookup, event_id=event_id)


def _known_before(events: pa.Table, rows: pa.Table, at: pa.ChunkedArray) -> bool:
    """Is every looked-up row known no later than the event it is joined to: then no version changes."""
    found = rows["known_on"].combine_chunks().take(at.combine_chunks())
    return pc.all(pc.fill_null(pc.less_equal(found, events["known_on"].combine_chunks()), True)).as_py() is not False


def _attach_versions(events: pa.Table, rows: pa.Table, lookup: Lookup, *, event_id: str) -> pa.Table:
    """The general case: one version per date on which the event or the looked-up row changed."""
    ids = events[event_id].combine_chunks().dictionary_encode().indices.to_numpy()
    known = events["known_on"].cast(pa.int32()).to_numpy().astype(np.int64)
    keys = pc.index_in(events[lookup.on], value_set=pc.unique(rows[lookup.on])).to_numpy().astype(float)
    left = pd.DataFrame({"id": ids, "known": known, "key": keys, "event": np.arange(len(ids))})
    left = left.sort_values(["id", "known"], kind="stable")
    left["until"] = left.groupby("id")["known"].shift(-1).fillna(np.inf)
    row_keys = pc.index_in(rows[lookup.on], value_set=pc.unique(rows[lookup.on])).to_numpy().astype(float)
    row_known = rows["known_on"].cast(pa.int32()).to_numpy().astype(np.int64)
    right = pd.DataFrame({"key": row_keys, "row_known": row_known, "row": np.arange(len(row_keys), dtype=float)})
    pairs = left.merge(right, on="key", how="inner")
    already = pairs[pairs["row_known"] <= pairs["known"]].groupby("event")["row"].max()
    first = left.assign(row=left["event"].map(already), at=left["known"])
    later = pairs[(pairs["row_known"] > pairs["known"]) & (pairs["row_known"] < pairs["until"])]
    versions = pd.concat([first[["event", "row", "at"]], later.assign(at=later["row_known"])[["event", "row", "at"]]])
    taken = events.take(pa.array(versions["event"].to_numpy(dtype=np.int64)))
    dates = pa.array(versions["at"].to_numpy(dtype=np.int32), type=pa.int32()).cast(pa.date32())
    taken = taken.set_column(taken.schema.get_field_index("known_on"), "known_on", dates)
    found = pa.array(versions["row"].to_numpy(dtype=float), from_pandas=True).cast(pa.int64())
    for name in lookup.columns:
        taken = taken.append_column(name, rows[name].combine_chunks().take(found))
    return taken
