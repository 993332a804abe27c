"""Fits the weight of evidence of every rule on fraud that was confirmed by a date.

Apart from ``weights``, which tasks carry: fitting sees labels, scoring never does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tallystick.rules.collecting import CollectedAnswers
from tallystick.rules.fraud_cases import FraudCases
from tallystick.rules.rule_answers import HELD, HIT

# So many observations that tell nothing stand beside those that were seen: a rule with few hits weighs little.
PRIOR = 10.0


def fit_weights(collected: CollectedAnswers, cases: FraudCases) -> pa.Table:
    """One row per rule: its weight, what it rests on, and the log-odds of fraud among all that can be judged.

    The weight is ``ln(share of frauds hit / share of clean ones hit)``, each share drawn towards the share of all that
    are hit as if PRIOR more had been seen, and at least 0: a hit never speaks for a person. Held answers are left out.
    """
    rows = []
    frauds, cleans = (int((cases.codes == code).sum()) for code in (1, 0))
    base = float(np.log((frauds + 0.5) / (cleans + 0.5)))
    for planned, codes in zip(collected.answers.rules, collected.answers.codes, strict=True):
        is_known = cases.is_judged & (codes < HELD)
        is_hit, fraud = codes == HIT, cases.is_fraud
        counts = {
            "frauds": int((is_known & fraud).sum()),
            "frauds_hit": int((is_known & fraud & is_hit).sum()),
            "cleans": int((is_known & ~fraud).sum()),
            "cleans_hit": int((is_known & ~fraud & is_hit).sum()),
        }
        rows.append(
            {"rule_id": planned.rule.id, "condition": planned.predicate, "weight": _weight(**counts), "base": base}
            | counts
        )
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _weight(*, frauds: int, frauds_hit: int, cleans: int, cleans_hit: int) -> float:
    share = (frauds_hit + cleans_hit) / max(frauds + cleans, 1)
    if share == 0.0:
        return 0.0
    of_frauds = (frauds_hit + PRIOR * share) / (frauds + PRIOR)
    of_cleans = (cleans_hit + PRIOR * share) / (cleans + PRIOR)
    return max(0.0, float(np.log(of_frauds / of_cleans)))


_FIELDS: list[tuple[str, Any]] = [
    ("rule_id", pa.string()), ("condition", pa.string()), ("weight", pa.float64()), ("base", pa.float64()),
    ("frauds", pa.int64()), ("frauds_hit", pa.int64()), ("cleans", pa.int64()), ("cleans_hit", pa.int64()),
]  # fmt: skip
_SCHEMA = pa.schema(_FIELDS)
