"""Build the labels of a recipe from what was known at a cut-off date, and replace its set's rows in each label table.

Takes a recipe, a source and optionally the cut-off (default: the source's last load); reads at pinned versions what the
recipe's observations are drawn from and their outcomes.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.build_labels import run
from tallystick.runs.params import BuildLabels

if __name__ == "__main__":
    start(BuildLabels, run, __doc__)
