"""Anti-fraud rules at work: which observation is hit by which rule, which rule is held, and what rules are worth.

Here: all rules of a set answered in one projection, the rows of their tables, what rules weigh and how they are judged.
Not here: what a rule means (``spec.rules``), features, storage (a run hands in the functions that read and write).
"""

from __future__ import annotations

from tallystick.rules.answers import CLEAR, HELD, HIT, Answers, answer_rules
from tallystick.rules.arrivals import Arrivals
from tallystick.rules.stage import RuleWork, apply_buckets

__all__ = ["CLEAR", "HELD", "HIT", "Answers", "Arrivals", "RuleWork", "answer_rules", "apply_buckets"]
