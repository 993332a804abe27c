"""Selection: each filter drops what it should, and nothing outside the part is looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tallystick.model.inputs import Feature
from tallystick.model.measured_columns import MeasuredColumns, information_value
from tallystick.model.selection import select_features
from tallystick.spec.algorithms import Selection

ROWS = 400
KEEP_ALL = Selection(max_missing=1.0, min_iv=0.0, drop_against_sign=False, max_correlation=1.0, max_features=100)


def made() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    label = (np.arange(ROWS) % 4 == 0).astype(float)
    vintage = np.where(np.arange(ROWS) < ROWS // 2, "2021", "2022")
    strong = label * 2 + rng.normal(size=ROWS)
    flips = np.where(vintage == "2021", 2.0, -0.5) * label + rng.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "strong": strong,
            "twin": strong * 10 + rng.normal(scale=0.1, size=ROWS),
            "flips": flips,
            "noise": rng.normal(size=ROWS),
            "constant": 1.0,
            "empty": np.where(np.arange(ROWS) < 390, np.nan, 1.0),
        }
    )
    return frame, label, vintage


def outcome(rule: Selection, name: str, *, sign: int = 0) -> str:
    frame, label, vintage = made()
    features = [Feature(name=column, reason=column, sign=sign if column == name else 0) for column in frame]
    _, table = select_features(MeasuredColumns(frame, label, vintage), features, rule=rule)
    return str(table.set_index("feature").at[name, "outcome"])


@pytest.mark.parametrize(
    ("changes", "name", "sign", "expected"),
    [
        ({"max_missing": 0.5}, "empty", 0, "too many nulls"),
        ({}, "constant", 0, "constant"),
        ({"min_iv": 0.1}, "noise", 0, "iv below minimum"),
        ({"drop_against_sign": True}, "strong", -1, "against its expected sign"),
        ({"drop_against_sign": True}, "strong", 1, "kept"),
        ({}, "strong", -1, "kept"),
        ({"min_vintage_gap": 0.05}, "flips", 0, "not stable over vintages"),
        ({"min_vintage_gap": 0.05}, "strong", 0, "kept"),
        ({"max_correlation": 0.9, "min_iv": 0.1}, "twin", 0, "correlates with strong"),
        ({"max_features": 1}, "noise", 0, "beyond max_features"),
    ],
)
def test_each_filter_says_why_it_dropped(changes: dict[str, float], name: str, sign: int, expected: str) -> None:
    found = outcome(replace(KEEP_ALL, **changes), name, sign=sign)
    if expected.startswith("correlates"):
        assert {outcome(replace(KEEP_ALL, **changes), n) for n in ("strong", "twin")} >= {"kept"}
        assert "correlates with" in outcome(replace(KEEP_ALL, **changes), "twin") + outcome(
            replace(KEEP_ALL, **changes), "strong"
        )
    else:
        assert found == expected


def test_information_value_is_zero_without_power_and_counts_nulls_as_a_bin() -> None:
    label = np.array([0.0, 1.0] * 200)
    assert information_value(np.repeat(np.arange(200.0), 2), label, 5) == pytest.approx(0.0, abs=1e-3)
    nulls = np.where(label == 1, np.nan, np.arange(400.0))
    assert information_value(nulls, label, 5) > 2


def test_information_value_sees_a_rare_count() -> None:
    label = (np.arange(300) < 60).astype(float)
    rare = np.where(np.arange(300) < 20, 3.0, 0.0)
    assert information_value(rare, label, 5) > 0.5


def test_ranks_are_those_of_the_known_values_with_nulls_at_the_mean() -> None:
    values = pd.DataFrame({"tied": [3.0, 1.0, np.nan, 3.0], "one value": [2.0, np.nan, 2.0, 2.0], "constant": 1.0})
    ranks = MeasuredColumns(values, np.array([0.0, 1.0, 0.0, 1.0]), np.full(4, "2021")).ranks
    # 2.5, 1, 2.5 about their mean of 2.
    assert ranks[0] == pytest.approx(np.array([0.5, -1.0, 0.0, 0.5]) / np.std([0.5, -1.0, 0.0, 0.5]))
    assert not ranks[1:].any()


def test_a_feature_correlates_with_the_nearest_of_those_kept() -> None:
    """Compared with every correlation, computed for itself."""
    frame, label, vintage = made()
    rng = np.random.default_rng(2)
    for number in range(12):
        frame[f"mix{number}"] = frame["strong"] * rng.random() + frame["flips"] * rng.random() + rng.normal(size=ROWS)
    rule = replace(KEEP_ALL, max_correlation=0.6)
    features = [Feature(name=name, reason=name) for name in frame.drop(columns=["constant", "empty"])]
    kept, table = select_features(MeasuredColumns(frame, label, vintage), features, rule=rule)
    outcome = table.set_index("feature")["outcome"]
    near = frame.corr(method="spearman").abs()
    strongest = table.sort_values(["iv", "feature"], ascending=[False, True])["feature"]
    before: list[str] = []
    for name in strongest:
        nearest = near.loc[before, name].idxmax() if before else ""
        if before and near.at[nearest, name] > 0.6:
            assert outcome[name] == f"correlates with {nearest}"
        else:
            assert outcome[name] == "kept"
            before.append(name)
    assert [feature.name for feature in kept] == before
    assert 1 < len(before) < len(features)
