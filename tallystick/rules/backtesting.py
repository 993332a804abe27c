"""What each rule would have found: precision, recall, value, lag, stability and overlap on confirmed fraud.

Apart from the choice of a subset, which asks which rules are enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tallystick.kernel.nullable import Bools
from tallystick.rules.collecting import CollectedAnswers
from tallystick.rules.fraud_cases import FraudCases
from tallystick.rules.rule_answers import HELD, HIT
from tallystick.spec.rules import LIVE

# Two-sided 95 per cent of the normal distribution.
Z95 = 1.959963984540054
FEWEST_WEEKS = 4


def backtest_rules(collected: CollectedAnswers, cases: FraudCases) -> pa.Table:
    """One row per rule, in the order of ids.

    Precision and recall count observations that can be judged, with 95 % Wilson intervals. ``gain`` is how much recall
    the rule adds to the rules before it, ``beside`` counts the frauds that no live rule but it hits. ``stability`` is
    the spread of the weekly share of hits over its mean (null for fewer than four weeks or no hit); the closer to 0,
    the steadier. ``overlap`` is the largest Jaccard index of its hits with another rule's. A held answer is no hit, so
    it lowers recall; ``held`` is the share of such answers among all decisions.
    """
    hits = collected.answers.codes == HIT
    judged, fraud = cases.is_judged, cases.is_fraud
    overlaps = jaccard(hits)
    live = np.array([planned.rule.status == LIVE for planned in collected.answers.rules])
    before: Bools = np.zeros(fraud.size, dtype=bool)
    rows = []
    for number, planned in enumerate(collected.answers.rules):
        others = hits[live & (np.arange(live.size) != number)].any(axis=0)
        right = hits[number] & fraud
        rule = planned.rule
        rows.append(
            {
                "rule": rule.id, "family": rule.family, "status": rule.status, "severity": rule.severity,
                "decisions": int(fraud.size), "hits": int(hits[number].sum()),
                "judged_hits": int((hits[number] & judged).sum()), "frauds_hit": int(right.sum()),
            }
            | _with_interval("precision", int(right.sum()), int((hits[number] & judged).sum()))
            | _with_interval("recall", int(right.sum()), int(fraud.sum()))
            | {
                "value_caught": float(collected.values[right].sum()),
                "lag_days": _median(cases.known_on[right] - collected.decided[right]),
                "stability": weekly_spread(hits[number], collected),
                "gain": _share(int((right & ~before).sum()), int(fraud.sum())),
                "beside": int((right & ~others).sum()),
                "held": _share(int((collected.answers.codes[number] >= HELD).sum()), int(fraud.size)),
            }
            | _nearest(overlaps[number], number, collected)
        )  # fmt: skip
        before |= right
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def wilson(right: int, asked: int) -> tuple[float, float]:
    """The 95 per cent interval of a share of ``right`` among ``asked`` (Wilson 1927); ``asked`` is positive."""
    share, z2 = right / asked, Z95 * Z95
    middle = share + z2 / (2 * asked)
    width = Z95 * np.sqrt(share * (1 - share) / asked + z2 / (4 * asked * asked))
    low, high = (middle - width) / (1 + z2 / asked), (middle + width) / (1 + z2 / asked)
    # Rounding leaves a hair beside 0 and 1, which are the exact ends where none or all are right.
    return 0.0 if not right else float(low), 1.0 if right == asked else float(high)


def jaccard(hits: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Of each two rules the observations that both hit over those that either hits; 0 where neither hits any."""
    numbers = hits.astype(np.float32)
    both = (numbers @ numbers.T).astype(np.float64)
    each = np.diag(both)
    either = each[:, None] + each[None, :] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def weekly_spread(hits: Bools, collected: CollectedAnswers) -> float | None:
    """The standard deviation of the weekly shares of hits over their mean; see ``backtest_rules``."""
    weeks = collected.decided // 7
    weeks = weeks - weeks.min(initial=0) if weeks.size else weeks
    all_of, hit_of = np.bincount(weeks), np.bincount(weeks, weights=hits)
    shares = hit_of[all_of > 0] / all_of[all_of > 0]
    if shares.size < FEWEST_WEEKS or not shares.any():
        return None
    return float(shares.std(ddof=1) / shares.mean())


def _with_interval(name: str, right: int, asked: int) -> dict[str, Any]:
    low, high = wilson(right, asked) if asked else (None, None)
    return {name: _share(right, asked), f"{name}_low": low, f"{name}_high": high}


def _nearest(overlaps: npt.NDArray[np.float64], number: int, collected: CollectedAnswers) -> dict[str, Any]:
    """The other rule whose hits are most alike, and how alike; nobody where none shares a hit."""
    others = overlaps.copy()
    others[number] = 0.0
    nearest = int(np.argmax(others))
    if others[nearest] == 0.0:
        return {"overlap": 0.0, "overlap_with": None}
    return {"overlap": float(others[nearest]), "overlap_with": collected.answers.rules[nearest].rule.id}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _median(days: npt.NDArray[np.int64]) -> float | None:
    return float(np.median(days)) if days.size else None


_TEXTS = ("rule", "family", "status", "severity", "overlap_with")
_COUNTS = ("decisions", "hits", "judged_hits", "frauds_hit", "beside")
_ORDER = (
    "rule", "family", "status", "severity", "decisions", "hits", "judged_hits", "frauds_hit", "precision",
    "precision_low", "precision_high", "recall", "recall_low", "recall_high", "value_caught", "lag_days", "stability",
    "gain", "beside", "overlap", "overlap_with", "held",
)  # fmt: skip
_SCHEMA = pa.schema(
    [(name, pa.string() if name in _TEXTS else pa.int64() if name in _COUNTS else pa.float64()) for name in _ORDER]
)
