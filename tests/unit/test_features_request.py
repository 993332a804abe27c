"""Request features: what is asked for, held against what is known."""

from __future__ import annotations

import pyarrow as pa

from tallystick.features import add_request_features
from tallystick.spec.recipes import RequestFeature


def test_request_features_are_null_where_nothing_can_be_divided() -> None:
    rows = pa.table(
        {
            "amount_minor": pa.array([1000, 2000, None, 500], pa.int64()),
            "income": pa.array([500.0, 0.0, 100.0, None], pa.float64()),
        }
    )
    request = (
        RequestFeature(name="amount", expression="amount_minor", reason="Amount asked for"),
        RequestFeature(name="burden", expression="amount_minor + 0", per="income", reason="Amount against income"),
    )
    made = add_request_features(rows, request)
    assert made["request_amount"].to_pylist() == [1000.0, 2000.0, None, 500.0]
    assert made["request_burden"].to_pylist() == [2.0, None, None, None]
