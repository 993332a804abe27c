"""Fit the weight of evidence of every rule of an observation set on fraud that was confirmed by a date.

Takes an observation set, a source and optionally the cut-off and the first and last business date. The weights replace
those fitted before; the next run of apply_rules scores with them.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.fit_rule_weights import run
from tallystick.runs.params import FitRuleWeights

if __name__ == "__main__":
    start(FitRuleWeights, run, __doc__)
