"""Which rows an observation owns: all of its customer's, or with ``per`` those that carry its own key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.visibility import SEEN_FROM

if TYPE_CHECKING:
    from tallystick.features.compute import GroupWork

# Between the two parts of an owner; no id holds it.
_SEPARATOR = "\x1f"


def distinct_moments(observations: pa.Table) -> tuple[pa.Table, pa.Array | None]:
    """The observations with neighbours of one customer and instant taken once, and where each is found among them.

    The places are None where no two neighbours are equal: then the observations are their own moments.
    """
    instants = observations["as_of"].combine_chunks()
    same = pc.equal(instants[1:], instants[:-1]).to_numpy(zero_copy_only=False)
    if same.any():
        customers = observations["customer_id"].combine_chunks()
        same = same & pc.equal(customers[1:], customers[:-1]).to_numpy(zero_copy_only=False)
    if not same.any():
        return observations, None
    is_first = np.append(True, ~same)
    return observations.filter(pa.array(is_first)), pa.array(np.cumsum(is_first) - 1)


def own_observations(observations: pa.Table) -> pa.Table:
    """The observations with the owner of their rows in the place of the customer."""
    return _owned(observations, "customer_id", observations["observation_id"])


def own_rows(events: pa.Table, work: GroupWork) -> pa.Table:
    """The rows with their owner in the place of the customer; rows without the key are nobody's.

    A version that moves an event to another key takes it back from the key it had: there it stands as retracted.
    Where it is worked out already when each version is seen, it ends of its own.
    """
    events = events if SEEN_FROM in events.column_names else _with_moved(events, work)
    events = events.filter(pc.is_valid(events[work.per]))
    return _owned(events, work.plan.entity, events[work.per])


def _owned(rows: pa.Table, entity: str, key: pa.ChunkedArray) -> pa.Table:
    owner = pc.binary_join_element_wise(_texts(rows[entity]), _texts(key), _SEPARATOR)
    return rows.set_column(rows.schema.get_field_index(entity), entity, owner)


def _with_moved(events: pa.Table, work: GroupWork) -> pa.Table:
    """The rows, and for every version of an event that has versions of other keys, a retraction for each of those."""
    if work.plan.known_on not in events.column_names or work.plan.event_id not in events.column_names:
        return events
    event = [work.plan.entity, work.plan.event_id]
    coded = pa.table({**{name: _texts(events[name]) for name in event}, "key": _texts(events[work.per])})
    keys = coded.group_by([*event, "key"]).aggregate([])
    several = keys.group_by(event).aggregate([([], "count_all")]).filter(pc.field("count_all") > 1)
    if several.num_rows == 0:
        return events
    numbered = coded.append_column("row", pa.array(np.arange(events.num_rows)))
    moved = numbered.join(several.select(event), event, join_type="inner")
    pairs = moved.join(keys.rename_columns([*event, "other"]), event, join_type="inner")
    pairs = pairs.filter(pc.fill_null(pc.not_equal(pairs["key"], pairs["other"]), True))
    pairs = pairs.filter(pc.is_valid(pairs["other"]))
    gone = events.take(pairs["row"])
    for name, column in ((work.per, pairs["other"]), ("is_retracted", pa.repeat(True, pairs.num_rows))):
        place = gone.schema.get_field_index(name)
        gone = gone.set_column(place, name, column.cast(pa.string()) if name == work.per else column)
    texts = events.set_column(events.schema.get_field_index(work.per), work.per, _texts(events[work.per]))
    return pa.concat_tables([texts, gone], promote_options="permissive")


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
