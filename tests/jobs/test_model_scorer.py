"""What the model file makes of features: log-odds, pd, score, limit, decision and reasons."""

from __future__ import annotations

import ast
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tallystick.model.packaging import OUTPUTS, SCORER_FILE
from tests.lib import models


@pytest.fixture(scope="module")
def scorer() -> Any:
    from tallystick.model.mlflow_client import import_quietly

    import_quietly()
    from tallystick.model import scorer

    return scorer


def one(**values: float) -> pd.DataFrame:
    return pd.DataFrame([{name: values.get(name, math.nan) for name in models.FEATURES}])


def test_the_scorer_file_imports_nothing_of_the_project() -> None:
    names = [
        name
        for node in ast.walk(ast.parse(SCORER_FILE.read_text(encoding="utf-8")))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None)])
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert {str(name).partition(".")[0] for name in names} <= {
        "__future__", "collections", "json", "lightgbm", "mlflow", "numpy", "pandas", "pathlib", "typing",
    }  # fmt: skip


def test_a_scorecard_adds_intercept_and_points_of_the_bins(scorer: Any) -> None:
    model = models.describe(models.scorecard())
    # -1.0 + 0.5 (20 is in the last bin) + 2 * -0.5 + 0.0
    found = scorer.score_frame(model, {}, one(txn_out_sum_30d=20, txn_in_sum_30d=100, social_contacts_distinct_28d=1))
    assert found["pd"][0] == pytest.approx(1 / (1 + math.exp(1.5)))
    assert found["score"][0] == 65.0
    assert (found["decision"][0], found["limit_minor"][0]) == ("refer", 500_000)


def test_a_null_takes_the_bin_of_nulls(scorer: Any) -> None:
    model = models.describe(models.scorecard())
    found = scorer.score_frame(model, {}, one())
    assert found["pd"][0] == pytest.approx(1 / (1 + math.exp(1.0 - 0.25 - 1.5 - 0.3)))
    assert found["decision"][0] == "decline"
    assert found["limit_minor"][0] == 0


def test_reasons_are_what_raised_the_risk_most_and_a_shared_text_counts_once(scorer: Any) -> None:
    model = models.describe(models.scorecard())
    # Beyond their averages: spending 0.5 - 0.1, income 2 * 0.5 - 0, contacts 0.0 - 0.05.
    found = scorer.score_frame(model, {}, one(txn_out_sum_30d=99, txn_in_sum_30d=1, social_contacts_distinct_28d=1))
    assert found["reasons"][0] == [
        "Income in the last 30 days", "Spending in the last 30 days", "Number of people you were in touch with",
    ]  # fmt: skip


def test_equal_contributions_keep_the_order_of_the_features(scorer: Any) -> None:
    flat = np.zeros((2, len(models.FEATURES)))
    listed = list(dict.fromkeys(models.REASONS.values()))
    assert scorer.name_reasons(models.describe(), flat) == [listed, listed]


@pytest.mark.parametrize(("pd_", "expected"), [(0.05, "approve"), (0.1, "refer"), (0.2999, "refer"), (0.3, "decline")])
def test_a_pd_at_the_edge_of_a_band_is_in_the_next_one(scorer: Any, pd_: float, expected: str) -> None:
    decision, _ = scorer.decide(models.describe()["policy"], np.array([pd_]))
    assert decision[0] == expected


def test_the_score_stays_on_its_scale_and_rounds_half_to_even(scorer: Any) -> None:
    scale = {"offset": 0.0, "factor": 1.0}
    pds = 1 / (1 + np.exp([-5.0, 200.0, 0.25, 0.75, 0.35]))
    assert list(scorer.to_score(scale, pds)[:2]) == [0.0, 100.0]
    exact = (
        scorer.to_score({"offset": 0.25, "factor": 0.0}, np.array([0.5])),
        scorer.to_score({"offset": 0.75, "factor": 0.0}, np.array([0.5])),
    )
    assert (exact[0][0], exact[1][0]) == (0.2, 0.8)


def test_extreme_log_odds_give_a_pd_inside_zero_and_one(scorer: Any) -> None:
    found = scorer.calibrate({"intercept": 0.0, "slope": 1.0}, np.array([-1e9, 0.0, 1e9]))
    assert list(found) == [1e-6, 0.5, 1 - 1e-6]


def test_trees_give_the_pd_that_lightgbm_gives(scorer: Any) -> None:
    booster = lightgbm.Booster(model_str=models.booster_text())
    model = models.describe({"kind": "lightgbm", "weight": 1.0, "features": list(models.FEATURES)})
    frame = models.rows(50, seed=9)
    found = scorer.score_frame(model, {"booster": booster}, frame)
    assert found["pd"].to_numpy() == pytest.approx(booster.predict(frame.to_numpy()), abs=1e-9)
    assert all(len(set(reasons)) == 3 for reasons in found["reasons"])


def test_a_blend_adds_the_members_log_odds_with_their_weights(scorer: Any) -> None:
    booster = lightgbm.Booster(model_str=models.booster_text())
    trees = {"kind": "lightgbm", "weight": 0.25, "features": list(models.FEATURES)}
    frame = models.rows(20, seed=4)
    both, _ = scorer.explain(models.describe(models.scorecard(0.75), trees), {"booster": booster}, frame)
    card, _ = scorer.explain(models.describe(models.scorecard()), {}, frame)
    assert both == pytest.approx(0.75 * card + 0.25 * booster.predict(frame.to_numpy(), raw_score=True))


