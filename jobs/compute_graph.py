"""Build snapshots of graphs of customers: those that lack or are right no more, up to the last load.

Takes a source, and optionally graphs and a first date, from which all are built again. Reads the clean tables of their
ties.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.compute_graph import run
from tallystick.runs.params import ComputeGraph

if __name__ == "__main__":
    start(ComputeGraph, run, __doc__)
