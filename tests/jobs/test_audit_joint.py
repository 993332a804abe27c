"""The audit of features together, tried on ratings that were received after the outcome."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tallystick.model.inputs import Feature
from tallystick.training.audit_alone import check_separation
from tallystick.training.audit_findings import AuditFinding
from tallystick.training.audit_joint import check_joint, name_siblings
from tallystick.training.data import TrainingSet
from tests.lib.training_sets import make_set

LIMIT = 0.95
RATINGS = "clean.ratings"


def rated_after_the_outcome(seed: int = 1) -> TrainingSet:
    """An honest set, and ratings by others: they come after the outcome, so a bad customer's are mostly low."""
    data, rng = make_set(1200, unlabelled=100, seed=seed), np.random.default_rng(seed)
    bad = data.label.fillna(0.0).to_numpy()
    each = [
        np.round(rng.normal(-4.0 if is_bad else 3.0, 4.0, rng.poisson(5) + 1)).clip(-10, 10) for is_bad in bad
    ]  # fmt: skip
    ratings = {
        "ratings_score_sum_all": [r.sum() for r in each],
        "ratings_score_mean_all": [r.mean() for r in each],
        "ratings_score_quantile50_all": [np.median(r) for r in each],
        "ratings_score_min_all": [r.min() for r in each],
        "ratings_score_max_all": [r.max() for r in each],
        "ratings_score_last_all": [r[-1] for r in each],
        "ratings_negative_count_all": [(r < 0).sum() for r in each],
        "ratings_positive_count_all": [(r > 0).sum() for r in each],
        "ratings_given_count_all": [len(r) for r in each],
    }
    features = [
        Feature(name=name, reason="Ratings", table=RATINGS, group="ratings", measure=name.split("_")[1])
        for name in ratings
    ]
    own = [replace(f, table="clean.transactions", group="txn", measure=f.name.split("_")[1]) for f in data.features]
    vectors = pd.concat([data.vectors, pd.DataFrame(ratings, dtype=float, index=data.vectors.index)], axis=1)
    return replace(data, vectors=vectors, features=(*own, *features))


def without(data: TrainingSet, names: Collection[str]) -> TrainingSet:
    kept = tuple(feature for feature in data.features if feature.name not in names)
    return replace(data, vectors=data.vectors.drop(columns=list(names)), features=kept)


def audited(data: TrainingSet) -> list[AuditFinding]:
    labelled = data.label.notna()
    alone = check_separation(data.vectors[labelled], data.label[labelled], max_auc=LIMIT)
    found = [*alone, *check_joint(data, limit=LIMIT, seed=1)]
    return [*found, *name_siblings(data, found)]


def failed(found: list[AuditFinding], check: str) -> list[str]:
    return [finding.feature for finding in found if finding.check == check and not finding.is_passed]


def test_dropping_exactly_the_accused_columns_does_not_make_the_leak_pass() -> None:
    data = rated_after_the_outcome()
    found = audited(data)
    alone = [name for name in failed(found, "separation") if name]
    assert set(alone) < {feature.name for feature in data.features if feature.table == RATINGS}
    assert alone
    left = audited(without(data, alone))
    assert failed(left, "separation") == []
    assert failed(left, "model_auc") == [""]
    assert failed(left, "table_auc") == [RATINGS]
    assert failed(left, "group_auc") == ["ratings"]
    ratings = {f.name for f in data.features if f.table == RATINGS and f.name not in alone}
    assert set(failed(left, "sibling")) == ratings


def test_the_first_audit_names_the_siblings_already_the_strongest_first() -> None:
    data = rated_after_the_outcome()
    found = audited(data)
    siblings = [finding for finding in found if finding.check == "sibling"]
    of_table = {feature.name for feature in data.features if feature.table == RATINGS}
    assert {finding.feature for finding in siblings} == of_table - set(failed(found, "separation"))
    values = [finding.value or 0.0 for finding in siblings]
    assert values == sorted(values, reverse=True)


def test_an_honest_set_passes_and_its_parts_are_told() -> None:
    data = rated_after_the_outcome()
    honest = without(data, [feature.name for feature in data.features if feature.table == RATINGS])
    found = audited(honest)
    assert all(finding.is_passed for finding in found)
    told = {(finding.check, finding.feature): finding.value for finding in found}
    assert 0.6 < (told["model_auc", ""] or 0) < 0.9
    assert told["table_auc", "clean.transactions"] == told["group_auc", "txn"] == told["model_auc", ""]


def test_a_column_of_the_same_measure_is_named_though_its_table_passes() -> None:
    data = rated_after_the_outcome()
    accused = [AuditFinding(check="separation", feature="ratings_score_sum_all", value=0.99, is_passed=False)]
    named = failed(name_siblings(data, accused), "sibling")
    assert set(named) == {f"ratings_score_{op}_all" for op in ("mean", "quantile50", "min", "max", "last")}


def test_hundreds_of_columns_of_noise_are_not_accused() -> None:
    data, rng = make_set(400, unlabelled=0), np.random.default_rng(3)
    noise = tuple(Feature(name=f"n{n}", reason="Noise", table="clean.noise", group="noise") for n in range(200))
    vectors = pd.DataFrame({f.name: rng.normal(size=len(data.keys)) for f in noise})
    (whole, *_) = check_joint(replace(data, vectors=vectors, features=noise), limit=LIMIT, seed=1)
    assert whole.value == pytest.approx(0.5, abs=0.12)


def test_few_rows_of_a_class_accuse_nobody() -> None:
    data = rated_after_the_outcome()
    bad = np.flatnonzero(data.label == 1.0)[9:]
    few = replace(data, keys=data.keys.assign(label=data.label.mask(data.keys.index.isin(bad))))
    assert [finding.is_passed for finding in check_joint(few, limit=LIMIT, seed=1)] == [True]
