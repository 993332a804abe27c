"""Selection: each filter drops what it should, and nothing outside the part is looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tallystick.model.inputs import Feature
from tallystick.model.selection import information_value, select_features
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
    _, table = select_features(frame, label, features, rule=rule, vintage=vintage)
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
