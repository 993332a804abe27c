"""Which features an algorithm keeps, decided inside a training part and nowhere else.

The filters that ``spec.algorithms.Selection`` declares, in their order, with a reason for each drop. What they judge is
measured in ``measured_columns``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tallystick.model.inputs import Feature
from tallystick.model.measured_columns import MeasuredColumns
from tallystick.spec.algorithms import Selection

KEPT = "kept"

# More than a correlation can differ between one product of a matrix and products of single lines.
_ROUNDING = 1e-9


def select_features(
    columns: MeasuredColumns, features: Sequence[Feature], *, rule: Selection
) -> tuple[list[Feature], pd.DataFrame]:
    """The features kept, strongest first, and a table with one row per candidate: iv, auc, outcome.

    ``columns`` are those of the rows to learn from, and hold every feature. ``outcome`` is ``kept`` or why the feature
    was dropped. Nothing but these rows is looked at, so calling this inside each fold keeps the held-out rows out of
    the choice.
    """
    table = _judge(columns, features, rule=rule)
    outcome = table["outcome"].to_numpy(dtype=object, copy=True)
    places = columns.places([feature.name for feature in features])
    kept: list[Feature] = []
    near = _Nearest(rule.max_correlation, lines=min(rule.max_features, len(features)), length=columns.rows)
    for position in table.sort_values(["iv", "feature"], ascending=[False, True], kind="stable").index:
        if outcome[position] != KEPT:
            continue
        ranks = columns.ranks[places[position]]
        nearest = near.find(ranks)
        if nearest is not None:
            outcome[position] = f"correlates with {kept[nearest].name}"
        elif len(kept) >= rule.max_features:
            outcome[position] = "beyond max_features"
        else:
            kept.append(features[position])
            near.add(ranks)
    return kept, table.assign(outcome=outcome)


class _Nearest:
    """Finds which of the ranks added so far correlate most with others."""

    def __init__(self, limit: float, *, lines: int, length: int) -> None:
        self._limit = limit
        self._added = np.empty((lines, length))
        self._count = 0

    def add(self, ranks: np.ndarray) -> None:
        """Compare later ranks with these, too."""
        self._added[self._count] = ranks
        self._count += 1

    def find(self, ranks: np.ndarray) -> int | None:
        """Which of those added correlates most, if any by more than the limit; of equal ones the first."""
        rough = np.abs(self._added[: self._count] @ ranks) / len(ranks)
        largest, found = self._limit, None
        for place in np.flatnonzero(rough > self._limit - _ROUNDING).tolist():
            exact = abs(float(ranks @ self._added[place])) / len(ranks)
            if exact > largest:
                largest, found = exact, place
        return found


def _judge(columns: MeasuredColumns, features: Sequence[Feature], *, rule: Selection) -> pd.DataFrame:
    """One row per candidate: iv, auc with nulls at the median, share of nulls, and ``kept`` or why it is dropped."""
    names = [feature.name for feature in features]
    places = columns.places(names)
    missing, power, iv = columns.missing[places], columns.power[places], columns.iv(rule.bins)[places]
    expected = np.array([feature.sign for feature in features])
    is_against = rule.drop_against_sign & (expected != 0) & (np.sign(power - 0.5) == -expected)
    reasons = (
        ("not stable over vintages", columns.are_unstable(rule.min_vintage_gap)[places]),
        ("against its expected sign", is_against),
        ("iv below minimum", iv < rule.min_iv),
        ("constant", columns.is_constant[places]),
        ("too many nulls", (missing > rule.max_missing) | (missing == 1.0)),
    )
    outcome = np.full(len(features), KEPT, dtype=object)
    # The last reason that applies stays.
    for reason, applies in reasons:
        outcome[applies] = reason
    is_measured = ~np.isin(outcome.astype(str), ["constant", "too many nulls"])
    return pd.DataFrame(
        {
            "feature": names,
            "iv": np.where(is_measured, iv, 0.0),
            "auc": np.where(is_measured, power, 0.5),
            "missing": missing,
            "outcome": outcome,
        }
    )
