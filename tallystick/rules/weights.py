"""What a hit weighs, and the fraud score that follows from an observation's hits.

Apart from the fitting, since a task needs the weights alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from tallystick.rules.rule_answers import HIT, RuleAnswers
from tallystick.spec.rules import LIVE

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleWeights:
    """The weight of evidence of each rule, at least 0, and the log-odds of fraud without any hit.

    ``fitted_on`` is the date up to which confirmed fraud was known when they were fitted. A rule without a weight, or
    whose condition has changed since (``conditions`` are those that were weighed), counts for nothing.
    """

    fitted_on: date
    base: float
    weights: Mapping[str, float]
    conditions: Mapping[str, str]

    def scores(self, answers: RuleAnswers) -> Doubles:
        """The fraud score of each observation, from 0 to 100: the odds without a hit, raised by the live rules' hits.

        Of one family only the strongest hit counts, for its rules look at one thing from several sides. Another hit
        never lowers a score. Held and shadow rules count for nothing.
        """
        by_family: dict[str, Doubles] = {}
        for planned, codes in zip(answers.rules, answers.codes, strict=True):
            rule = planned.rule
            weight = self.weights.get(rule.id, 0.0)
            if rule.status == LIVE and weight > 0 and self.conditions.get(rule.id) == planned.predicate:
                family = by_family.setdefault(rule.family, np.zeros(codes.size))
                np.maximum(family, np.where(codes == HIT, weight, 0.0), out=family)
        total: Doubles = np.full(answers.codes.shape[1], self.base)
        for family in by_family.values():
            total += family
        return 100.0 / (1.0 + np.exp(-total))
