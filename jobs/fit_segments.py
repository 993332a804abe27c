"""Fit a segmentation on the features of one business date, register it, and bring it into force past its gates.

Takes a segmentation, a source and optionally the date; reads the features at a pinned version. Segments that are in
force hand their ids on.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.fit_segments import run
from tallystick.runs.params import FitSegments

if __name__ == "__main__":
    start(FitSegments, run, __doc__)
