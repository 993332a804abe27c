"""The observations that vectors are made for: which there are, where they are stored, and their own columns.

Apart from ``vectors`` because only here clean rows are looked at, and only for sets that have a table of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ModelError
from tallystick.kernel.zones import zone_offsets
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec, observe, period_names
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.training.vectors import KEYS, VectorPlan

# Whose gender and age band the report on fairness tells.
CUSTOMERS = "clean.customers"

_KEY = ["observation_id", "as_of"]


def needs_own_table(plan: VectorPlan) -> bool:
    """Whether the set's own clean table must be read.

    Observations of events are what that table holds, with or without features. Of every other set they are the rows of
    its feature tables, which were all drawn at once; then the table is read for own columns alone.
    """
    return plan.observed.by_event or bool(plan.own_columns)


def own_tables(plan: VectorPlan, *, exists: Callable[[str], bool]) -> list[str]:
    """The clean tables that a training set is made of: the set's own, and that of customers where there is one.

    Customers tell the segments that fairness is reported by; ``exists`` says whether a table is stored.
    """
    own = [plan.observed.table] if needs_own_table(plan) else []
    return [*own, *([CUSTOMERS] if exists(CUSTOMERS) else [])]


def score_spec(
    plan: VectorPlan,
    contracts: Mapping[str, TableContract],
    *,
    first: date | None,
    last: date | None,
    with_known_on: bool = False,
) -> ObservationSpec | None:
    """The set with its own columns as tasks draw it; None where its own table is not needed.

    The dates bound observations of events; of other sets they follow from the feature rows of each task.
    ``with_known_on`` adds the date on which an event became known.
    """
    if not needs_own_table(plan):
        return None
    bounds = (first, last) if plan.observed.by_event else (None, date.min)
    added = ["known_on"] if with_known_on and "known_on" not in plan.own_columns else []
    columns = (*plan.own_columns, *added)
    return ObservationSpec.of(plan.observed, contracts, first=bounds[0], last=bounds[1], columns=columns)


def gather_observations(
    plan: VectorPlan, tables: Mapping[str, pa.Table], contracts: Mapping[str, TableContract], *, source: Source
) -> pa.Table:
    """KEYS and ``plan.own_columns`` of every observation of the source.

    ``tables`` holds ``feature.<group>`` of the set and, where ``needs_own_table``, all versions of the set's own table.
    ModelError for a stored observation that its own table does not have any more.
    """
    stored = tables[f"feature.{next(iter(plan.columns))}"].select(list(KEYS))
    if not needs_own_table(plan):
        return stored
    rows = tables[plan.observed.table]
    # An event has features once its review is over.
    last = (
        plan.observed.last_reviewed(pc.max(rows["loaded_on"]).as_py())
        if plan.observed.by_event
        else date_span(stored["as_of"], source.zone)[1] or date.min
    )
    drawn = draw_observations(plan, rows, contracts, zone=source.zone, last=last)
    if not plan.observed.by_event:
        return attach_own_columns(stored, drawn, plan)
    place = [
        pa.repeat(source.name, drawn.num_rows),
        drawn["bucket"].cast(pa.int32()),
        period_names(drawn["as_of"], source.zone, source.layout.period),
    ]
    names = [*OBSERVATION_SCHEMA.names, *plan.own_columns]
    return pa.table([*(drawn[name] for name in names), *place], names=[*names, "source", "bucket", "period"])


def draw_observations(
    plan: VectorPlan, rows: pa.Table, contracts: Mapping[str, TableContract], *, zone: str, last: date | None
) -> pa.Table:
    """The observations of these rows of the set's own table with ``plan.own_columns`` and the rows' bucket."""
    spec = ObservationSpec.of(plan.observed, contracts, last=last, columns=("bucket", *plan.own_columns))
    return observe(spec, {plan.observed.table: rows}.__getitem__, zone=zone)


def attach_own_columns(stored: pa.Table, drawn: pa.Table, plan: VectorPlan) -> pa.Table:
    """The stored observations with the own columns of those that its table gives now."""
    marked = drawn.select([*_KEY, *plan.own_columns])
    marked = marked.append_column("_found", pa.array(np.ones(marked.num_rows, dtype=np.int8)))
    joined = stored.join(marked, keys=_KEY, join_type="left outer")
    lacking = joined["_found"].null_count
    if lacking:
        what = f"{lacking} observations of {plan.observed.name} are not in {plan.observed.table} any more"
        raise ModelError(what, fix="compute the features of their dates again")
    return joined.drop_columns(["_found"])


def date_span(as_of: pa.ChunkedArray, zone: str) -> tuple[date | None, date | None]:
    """The earliest and the latest local date of these instants; None where there are none."""
    if not len(as_of):
        return None, None
    days = zone_offsets(zone).dates(as_of.cast(pa.int64()).to_numpy())
    first, last = (np.datetime64(int(day), "D").astype(date) for day in (days.min(), days.max()))
    return first, last
