"""Compute feature groups for observations that are given: any file or table of customer_id and as_of.

Takes groups, a source, the observations and the name of the set; replaces exactly the rows of that set. The same
numbers as of the daily snapshot and of a recipe: only who is observed, and when, is another's choice.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.compute_observed import run
from tallystick.runs.params import ComputeObserved

if __name__ == "__main__":
    start(ComputeObserved, run, __doc__)
