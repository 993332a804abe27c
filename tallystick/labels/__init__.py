"""Labels: which observation turned out good or bad, and when that could be known.

Here: the label stage (``build_labels``) and the tables that the same arithmetic gives (vintages, roll rates, cohorts).
Not here: storage, a session, the meaning of a definition (``spec.labels`` has it).
"""

from __future__ import annotations

from tallystick.labels.build import build_few_labels, build_labels
from tallystick.labels.versions import KnownTables, last_load
from tallystick.labels.vintages import count_cohorts, roll_rates, vintage_table

__all__ = [
    "KnownTables",
    "build_few_labels",
    "build_labels",
    "count_cohorts",
    "last_load",
    "roll_rates",
    "vintage_table",
]