def test_a_row_scores_the_same_alone_and_among_others(scorer: Any) -> None:
    booster = lightgbm.Booster(model_str=models.booster_text())
    trees = {"kind": "lightgbm", "weight": 0.5, "features": list(models.FEATURES)}
    model = models.describe(models.scorecard(0.5), trees)
    frame = models.rows(64, seed=8)
    whole = scorer.score_frame(model, {"booster": booster}, frame)
    parts = pd.concat([scorer.score_frame(model, {"booster": booster}, frame.iloc[[n]]) for n in range(len(frame))])
    pd.testing.assert_frame_equal(whole, parts, check_exact=True)


def test_a_missing_column_is_refused_by_name(scorer: Any) -> None:
    from mlflow import MlflowException

    frame = models.rows(3).drop(columns=["txn_in_sum_30d"])
    with pytest.raises(MlflowException, match="lacks 1 of the model's 4 features: txn_in_sum_30d"):
        scorer.score_frame(models.describe(models.scorecard()), {}, frame)


def test_columns_in_another_order_and_further_columns_change_nothing(scorer: Any) -> None:
    model = models.describe(models.scorecard())
    frame = models.rows(10)
    shuffled = frame[list(reversed(models.FEATURES))].assign(other="text")
    pd.testing.assert_frame_equal(scorer.score_frame(model, {}, frame), scorer.score_frame(model, {}, shuffled))


FORMS = {
    "whole numbers": lambda column: column.fillna(3).round().astype("int64"),
    "whole numbers with nulls": lambda column: column.round().astype("Int64"),
    "short numbers": lambda column: column.fillna(3).round().astype("int32"),
    "decimals": lambda column: column.map(lambda value: None if pd.isna(value) else Decimal(round(value))),
    "numbers and None": lambda column: column.round().astype(object).where(column.notna(), None),
    "Arrow's numbers": lambda column: column.round().astype("double[pyarrow]"),
    "Arrow's decimals": lambda column: column.round().astype(pd.ArrowDtype(pa.decimal128(18, 2))),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_numbers_are_taken_in_the_form_they_are_stored_in(scorer: Any, form: str) -> None:
    booster = lightgbm.Booster(model_str=models.booster_text())
    trees = {"kind": "lightgbm", "weight": 0.5, "features": list(models.FEATURES)}
    model = models.describe(models.scorecard(0.5), trees)
    given = models.rows(20, seed=6).apply(FORMS[form])
    plain = given.astype(object).map(lambda value: math.nan if pd.isna(value) else float(value)).astype("float64")
    expected = scorer.score_frame(model, {"booster": booster}, plain)
    pd.testing.assert_frame_equal(scorer.score_frame(model, {"booster": booster}, given), expected, check_exact=True)


@pytest.mark.parametrize("kind", ["float64", "object", "int64"])
def test_an_empty_frame_is_answered_by_an_empty_frame(scorer: Any, kind: str) -> None:
    booster = lightgbm.Booster(model_str=models.booster_text())
    trees = {"kind": "lightgbm", "weight": 0.5, "features": list(models.FEATURES)}
    model = models.describe(models.scorecard(0.5), trees)
    found = scorer.score_frame(model, {"booster": booster}, models.rows(1).iloc[:0].astype(kind))
    assert list(found.columns) == ["pd", "score", "decision", "limit_minor", "reasons"]
    assert len(found) == 0


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.inf, "txn_in_sum_30d holds an infinity"),
        (-math.inf, "txn_in_sum_30d holds an infinity"),
        (True, "txn_in_sum_30d holds (truth values|values of type bool), not numbers"),
        ("4711", "txn_in_sum_30d (is str|holds values of type str), not numbers"),
        (pd.Timestamp("2024-01-02"), "txn_in_sum_30d (is datetime|holds values of type Timestamp)"),
    ],
)
def test_what_is_no_finite_number_is_refused_by_its_column_and_no_value_is_told(
    scorer: Any, value: Any, told: str
) -> None:
    from mlflow import MlflowException

    for column in ([value] * 2, [value, 4712]):
        frame = models.rows(2).assign(txn_in_sum_30d=column)
        with pytest.raises(MlflowException, match=told) as caught:
            scorer.score_frame(models.describe(models.scorecard()), {}, frame)
        assert "471" not in str(caught.value)
    twice = pd.concat([models.rows(2), models.rows(2)[["txn_in_sum_30d"]]], axis=1)
    with pytest.raises(MlflowException, match="txn_in_sum_30d stands twice"):
        scorer.score_frame(models.describe(models.scorecard()), {}, twice)
    with pytest.raises(MlflowException, match="the input is a list"):
        scorer.score_frame(models.describe(models.scorecard()), {}, [4711])


def test_a_registered_model_takes_stored_counts_and_names_columns_not_rows(scorer: Any, tmp_path: Path) -> None:
    import mlflow

    from tallystick.model.logged_models import load_local, make_signature

    described = tmp_path / "model.json"
    described.write_text(json.dumps(models.describe(models.scorecard())), encoding="utf-8")
    mlflow.pyfunc.save_model(
        str(tmp_path / "model"), python_model=str(SCORER_FILE), artifacts={"model": str(described)},
        signature=make_signature(models.FEATURES, OUTPUTS), pip_requirements=[], input_example=models.rows(2),
    )  # fmt: skip
    predict = load_local(str(tmp_path / "model"))
    plain = models.rows(10).fillna(3).round()
    pd.testing.assert_frame_equal(predict(plain.astype("int64")), predict(plain))
    pd.testing.assert_frame_equal(predict(plain.astype("Int64")), predict(plain))
    assert len(predict(plain.iloc[:0])) == 0
    for wrong, told in ((plain.drop(columns="txn_in_sum_30d"), "lacks 1"), (plain.astype(str), "not numbers")):
        with pytest.raises(mlflow.MlflowException, match=told) as caught:
            predict(wrong.assign(txn_out_sum_30d=4711))
        assert "4711" not in str(caught.value)
