"""Segments of customers: found by what they spend on, kept from one version of the model to the next, and assigned.

Here: spending profiles, centres and their number, ids and names that last, and the file that travels with the model.
Not here: storage, the registry, what a segmentation means (``spec.segments``), amounts by kind (features).
"""

from tallystick.segments.assign import Assignment, assign_rows
from tallystick.segments.fit import FittedSegments, fit_segments
from tallystick.segments.identity import Before, read_before

__all__ = ["Assignment", "Before", "FittedSegments", "assign_rows", "fit_segments", "read_before"]
