"""Segments are found where they were planted, come out the same again, and keep their ids while customers drift."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from tallystick.errors import ModelError
from tallystick.model.mlflow_client import import_quietly
from tallystick.segments import FittedSegments, fit_segments, read_before
from tallystick.segments.clusters import Trial, choose_trial
from tallystick.segments.profiles import build_profiles
from tallystick.spec.segments import Segmentation
from tests.lib.spenders import BILLS, FOOD, KINDS, LEISURE, PARTS, SEGMENTATION, spend

DAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return spend()


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame) -> FittedSegments:
    return fit_segments(SEGMENTATION, frame, fitted_on=DAY)


def answer(fitted: FittedSegments, frame: pd.DataFrame) -> pd.DataFrame:
    """What the registered file says."""
    import_quietly()
    from tallystick.segments.assigner import assign_frame

    return assign_frame(json.loads(fitted.document), frame)


def refit(
    fitted: FittedSegments, frame: pd.DataFrame, *, declared: Segmentation = SEGMENTATION, highest: int = 3
) -> FittedSegments:
    before = read_before(fitted.document, declared, highest=highest)
    return fit_segments(declared, frame, fitted_on=DAY, before=before)


def test_planted_kinds_are_found_and_named(frame: pd.DataFrame, fitted: FittedSegments) -> None:
    found = answer(fitted, frame)
    assert adjusted_rand_score(frame["kind"], found["segment_id"]) > 0.99
    names = {kind: set(found["segment_name"][frame["kind"] == kind]) for kind in range(3)}
    assert names == {0: {"food"}, 1: {"leisure and travel"}, 2: {"bills"}}
    assert fitted.params["segments"] == 3
    assert fitted.metrics["silhouette"] > 0.6
    assert fitted.metrics["stability"] > 0.99
    assert all(gate.is_passed for gate in fitted.gates)
    assert all(np.isfinite(value) for value in fitted.metrics.values())


def test_shares_are_looked_at_and_not_amounts(frame: pd.DataFrame, fitted: FittedSegments) -> None:
    richer = frame.assign(**{name: frame[name] * 7 for name in PARTS})
    pd.testing.assert_series_equal(answer(fitted, richer)["segment_id"], answer(fitted, frame)["segment_id"])


def test_rows_in_another_order_give_the_same_bytes(frame: pd.DataFrame, fitted: FittedSegments) -> None:
    again = fit_segments(SEGMENTATION, frame.sample(frac=1, random_state=5), fitted_on=DAY)
    assert again.document == fitted.document
    assert again.plots == fitted.plots
    assert again.metrics == fitted.metrics


def test_ids_and_names_survive_a_refit_on_customers_who_drifted(fitted: FittedSegments) -> None:
    # Another year: other customers, half as many of the first kind, and every kind somewhat nearer to the average.
    mean = np.mean(KINDS, axis=0)
    drifted = [tuple(0.8 * np.array(kind) + 0.2 * mean) for kind in (BILLS, LEISURE, FOOD)]
    later = spend(drifted, seed=9)
    later = later.drop(index=later.index[later["kind"] == 2][::2])
    again = refit(fitted, later)
    first, second = (one.tables["segments"].set_index("id")["name"] for one in (fitted, again))
    assert dict(first) == dict(second)
    assert again.tables["segments"]["is_kept"].all()
    found = answer(again, later)["segment_name"]
    assert set(found[later["kind"] == 0]) == {"bills"}
    assert (again.metrics["ids_kept"], again.metrics["ids_new"], again.metrics["ids_gone"]) == (3, 0, 0)


def test_a_segment_that_splits_gets_one_new_id(fitted: FittedSegments) -> None:
    halves = [(0.85, 0.05, 0.05, 0.05), (0.55, 0.05, 0.35, 0.05)]
    later = spend([*halves, LEISURE, BILLS], seed=3)
    again = refit(fitted, later, highest=11).tables["segments"].set_index("id")
    before = fitted.tables["segments"].set_index("name")
    assert set(again.index) - set(before["id"]) == {"s12"}
    assert again.loc[before.loc["bills", "id"], "name"] == "bills"
    assert again.loc[before.loc["leisure and travel", "id"], "name"] == "leisure and travel"
    assert again["name"].is_unique


def test_a_kept_id_keeps_its_name_though_all_others_change(fitted: FittedSegments) -> None:
    # Everybody else turned to food, too: food is average now, and the segment is still the one called food.
    later = spend([FOOD, (0.6, 0.3, 0.05, 0.05)], seed=4)
    again = refit(fitted, later, declared=replace(SEGMENTATION, segments=(2, 2))).tables["segments"]
    was = fitted.tables["segments"].set_index("name").loc["food", "id"]
    assert again.set_index("id").loc[was, "name"] == "food"
    assert (again["is_kept"]).sum() == 1


def test_whoever_spends_nothing_or_seldom_has_no_segment_and_changes_none(
    frame: pd.DataFrame, fitted: FittedSegments
) -> None:
    others = pd.DataFrame(
        {
            "customer_id": ["bank:n1", "bank:n2", "bank:n3", "bank:n4", "bank:n5"],
            "amount_food": [0.0, np.nan, 50.0, 50.0, -9.0],
            "amount_leisure": [0.0, np.nan, 10.0, 10.0, 0.0],
            "amount_travel": 0.0,
            "amount_bills": 0.0,
            "payments": [0, 30, 4, np.nan, 30],
        }
    )
    found = answer(fitted, others)
    assert found["status"].tolist() == ["no_spending"] * 2 + ["little_activity"] * 2 + ["no_spending"]
    assert found.drop(columns="status").isna().all(axis=None)
    both = pd.concat([others, frame])
    again = fit_segments(SEGMENTATION, both, fitted_on=DAY)
    assert again.document == fitted.document
    counted = {name: again.metrics[f"customers_{name}"] for name in ("no_spending", "little_activity")}
    assert counted == {"no_spending": 3, "little_activity": 2}


def test_the_file_that_travels_says_the_same_as_the_stage(frame: pd.DataFrame, fitted: FittedSegments) -> None:
    for transformation in ("hellinger", "none"):
        declared = replace(SEGMENTATION, transformation=transformation, segments=(3, 3))
        own = fit_segments(declared, frame, fitted_on=DAY)
        odd = frame.assign(payments=np.where(frame.index % 7 == 0, 2, frame["payments"]))
        odd.loc[odd.index % 11 == 0, list(PARTS)] = 0
        profiles, found = build_profiles(declared, odd), answer(own, odd)
        assert found["status"].tolist() == profiles.status.tolist()
        document = json.loads(own.document)
        for place, point in zip(np.flatnonzero(profiles.status == "assigned"), profiles.points, strict=True):
            far = sorted((float(np.linalg.norm(point - one["centre"])), one["id"]) for one in document["segments"])
            row = found.iloc[place]
            assert row["segment_id"] == far[0][1]
            np.testing.assert_allclose([row["distance"], row["second_distance"]], [far[0][0], far[1][0]], atol=1e-12)


def test_the_file_names_what_is_missing_and_shows_no_value(fitted: FittedSegments, frame: pd.DataFrame) -> None:
    from mlflow import MlflowException

    with pytest.raises(MlflowException, match="the input lacks column amount_bills"):
        answer(fitted, frame.drop(columns="amount_bills"))
    with pytest.raises(MlflowException, match="column amount_food holds something that is no number") as caught:
        answer(fitted, frame.assign(amount_food="secret"))
    assert "secret" not in str(caught.value)
    assert answer(fitted, frame.iloc[:0])["segment_id"].tolist() == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (slice(0, 0), r"0 customers have a spending profile and 100 are needed \(0 spend nothing, 0 have fewer than 5"),
        (slice(0, 30), "30 customers have a spending profile and 100 are needed"),
    ],
)
def test_too_few_customers_are_refused(frame: pd.DataFrame, rows: slice, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        fit_segments(SEGMENTATION, frame.iloc[rows], fitted_on=DAY)


def test_customers_who_all_spend_alike_are_refused(frame: pd.DataFrame) -> None:
    alike: dict[str, Any] = dict.fromkeys(PARTS, 100.0)
    with pytest.raises(ModelError, match="the customers have only 1 different spending profiles"):
        fit_segments(SEGMENTATION, frame.assign(**alike), fitted_on=DAY)


def test_a_cloud_without_kinds_is_not_stable_and_fails_its_gate() -> None:
    cloud = spend([(0.25, 0.25, 0.25, 0.25)], each=300, width=20)
    fitted = fit_segments(replace(SEGMENTATION, segments=(5, 6)), cloud, fitted_on=DAY)
    assert [gate.is_passed for gate in fitted.gates] == [False, True]
    assert fitted.metrics["stability"] < 0.75


def test_the_largest_number_that_is_stable_and_not_too_fine_is_chosen() -> None:
    def trial(segments: int, stability: float, smallest: float = 0.1) -> Trial:
        return Trial(segments=segments, stability=stability, smallest_share=smallest)

    trials = [trial(4, 0.9), trial(5, 0.65), trial(6, 0.64), trial(7, 0.8, 0.01)]
    assert choose_trial(trials, min_stability=0.65, min_share=0.02).segments == 5
    assert choose_trial(trials, min_stability=0.95, min_share=0.02).segments == 4
    assert choose_trial([trial(4, 0.5), trial(5, 0.5)], min_stability=0.6, min_share=0.02).segments == 4
