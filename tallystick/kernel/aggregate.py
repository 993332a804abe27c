"""From events and observations to features.

``compute_group`` and ``compute_vector`` join what the other modules do: history, pieces, reductions and formulas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tallystick.errors import ContractError
from tallystick.kernel.cells import Results
from tallystick.kernel.evaluate import Frame
from tallystick.kernel.fusion import Block, fused_blocks, reduce_block
from tallystick.kernel.grouped import summed_by_each
from tallystick.kernel.history import (
    Asked,
    Events,
    Ranges,
    current_rows,
    entity_ranges,
    find,
    is_seen_by_instant,
    observed_rows,
    own_rows,
    read_asked,
    read_events,
    visible_prefix,
)
from tallystick.kernel.nullable import Ints, Vector, vector_of
from tallystick.kernel.pieces import Piece, RowSelection, cut_entities, cut_sizes, select_family, take_columns
from tallystick.kernel.plan import GroupPlan, check_columns
from tallystick.kernel.reductions import reduce_selection
from tallystick.kernel.top_rows import of_top_rows
from tallystick.kernel.zones import Zone, zone_offsets

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
    results, asked = _compute(
        events, observations, plan, zone=zone, has_versions=has_versions, rows_per_piece=rows_per_piece
    )
    return results.table(asked.day)


def compute_vector(
    events: pa.Table, as_of: dt.datetime, plan: GroupPlan, *, zone: str, customer_id: str | None = None
) -> dict[str, int | float | None]:
    """The features of one customer at one instant, by name: the same numbers as ``compute_group`` gives.

    ``events`` are the customer's own rows; ``customer_id`` is needed only where there are rows of others, or none.
    """
    if customer_id is None:
        customers = events.column(plan.entity).unique()
        if len(customers) > 1:
            raise ContractError("events of several customers", fix="say customer_id=...")
        customer_id = customers[0].as_py() if len(customers) else ""
    asked = {"customer_id": [customer_id], "as_of": pa.array([as_of], pa.timestamp("us", "UTC"))}
    results, observed = _compute(events, pa.table(asked), plan, zone=zone, has_versions=True, rows_per_piece=PIECE_ROWS)
    return results.row(observed.day)


def _compute(
    events: pa.Table, observations: pa.Table, plan: GroupPlan, *, zone: str, has_versions: bool, rows_per_piece: int
) -> tuple[Results, Asked]:
    """The results and the observations."""
    check_columns(plan, events.column_names, has_versions=has_versions)
    offsets = zone_offsets(zone)
    history, customers = read_events(events, plan, has_versions=has_versions)
    columns = {name: vector_of(events.column(name), name) for name in plan.inputs}
    asked = read_asked(observations, customers, offsets, by_instant=is_seen_by_instant(events))
    job = _Job(plan, columns, offsets, Results(plan, observations.num_rows), rows_per_piece)
    # Infinite amounts may meet: the result is then not a number, and so null.
    with np.errstate(over="ignore", invalid="ignore"):
        job.run(history, asked)
    return job.results, asked


@dataclass(slots=True, eq=False)
class _Job:
    plan: GroupPlan
    columns: dict[str, Vector]
    zone: Zone
    results: Results
    rows_per_piece: int
    by_text: dict[int, Vector] = field(default_factory=dict)
    blocks: tuple[Block, ...] = field(init=False)
    unfused: frozenset[int] = field(init=False)
    has_lag: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_lag = self.plan.has_lag
        self.blocks = fused_blocks(self.plan, self.results)
        fused = {slot for block in self.blocks for batch in block.batches for slot in batch.slots}
        every = {reduction.slot for family in self.plan.families for reduction in family.reductions}
        self.unfused = frozenset(every - fused)

    def frame(self, columns: dict[str, Vector], size: int, owner: Ints | None) -> Frame:
        """A frame that shares what was evaluated by distinct text."""
        return Frame(columns, size, self.zone, by_text=self.by_text, owner=owner)

    def run(self, events: Events, asked: Asked) -> None:
        """Fill the results."""
        events = observed_rows(events, asked)
        current = current_rows(events)
        every = entity_ranges(current.entity, asked.entity)
        visible, is_plain = visible_prefix(events, current, asked, ranges=every)
        # By customer: then a piece's observations stand together, and so do its rows.
        order = np.argsort(asked.entity, kind="stable")
        self.run_plain(current, asked, order[is_plain[order]], every, visible)
        self.run_intricate(events, asked, order[~is_plain[order]])

    def run_plain(self, current: Events, asked: Asked, places: Ints, every: Ranges, visible: Ranges) -> None:
        for part, piece in self.pieces(current, asked.at(places), every.at(places), visible.at(places)):
            self.reduce(piece, places[part], self.fuse(piece, places[part]))

    def run_intricate(self, events: Events, asked: Asked, places: Ints) -> None:
        asked = asked.at(places)
        # Mostly a few customers: nobody looks at the others' rows again.
        events = observed_rows(events, asked)
        if not self.blocks:
            self.run_copied(events, asked, places, self.unfused)
            return
        every = entity_ranges(events.entity, asked.entity)
        happened = Ranges(every.first, find(events.at, every.first, every.end, asked.as_of))
        known, until = events.seen()
        for part, piece in self.pieces(events, asked, every, happened):
            rows = slice(int(every.first[part.start]), int(every.end[part.stop - 1]))
            piece.seen = known[rows], until[rows]
            left = self.fuse(piece, places[part])
            if left:
                self.run_copied(events, asked.at(part), places[part], left)

    def pieces(self, events: Events, asked: Asked, every: Ranges, visible: Ranges) -> Iterator[tuple[slice, Piece]]:
        """Runs of observations with the rows of their customers, of which each sees the first part ``visible``."""
        for part in cut_entities(every.first, every.end, self.rows_per_piece):
            start, stop = int(every.first[part.start]), int(every.end[part.stop - 1])
            rows = slice(start, stop)
            columns = take_columns(self.columns, events.inputs(rows))
            piece = Piece(
                self.frame(columns, stop - start, events.entity[rows]),
                events.at[rows],
                events.entity[rows],
                asked.at(part),
            )
            piece.find_edges(self.plan.edges, Ranges(visible.first[part] - start, visible.end[part] - start))
            yield part, piece

    def run_copied(self, events: Events, asked: Asked, places: Ints, left: frozenset[int]) -> None:
        """Reduce what is left over a copy of exactly the rows that each observation sees."""
        every = entity_ranges(events.entity, asked.entity)
        for part in cut_sizes(every.end - every.first, self.rows_per_piece):
            # Views of the part's customers; copied is only what its observations see.
            span = slice(int(every.first[part].min()), int(every.end[part].max()))
            near, inputs = events.span(span), events.inputs(span)
            index, visible = own_rows(near, asked.at(part))
            if isinstance(inputs, slice):
                columns = take_columns(take_columns(self.columns, inputs), index)
            else:
                columns = take_columns(self.columns, inputs[index])
            at = near.at[index]
            owner = np.repeat(np.arange(visible.end.size), visible.end - visible.first) if self.has_lag else None
            piece = Piece(self.frame(columns, at.size, owner), at, None, asked.at(part))
            piece.find_edges(self.plan.edges, visible)
            self.reduce(piece, places[part], left)

    def fuse(self, piece: Piece, places: Ints) -> frozenset[int]:
        """Reduce what goes in one pass; returns the slots of what is left over."""
        return self.unfused.union(*(reduce_block(piece, block, self.results, places=places) for block in self.blocks))

    def reduce(self, piece: Piece, places: Ints, left: frozenset[int]) -> None:
        """Reduce the slots ``left`` family by family."""
        if not left:
            return
        shared: dict[object, RowSelection] = {}
        for family in self.plan.families:
            reductions = [reduction for reduction in family.reductions if reduction.slot in left]
            if not reductions:
                continue
            selection = select_family(piece, family, shared)
            for reduction in reductions:
                try:
                    values, null = reduce_selection(*of_top_rows(*summed_by_each(selection, reduction)))
                except OverflowError as error:
                    what = f"a {reduction.op.token} leaves int64"
                    raise ContractError(what, where=f"group {self.plan.group}", fix="scale the value") from error
                self.results.put(reduction.slot, places, values=values, null=null)
