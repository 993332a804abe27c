"""Assign customers to the segments in force, month by month, and replace the rows of exactly those months.

Takes a segmentation, a source and optionally the first and last business date. Without dates the months that have
features and no segments yet are assigned, and what is stored stays as the version of its time said.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.assign_segments import run
from tallystick.runs.params import AssignSegments

if __name__ == "__main__":
    start(AssignSegments, run, __doc__)
