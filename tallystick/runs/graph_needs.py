"""The tables of graphs that feature groups read: brought up before they are read, and handed to the audit.

Whatever computes features of such a table begins with ``build_graphs``, so that no way in meets an old snapshot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from tallystick.runs.context import RunContext
from tallystick.runs.graph_tables import GraphBuild, build_graph_up
from tallystick.runs.pair_tables import PairBuild, build_pairs_up
from tallystick.spec.features import FeatureGroup
from tallystick.spec.graph_pairs import CustomerPairs, check_pairs, pair_ties
from tallystick.tables.store.queries import read_arrow
from tallystick.training.audit_graph import ReplayedGraph
from tallystick.training.audit_pairs import ReplayedPairs


def open_pairs(context: RunContext, pairs: CustomerPairs) -> PairBuild:
    """The events between customers of the run's source, with all pinned that their graph is made of.

    DeclarationError where the pairs, their graph or its ties do not exist or do not fit.
    """
    ties = context.project.ties
    check_pairs(pairs, ties, context.contracts)
    return PairBuild(pairs=pairs, building=GraphBuild.open(context, pairs.structure, ties=pair_ties(pairs, ties)))


def build_graphs(context: RunContext, groups: Iterable[FeatureGroup]) -> None:
    """Bring every table of a graph that one of the groups reads up to the last load, where anything lacks."""
    read = {table for group in groups for table in group.reads}
    for graph in context.project.graphs.values():
        if graph.table in read:
            build_graph_up(GraphBuild.open(context, graph))
    for pairs in context.project.pairs.values():
        if pairs.table in read:
            build_pairs_up(open_pairs(context, pairs))


def lacking_from(context: RunContext, tables: Collection[str]) -> dict[str, date]:
    """By table of a graph or of its pairs, of those named: the date from which on it lacks rows that have come beneath
    it; date.max where it has seen all.
    """
    graphs = [graph for graph in context.project.graphs.values() if graph.table in tables]
    pairs = [pairs for pairs in context.project.pairs.values() if pairs.table in tables]
    found = {graph.table: GraphBuild.open(context, graph).lacks_from() for graph in graphs}
    return found | {one.table: open_pairs(context, one).lacks_from() for one in pairs}


def replay_graphs(context: RunContext, groups: Iterable[FeatureGroup]) -> list[ReplayedGraph]:
    """The graphs that the groups read, as they are stored, with the rows and the way to build a snapshot again."""
    read = {table for group in groups for table in group.reads}
    found = []
    for graph in context.project.graphs.values():
        if graph.table in read and context.warehouse.exists(graph.table):
            building = GraphBuild.open(context, graph)
            measures = [measure.column(kind) for measure, kind in graph.columns]
            columns = ["customer_id", "known_on", *measures]
            pieces = building.pieces()
            found.append(
                ReplayedGraph(
                    name=graph.table,
                    stored=read_arrow(context.warehouse, graph.table, columns=columns, filter=context.is_ours),
                    pieces=pieces,
                    event_ids={name: context.contracts[name].event_id for name in pieces},
                    snapshot=building.snapshot,
                )
            )
    return found


def replay_pairs(context: RunContext, groups: Iterable[FeatureGroup]) -> list[ReplayedPairs]:
    """The events between customers that the groups read, as they are stored, and the way to build them again."""
    read = {table for group in groups for table in group.reads}
    found = []
    for pairs in context.project.pairs.values():
        if pairs.table in read and context.warehouse.exists(pairs.table):
            building = open_pairs(context, pairs)
            pieces = building.building.pieces()
            names = [column.name for column in building.contract.file_columns if column.name != "event_at"]
            found.append(
                ReplayedPairs(
                    name=pairs.table,
                    event_id=building.contract.event_id,
                    stored=read_arrow(context.warehouse, pairs.table, columns=names, filter=context.is_ours),
                    pieces=pieces,
                    events=building.event_pieces(),
                    events_id=building.events.event_id,
                    event_ids={name: context.contracts[name].event_id for name in pieces},
                    rebuild=building.rebuild,
                )
            )
    return found
