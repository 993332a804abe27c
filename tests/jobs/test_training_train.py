"""The training stage as a whole: what it leaves, what it must not look at, and the model as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tallystick.errors import ModelError
from tallystick.model.evaluation import auc
from tallystick.model.export import describe_model, evaluate_document, to_score, write_document
from tallystick.model.fitting import fit_models
from tallystick.model.packaging import list_outputs
from tallystick.model.results import TrainingResult
from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard
from tallystick.spec.recipes import Gates, Split
from tallystick.training import train
from tallystick.training.data import TrainingSet, observation_hash
from tallystick.training.split import find_test_start, split_rows
from tallystick.training.train import check_gates, choose_model, train_model
from tests.lib.training_sets import SMALL, make_part, make_recipe, make_set

ORDINAL = OrdinalScorecard(selection=SMALL)
BLEND = (ORDINAL, GradientBoosting(selection=SMALL, trees=20), Blend(weights={"ordinal_scorecard": 1, "boosting": 1}))
RECIPE = make_recipe(ORDINAL)


@pytest.fixture(scope="module")
def data() -> TrainingSet:
    return make_set()


@pytest.fixture(scope="module")
def judged() -> dict[str, object]:
    """The model that was written down, and the one whose inputs the table of stability is about."""
    return {}


@pytest.fixture(scope="module")
def result(data: TrainingSet, judged: dict[str, object]) -> TrainingResult:
    def note(name: str, function: Callable[..., Any], place: int) -> Callable[..., Any]:
        def noted(*args: Any, **named: Any) -> Any:
            judged[name] = args[place]
            return function(*args, **named)

        return noted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "describe_model", note("written", train.describe_model, 1))
        stability = note("stability", train.comparisons.report_stability, 0)
        patch.setattr(train.comparisons, "report_stability", stability)
        return train_model(RECIPE, data)


def changed(data: TrainingSet, column: str, rows: np.ndarray, values: Any) -> TrainingSet:
    keys = data.keys.copy()
    keys.loc[rows, column] = values
    return replace(data, keys=keys)


def test_what_a_training_leaves(result: TrainingResult) -> None:
    assert result.chosen == "ordinal_scorecard"
    assert set(result.artifacts) == {"model.json"}
    assert set(result.plots) == {"roc.png", "ks.png", "calibration.png", "score_distribution.png"}
    assert all(plot.startswith(b"\x89PNG") for plot in result.plots.values())
    expected = {"performance", "vintages", "variants", "stability", "fairness", "calibration", "weights"}
    assert expected < set(result.tables)
    assert 0.7 < result.metrics["auc_out_of_time"] < 1
    assert result.metrics["auc_low_out_of_time"] < result.metrics["auc_out_of_time"]
    assert all(np.isfinite(value) for value in result.metrics.values())
    assert all(gate.is_passed for gate in result.gates)


def test_stability_is_of_the_inputs_of_the_model_that_is_handed_on(
    result: TrainingResult, judged: dict[str, object]
) -> None:
    assert judged["stability"] is judged["written"]
    handed_on = set(result.tables["weights"]["feature"])
    assert set(result.tables["stability"]["feature"]) == {"pd", *handed_on}


def test_a_training_says_which_rows_the_model_learned_from(result: TrainingResult) -> None:
    learned = (result.params["fitted_rows"], result.params["fitted_bad"])
    assert learned == (len(result.rows), result.rows["label"].sum())
    days = result.rows["as_of"].astype(str).str[:10]
    assert (result.params["fitted_from"], result.params["fitted_to"]) == (days.min(), days.max())


def test_the_reports_have_their_lines(result: TrainingResult) -> None:
    assert list(result.tables["variants"]["label"]) == ["outcome (the model's)", "strict"]
    assert list(result.tables["vintages"]["vintage"]) == ["2022", "2023", "2024"]
    assert set(result.tables["fairness"]["value"]) == {"female", "male", "26-35"}
    assert result.tables["calibration"]["rows"].sum() == (result.rows["part"] != "late").sum()


def test_the_rows_kept_are_the_labelled_ones_each_with_one_honest_pd(result: TrainingResult) -> None:
    rows = result.rows
    assert len(rows) == 300
    assert rows["label"].dtype == "int32"
    assert (rows["pd_out_of_fold"].notna() == (rows["part"] == "train")).all()
    assert (rows["pd_test"].notna() == (rows["part"] != "train")).all()


def test_training_again_gives_the_same_bytes_whatever_the_rows_without_a_label(
    data: TrainingSet, result: TrainingResult
) -> None:
    vectors = data.vectors.copy()
    vectors[data.label.isna()] = -1.0
    again = train_model(RECIPE, replace(data, vectors=vectors))
    assert again.artifacts == result.artifacts
    assert again.plots["roc.png"] == result.plots["roc.png"]
    for name in ("performance", "fairness"):
        pd.testing.assert_frame_equal(again.tables[name], result.tables[name])


def test_labels_of_the_test_part_change_nothing_before_the_test(data: TrainingSet, result: TrainingResult) -> None:
    part = split_rows(data.keys, RECIPE, start=find_test_start(data.keys, RECIPE.split))
    newest = np.flatnonzero(part == "test")[:40]
    short = replace(RECIPE, variants=())
    other = train_model(short, changed(data, "label", newest, 1.0 - data.label[newest]))
    for name in ("pd_out_of_fold", "pd_test"):
        pd.testing.assert_series_equal(other.rows[name], result.rows[name])
    assert other.metrics["auc_out_of_time"] != result.metrics["auc_out_of_time"]
    assert other.artifacts != result.artifacts


def test_the_model_handed_on_learned_from_all_labelled_rows(result: TrainingResult) -> None:
    parts = result.rows["part"].value_counts()
    assert parts["late"] > 0
    assert result.metrics["late_set_aside"] == parts["late"]
    assert (result.params["train_rows"], result.params["test_rows"]) == (parts["train"], parts["test"])
    assert result.params["fitted_rows"] == 300


def test_a_random_split_is_called_so_and_no_number_claims_to_be_out_of_time(data: TrainingSet) -> None:
    recipe = replace(RECIPE, split=Split(method="random_by_customer", test_share=0.3, folds=3, repeats=1))
    found = train_model(recipe, data)
    assert (found.params["split"], found.params["test_from"]) == ("random_by_customer", "")
    assert not [name for name in found.metrics if "out_of_time" in name]
    assert 0.6 < found.metrics["auc_held_out"] < 1
    assert set(found.tables["performance"]["rows_of"]) == {"out_of_fold", "held_out"}
    assert "auc_held_out" in found.tables["variants"].columns
    assert set(found.rows["part"]) == {"train", "test"}


def test_a_vintage_is_predicted_from_what_was_known_when_it_began(data: TrainingSet) -> None:
    # Labels that need two years: only those of the first days are known when the third vintage begins.
    late = changed(data, "known_on", np.arange(len(data.keys)), data.keys["day"] + pd.Timedelta(days=730))
    recipe = replace(RECIPE, variants=(), retrospective="")
    kept = train_model(replace(recipe, retrospective="Known late."), late)
    assert np.isfinite(kept.tables["vintages"]["auc"].iloc[-1])
    assert kept.metrics["late_kept"] > 0
    with pytest.raises(ModelError, match="older rows became known after the test began"):
        train_model(recipe, late)


def test_a_gate_that_is_not_reached_is_named(data: TrainingSet) -> None:
    part = make_part(data)
    model = fit_models([ORDINAL], part, split=RECIPE.split, seed=1)["ordinal_scorecard"]
    strict = replace(RECIPE, gates=Gates(min_auc=0.999, min_bad=1000))
    gates = check_gates(strict, model, part, part.label, model.out_of_fold)
    assert [gate.name for gate in gates if not gate.is_passed] == ["bad_rows", "auc"]


def test_the_example_is_no_customers_row(data: TrainingSet, result: TrainingResult) -> None:
    shown = result.example
    known = data.vectors[list(shown.columns)]
    assert not any((known == row).all(axis=1).any() for _, row in shown.iterrows())


def test_the_observation_hash_knows_rows_and_labels_but_not_their_order(data: TrainingSet) -> None:
    shuffled = data.keys.sample(frac=1, random_state=1)
    assert observation_hash(shuffled) == observation_hash(data.keys)
    flipped = changed(data, "label", np.array([0]), 1.0 - data.label[0])
    assert observation_hash(flipped.keys) != observation_hash(data.keys)


def test_the_written_model_scores_as_the_fitted_one_and_as_the_scorers_own_file(data: TrainingSet) -> None:
    from tallystick.model.mlflow_client import import_quietly

    import_quietly()
    import lightgbm

    from tallystick.model import scorer

    model = fit_models(BLEND, make_part(data), split=RECIPE.split, seed=1)["blend"]
    described, text = describe_model(RECIPE, model, data.features)
    document = json.loads(write_document(described))
    expected = evaluate_document(document, text, data.vectors)
    assert expected["pd"].to_numpy() == pytest.approx(model.predict(data.vectors), rel=1e-12)
    found = scorer.score_frame(document, {"booster": lightgbm.Booster(model_str=text)}, data.vectors)
    assert found["pd"].to_numpy() == pytest.approx(expected["pd"].to_numpy(), rel=1e-9)
    # A pd that differs in its last bit may round to the other side.
    assert found["score"].to_numpy() == pytest.approx(expected["score"].to_numpy(), abs=0.1001)
    assert list(found["decision"]) == list(expected["decision"])
    assert list(found["limit_minor"]) == list(expected["limit_minor"])
    assert set(document["reasons"]) == set(document["features"])


def test_without_a_policy_a_model_gives_pd_score_and_reasons_alone(data: TrainingSet) -> None:
    from tallystick.model.mlflow_client import import_quietly

    import_quietly()
    from tallystick.model import scorer

    plain = replace(RECIPE, policy=None, variants=())
    result = train_model(plain, replace(data, segments=pd.DataFrame(index=data.segments.index)))
    document = json.loads(result.artifacts["model.json"])
    assert document["policy"] is None
    assert list(scorer.score_frame(document, {}, data.vectors)) == ["pd", "score", "reasons"]
    assert list(evaluate_document(document, "", data.vectors)) == ["pd", "score"]
    assert list(list_outputs(plain)) == ["pd", "score", "reasons"]
    assert list(list_outputs(RECIPE)) == ["pd", "score", "limit_minor", "decision", "reasons"]
    assert "approved" not in result.tables["fairness"]
    assert result.tables["fairness"].empty


def test_two_boostings_do_not_fit_into_one_file(data: TrainingSet) -> None:
    trees = GradientBoosting(selection=SMALL, trees=5)
    both = [trees, replace(trees, name="more_trees"), Blend(weights={"boosting": 1.0, "more_trees": 1.0})]
    model = fit_models(both, make_part(data), split=RECIPE.split, seed=1)["blend"]
    with pytest.raises(ModelError, match="one boosting at most"):
        describe_model(RECIPE, model, data.features)


def test_the_simplest_algorithm_within_the_tolerance_of_the_best_is_chosen(data: TrainingSet) -> None:
    part = make_part(data)
    models = fit_models(BLEND, part, split=RECIPE.split, seed=1)
    assert choose_model(models, part.label, tolerance=0.5) == "ordinal_scorecard"
    best = max(models, key=lambda name: auc(part.label, models[name].out_of_fold))
    assert choose_model(models, part.label, tolerance=0.0) == best


def test_a_score_is_cut_to_its_range_and_rounded_half_to_even() -> None:
    scale = {"offset": 50.0, "factor": 10.0}
    assert list(to_score(np.array([1e-9, 0.5, 1 - 1e-9]), **scale)) == [100.0, 50.0, 0.0]
    assert to_score(np.array([0.5]), offset=10.25, factor=1.0)[0] == 10.2
