"""Build the labels of a recipe from what was known at a cut-off date, and replace the source's rows of each.

Takes a recipe, a source and optionally the cut-off (default: the source's last load); reads applications, loans and
their outcomes at pinned versions.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.build_labels import run
from tallystick.runs.params import BuildLabels

if __name__ == "__main__":
    start(BuildLabels, run, __doc__)
