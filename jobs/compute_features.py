"""Compute feature groups for the observations of a recipe or for the daily snapshot, and replace exactly those rows.

Takes groups or a recipe, a source and optionally the first and last business date; reads the clean tables at one pinned
version.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.compute_features import run
from tallystick.runs.params import ComputeFeatures

if __name__ == "__main__":
    start(ComputeFeatures, run, __doc__)
