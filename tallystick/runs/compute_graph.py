"""Build snapshots of graphs of customers: those that lack or are right no more, up to the last load.

Takes a source, and optionally graphs and a first date, from which all are built again. Reads the clean tables of their
ties. Runs that compute features of a graph build it themselves; this one is for a schedule of its own, and for building
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.features.planning import find_declared
from tallystick.runs.context import RunContext
from tallystick.runs.graph_needs import open_pairs
from tallystick.runs.graph_tables import GraphBuild, build_graph_up
from tallystick.runs.pair_tables import build_pairs_up

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import ComputeGraph


def run(params: ComputeGraph, session: SparkSession | None = None) -> None:
    """Build the table of one graph after the other, and then those of pairs, each in one commit, without Spark."""
    context = RunContext.open(params)
    graphs, pairs = context.project.graphs, context.project.pairs
    known = {**graphs, **pairs}
    for name in params.graphs or tuple(known):
        find_declared("graph", name, known)
        if name in graphs:
            build_graph_up(GraphBuild.open(context, graphs[name]), first=params.first, says_idle=True)
        else:
            build_pairs_up(open_pairs(context, pairs[name]), first=params.first, says_idle=True)
