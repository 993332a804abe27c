"""Labels: which application turned out good or bad, and when that could be known.

What lives here: the label stage (``build_labels``) and the tables that fall out of the same arithmetic (vintages, roll
rates, cohorts). What must not: storage, a session, the meaning of a definition (``spec.labels`` has it).
"""

from __future__ import annotations

from tallystick.labels.build import build_labels
from tallystick.labels.versions import last_load
from tallystick.labels.vintages import count_cohorts, roll_rates, vintage_table

__all__ = ["build_labels", "count_cohorts", "last_load", "roll_rates", "vintage_table"]
