"""Early warning: the watch list of running loans, night by night.

Here: who is late on a date, who finds and keeps a place on the list, and the rows that say so. Not here: storage, the
model and its score, the rules and their answers; the run hands in what they found.
"""

from __future__ import annotations

from tallystick.warning.arrears import find_arrears
from tallystick.warning.listing import NightInputs, list_night

__all__ = ["NightInputs", "find_arrears", "list_night"]
