"""From events and observations to features.

What lives here: ``compute_group`` and ``compute_vector``, which join history, pieces, reductions and formulas. What
must not: any of their work, I/O, Spark.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tallystick.errors import ContractError
from tallystick.kernel.calendar import Zone, zone_offsets
from tallystick.kernel.formulas import derive
from tallystick.kernel.history import (
    Asked,
    Events,
    Ranges,
    current_rows,
    entity_ranges,
    own_rows,
    read_asked,
    read_events,
    visible_prefix,
)
from tallystick.kernel.pieces import Piece, Selection, build_piece, cut_entities, select_family, take_columns
from tallystick.kernel.plan import GroupPlan, check_columns
from tallystick.kernel.reductions import reduce_selection
from tallystick.kernel.vectors import Bools, Ints, Vector, vector_of

# Rows worked on at once: half a dozen columns of these fit a core's cache. See docs/performance.md.
PIECE_ROWS = 131_072


def compute_group(
    events: pa.Table,
    observations: pa.Table,
    plan: GroupPlan,
    *,
    zone: str,
    has_versions: bool = True,
    rows_per_piece: int = PIECE_ROWS,
) -> pa.Table:
    """The features of each observation: one row each, in the order given; columns as ``plan.columns``.

    ``events`` holds all versions of all rows that may matter, in any order, with ``required_columns(plan)``.
    ``observations`` holds ``customer_id`` and ``as_of`` (UTC). A row is seen if ``event_at < as_of`` and ``known_on``
    is not after as_of's date in ``zone``. A customer without rows gets 0 from counts and sums and null from the rest.
    ``has_versions`` False says that no event has a second version among the rows (all came in one load): then the
    columns of ``required_columns(plan, has_versions=False)`` are enough, and nobody looks for versions.
    ``rows_per_piece`` bounds the rows worked on at once and changes no value.
    ContractError: a column is missing or null where it must not be, or a sum leaves int64.
    """
    check_columns(plan, events.column_names, has_versions=has_versions)
    offsets = zone_offsets(zone)
    history, customers = read_events(events, plan, has_versions=has_versions)
    columns = {name: vector_of(events.column(name), name) for name in plan.inputs}
    asked = read_asked(observations, customers, offsets)
    job = _Job(plan, columns, offsets, _Results.empty(plan, observations.num_rows), rows_per_piece)
    # Infinite amounts may meet: the result is then not a number, and so null.
    with np.errstate(over="ignore", invalid="ignore"):
        job.run(history, asked)
        return job.results.table(plan, asked.day)


def compute_vector(
    events: pa.Table, as_of: dt.datetime, plan: GroupPlan, *, zone: str, customer_id: str | None = None
) -> dict[str, int | float | None]:
    """The features of one customer at one instant, by name: the very numbers of ``compute_group``.

    ``events`` are the customer's own rows; ``customer_id`` is needed only where there are rows of others, or none.
    """
    if customer_id is None:
        customers = events.column(plan.entity).unique()
        if len(customers) > 1:
            raise ContractError("events of several customers", fix="say customer_id=...")
        customer_id = customers[0].as_py() if len(customers) else ""
    observations = pa.table(
        {
            "customer_id": pa.array([customer_id], pa.string()),
            "as_of": pa.array([as_of], pa.timestamp("us", "UTC")),
        }
    )
    return dict(compute_group(events, observations, plan, zone=zone).to_pylist()[0])


@dataclass(slots=True, eq=False)
class _Results:
    """The cells of all observations: whole numbers and doubles, each a line of an array, and where they are null."""

    line: list[tuple[bool, int]]
    ints: Ints
    doubles: np.ndarray[Any, np.dtype[np.float64]]
    null: Bools

    @classmethod
    def empty(cls, plan: GroupPlan, size: int) -> _Results:
        """No result yet for ``size`` observations."""
        line: list[tuple[bool, int]] = []
        counts = {"int64": 0, "double": 0}
        for kind in plan.slot_types:
            line.append((kind == "double", counts[kind]))
            counts[kind] += 1
        shape = len(plan.slot_types), size
        return cls(
            line,
            np.zeros((counts["int64"], size), dtype=np.int64),
            np.zeros((counts["double"], size)),
            np.zeros(shape, dtype=np.bool_),
        )

    def cell(self, slot: int) -> tuple[np.ndarray[Any, Any], Bools]:
        """The values of a slot and where they are null."""
        is_double, line = self.line[slot]
        return (self.doubles if is_double else self.ints)[line], self.null[slot]

    def table(self, plan: GroupPlan, days: Ints) -> pa.Table:
        """All columns as Arrow, formulas applied."""
        arrays = []
        for column, formula in zip(plan.columns, plan.formulas, strict=True):
            cells = [self.cell(slot) for slot in formula.slots]
            values, null = cells[0] if formula.kind == "cell" else derive(formula.kind, cells, formula.windows, days)
            if values.dtype == np.float64:
                null = null | np.isnan(values)
            kind = pa.float64() if column.type == "double" else pa.int64()
            arrays.append(pa.array(values, kind, mask=null if null.any() else None))
        return pa.table(arrays, names=list(plan.names))


@dataclass(slots=True, eq=False)
class _Job:
    plan: GroupPlan
    columns: dict[str, Vector]
    zone: Zone
    results: _Results
    rows_per_piece: int

    def run(self, events: Events, asked: Asked) -> None:
        current = current_rows(events)
        visible, is_plain = visible_prefix(events, current, asked)
        plain = np.flatnonzero(is_plain)
        plain = plain[np.argsort(asked.entity[plain], kind="stable")]
        self.run_plain(current, _asked_at(asked, plain), Ranges(visible.first[plain], visible.end[plain]), plain)
        intricate = np.flatnonzero(~is_plain)
        intricate = intricate[np.argsort(asked.entity[intricate], kind="stable")]
        self.run_intricate(events, _asked_at(asked, intricate), intricate)

    def run_plain(self, current: Events, asked: Asked, visible: Ranges, targets: Ints) -> None:
        every = entity_ranges(current.entity, asked.entity)
        for part in cut_entities(every.first, every.end, self.rows_per_piece):
            start, stop = int(every.first[part.start]), int(every.end[part.stop - 1])
            rows = current.inputs(slice(start, stop))
            piece = build_piece(
                self.plan,
                take_columns(self.columns, rows),
                current.at[start:stop],
                current.entity[start:stop],
                asked=_asked_at(asked, part),
                visible=Ranges(visible.first[part] - start, visible.end[part] - start),
                zone=self.zone,
            )
            self.reduce(piece, targets[part])

    def run_intricate(self, events: Events, asked: Asked, targets: Ints) -> None:
        every = entity_ranges(events.entity, asked.entity)
        sizes = np.cumsum(every.end - every.first)
        start = 0
        while start < targets.size:
            before = int(sizes[start - 1]) if start else 0
            stop = max(int(np.searchsorted(sizes, before + self.rows_per_piece, side="right")), start + 1)
            part = slice(start, stop)
            places, visible = own_rows(events, _asked_at(asked, part))
            owner = np.repeat(np.arange(stop - start), visible.end - visible.first)
            columns = take_columns(self.columns, events.inputs(places))
            piece = build_piece(
                self.plan,
                columns,
                events.at[places],
                owner,
                asked=_asked_at(asked, part),
                visible=visible,
                zone=self.zone,
            )
            self.reduce(piece, targets[part])
            start = stop

    def reduce(self, piece: Piece, targets: Ints) -> None:
        shared: dict[object, Selection] = {}
        for family in self.plan.families:
            selection = select_family(piece, family, shared)
            for reduction in family.reductions:
                try:
                    values, null = reduce_selection(selection, reduction)
                except OverflowError as error:
                    raise ContractError(
                        f"a {reduction.op.token} leaves int64", where=f"group {self.plan.group}", fix="scale the value"
                    ) from error
                for i, span in enumerate(reduction.spans):
                    self.results.cell(span.slot)[0][targets] = values[i]
                    if null is not None:
                        self.results.null[span.slot, targets] = null[i]


def _asked_at(asked: Asked, index: Ints | slice) -> Asked:
    return Asked(asked.entity[index], asked.as_of[index], asked.day[index])
