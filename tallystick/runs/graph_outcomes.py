"""How the customers' earlier loans turned out as of a date, for graphs: the label stage on what was visible then.

Apart from the stage of graphs, which knows no label, and from the run of labels, whose cut-off is one date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.labels import KnownTables, build_few_labels
from tallystick.spec.graphs import OUTCOME, CustomerGraph, NodeOutcome
from tallystick.spec.observations import ObservationSet, Rows
from tallystick.spec.tables import TableContract
from tallystick.ties.seen_rows import Moment, SeenRows, see_rows

if TYPE_CHECKING:
    from tallystick.ties.graph_snapshots import Outcomes, Pieces


def outcome_tables(graph: CustomerGraph) -> tuple[str, ...]:
    """The clean tables that the graph's outcome is told from; none without an outcome."""
    return () if graph.outcome is None else tuple(sorted({*graph.outcome.label.tables, graph.outcome.table}))


def outcomes_of(
    graph: CustomerGraph, pieces: Mapping[str, Pieces], contracts: Mapping[str, TableContract], *, zone: str
) -> Outcomes | None:
    """What tells the outcome value of every customer as of a date; None where the source lacks a table of it.

    Of the tables of the graph's outcome ``pieces`` hold all versions, with all columns. Of these only the visible ones
    reach the label, and the date is its cut-off: so no outcome counts that was not settled and known then. Without a
    visible row of the outcome's own table nothing is told, which is not the same as that nothing is settled.
    """
    outcome, names = graph.outcome, outcome_tables(graph)
    if outcome is None or not set(names) <= set(pieces):
        return None
    nobody = pa.array([], pa.string())
    seen = {name: see_rows(pa.concat_tables(list(pieces[name]())), contracts[name], nobody) for name in names}

    def told(day: date) -> pa.Table | None:
        moment = Moment.of(day, zone)
        visible = {name: _visible(one, moment) for name, one in seen.items()}
        if not visible[outcome.table].num_rows:
            return None
        return _told(outcome, visible, contracts, day=day, zone=zone)

    return told


def _told(
    outcome: NodeOutcome,
    visible: Mapping[str, pa.Table],
    contracts: Mapping[str, TableContract],
    *,
    day: date,
    zone: str,
) -> pa.Table:
    contract = contracts[outcome.table]
    key, rows = contract.event_id, visible[outcome.table]
    observed = pa.table(
        {
            "source": rows["source"],
            "bucket": pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows),
            "period": pa.repeat("", rows.num_rows),
            "observation_id": rows[key],
            "customer_id": rows[contract.entity],
            "as_of": rows[contract.event_at],
        }
    )
    judged = ObservationSet(name="neighbours", key=key, population=Rows(table=outcome.table))
    known = KnownTables(frames=visible, contracts=contracts, cutoff=day, zone=zone)
    labels = build_few_labels(outcome.label, observed, known, observation_set=judged)
    settled = labels.filter(pc.is_valid(labels["label"])).select(["customer_id", "label"])
    shares = settled.group_by("customer_id").aggregate([("label", "mean")])
    return pa.table({"customer_id": shares["customer_id"], OUTCOME: shares["label_mean"]})


def _visible(seen: SeenRows, moment: Moment) -> pa.Table:
    """The visible rows, with their source: it is no column of the files, and labels tell rows of sources apart."""
    rows = seen.rows.filter(pa.array(seen.spans.visible(moment)))
    return rows.append_column("source", pc.replace_substring_regex(rows["customer_id"], ":.*", ""))
