"""What dimensions are worth on made-up rows: a true block, one that says it again, and planted noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from tallystick.errors import ModelError
from tallystick.model.evaluation import auc
from tallystick.model.gain_plots import draw_gains
from tallystick.model.gains import RankedRows, measure_rankings
from tallystick.report.ablation_section import AblationFacts, describe_dimensions, list_dimensions, list_gains
from tallystick.report.blocks import Figure, Note, Table
from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard, Scorecard
from tallystick.training.ablation import COLUMNS, AblationResult, measure_dimensions
from tests.lib.blocks import BLOCKS, OPEN, block_recipe, block_set

ORDINAL = OrdinalScorecard(selection=OPEN)


@pytest.fixture(scope="module")
def result() -> AblationResult:
    """The dimensions of a bank of 2,500 applications."""
    return measure_dimensions(block_recipe(), block_set(2500, seed=1))


def row(
    result: AblationResult, dimension: str, way: str, *, segment: str = "all", rows_of: str = "folds_in_time"
) -> pd.Series:
    table = result.table
    chosen = (table["dimension"] == dimension) & (table["way"] == way) & (table["segment"] == segment)
    (found,) = [line for _, line in table[chosen & (table["rows_of"] == rows_of)].iterrows()]
    return found


def test_a_true_block_gains_and_noise_holds_nothing(result: AblationResult) -> None:
    assert row(result, "true", "alone")["gain_low"] > 0
    assert row(result, "true", "added")["gain_low"] > 0
    assert row(result, "base", "left_out")["gain_low"] > 0
    for segment in ("all", "thin"):
        for rows_of in ("folds_in_time", "out_of_time"):
            for way in ("alone", "added", "left_out"):
                found = row(result, "noise", way, segment=segment, rows_of=rows_of)
                assert found["gain_low"] <= 0 <= found["gain_high"], (segment, rows_of, way)


def test_a_redundant_block_is_worth_much_alone_and_little_beside_what_it_repeats(result: AblationResult) -> None:
    alone, added, left_out = (row(result, "redundant", way)["gain"] for way in ("alone", "added", "left_out"))
    assert row(result, "redundant", "alone")["gain_low"] > 0
    assert row(result, "redundant", "added")["gain_low"] > 0
    assert abs(left_out) < 0.02 < added < alone


def test_the_numbers_of_a_row_belong_together(result: AblationResult) -> None:
    assert list(result.table.columns) == COLUMNS
    for one in result.table.to_dict("records"):
        assert one["auc_low"] <= one["auc"] <= one["auc_high"] or np.isnan(one["auc"])
        assert one["gain_low"] <= one["gain"] <= one["gain_high"] or np.isnan(one["gain"])
    everything, base = row(result, "all features", "reference"), row(result, "the base", "reference")
    added, left_out = row(result, "true", "added"), row(result, "true", "left_out")
    assert added["auc"] - added["gain"] == pytest.approx(base["auc"])
    assert left_out["auc"] == everything["auc"]
    assert row(result, "true", "alone")["gain"] == pytest.approx(row(result, "true", "alone")["auc"] - 0.5)
    # What is in the base is not added to it; its model alone is the base.
    assert np.isnan(row(result, "base", "added")["gain"])
    assert row(result, "base", "alone")["auc"] == base["auc"]
    assert added["features"] == 4
    thin = row(result, "true", "added", segment="thin")
    assert 0 < thin["rows"] < added["rows"]
    assert "added_true_folds_in_time_thin" in result.metrics


def test_the_same_set_gives_the_same_table(result: AblationResult) -> None:
    again = measure_dimensions(block_recipe(), block_set(2500, seed=1))
    pd.testing.assert_frame_equal(again.table, result.table)


def test_the_outcome_of_the_test_changes_nothing_that_may_be_chosen_by() -> None:
    data = block_set(600, seed=2)
    before = measure_dimensions(block_recipe(), data)
    newest = data.keys["day"] >= data.keys["day"].sort_values().iloc[420]
    turned = replace(data, keys=data.keys.assign(label=data.keys["label"].where(~newest, 1 - data.keys["label"])))
    after = measure_dimensions(block_recipe(), turned)
    inside = before.table["rows_of"] == "folds_in_time"
    pd.testing.assert_frame_equal(after.table[inside], before.table[inside])
    assert not after.table[~inside].equals(before.table[~inside])


def test_without_a_thin_file_there_is_one_segment_and_null_is_not_thin() -> None:
    data = block_set(400, seed=3)
    plain = measure_dimensions(replace(block_recipe(), thin_file=None), data)
    assert set(plain.table["segment"]) == {"all"}
    unknown = replace(data, vectors=data.vectors.assign(base_0=np.nan))
    thin = measure_dimensions(block_recipe(), unknown).table.query("segment == 'thin'")
    assert set(thin["rows"]) == {0.0}
    assert thin["auc"].isna().all()


def test_the_base_is_what_no_dimension_holds_where_none_is_marked() -> None:
    recipe = block_recipe()
    unmarked = replace(recipe, ablations=tuple(replace(one, is_base=False) for one in recipe.ablations[1:]))
    data = block_set(400, seed=4)
    assert row(measure_dimensions(unmarked, data), "the base", "reference")["features"] == 4
    # With every feature in a dimension there is no base, so nothing can be added to it.
    covered = replace(recipe, ablations=tuple(replace(one, is_base=False) for one in recipe.ablations))
    found = measure_dimensions(covered, data)
    assert np.isnan(row(found, "true", "added")["gain"])
    assert row(found, "the base", "reference")["auc"] == 0.5


def test_the_algorithm_is_the_one_that_may_use_everything() -> None:
    short = OrdinalScorecard(name="short", features=("base_*",), selection=OPEN)
    mixed = Blend(weights={"short": 1.0, "ordinal_scorecard": 1.0})
    data = block_set(400, seed=5)
    assert measure_dimensions(block_recipe(short, ORDINAL, mixed), data).algorithm == "ordinal_scorecard"
    named = measure_dimensions(block_recipe(short, ORDINAL, mixed), data, algorithm="short")
    assert named.algorithm == "short"
    # A shortlist without a feature of the block learns nothing from it, and gains exactly nothing.
    assert (row(named, "true", "added")["gain_low"], row(named, "true", "added")["gain_high"]) == (0.0, 0.0)
    assert row(named, "true", "alone")["auc"] == 0.5
    with pytest.raises(ModelError, match="blend is no algorithm that can be fitted alone"):
        measure_dimensions(block_recipe(short, ORDINAL, mixed), data, algorithm="blend")
    with pytest.raises(ModelError, match="no ablation is declared"):
        measure_dimensions(replace(block_recipe(), ablations=()), data)


@pytest.mark.parametrize("algorithm", [GradientBoosting(trees=40), Scorecard()], ids=["trees", "scorecard"])
def test_every_algorithm_is_ablated(algorithm: GradientBoosting | Scorecard) -> None:
    found = measure_dimensions(block_recipe(algorithm), block_set(500, seed=6))
    assert row(found, "true", "alone")["gain_low"] > 0
    assert row(found, "noise", "left_out")["gain_low"] <= 0


def test_the_section_shows_each_question_with_its_interval_and_a_picture_for_each_kind_of_rows(
    result: AblationResult,
) -> None:
    plots = {f"plots/{name}": png for name, png in draw_gains(result.table).items()}
    facts = AblationFacts(table=result.table, algorithm="o", folds=4, thin_file="little known", plots=plots)
    section = describe_dimensions(facts)
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert len(tables) == len([block for block in section.blocks if isinstance(block, Figure)]) == 4
    assert [len(table.rows) for table in tables] == [len(BLOCKS) + 2] * 4
    assert "little known" in " ".join(block.text for block in section.blocks if isinstance(block, Note))
    assert all(png.startswith(b"\x89PNG") for png in plots.values())
    shown = {(one["measured on"], one["dimension"]): one for one in list_dimensions(facts)}
    true = shown["folds in time, all", "true"]
    gain = row(result, "true", "added")
    assert true["added to the base"] == f"{gain['gain']:+.3f} ({gain['gain_low']:+.3f} to {gain['gain_high']:+.3f})"
    assert shown["folds in time, all", "base"]["added to the base"] == "–"
    whole = list_gains(facts)
    assert len(whole) == len(result.table)
    assert whole[0]["gain"] is None


def simulated_gains(count: int) -> Iterator[tuple[float, float, float]]:
    """The gain of one score over another in a bank of 400 rows and its interval, less the true gain."""
    rng = np.random.default_rng(20)

    def bank(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        risk = rng.normal(size=size)
        label = (rng.random(size) < expit(risk - 2)).astype(float)
        good = risk + rng.normal(size=size)
        return label, good, 0.7 * good + rng.normal(size=size)

    label, good, worse = bank(4_000_000)
    truth = auc(label, good) - auc(label, worse)
    for seed in range(count):
        label, good, worse = bank(400)
        scores = {"a": good, "b": worse}
        gain, low, high = measure_rankings(scores, _all(label), seed=seed, rounds=500).gain("a", "b")
        yield gain - truth, low - truth, high - truth


def _all(label: np.ndarray) -> RankedRows:
    return RankedRows(label=label, customer=np.arange(len(label)), fold=np.zeros(len(label), dtype=int))


@pytest.mark.soak
def test_the_interval_covers_the_true_gain_as_often_as_it_says() -> None:
    found = np.array(list(simulated_gains(1000)))
    assert 0.93 <= np.mean((found[:, 1] <= 0) & (found[:, 2] >= 0)) <= 0.97
    assert abs(found[:, 0].mean()) < 0.003


@pytest.mark.soak
@pytest.mark.parametrize("algorithm", [ORDINAL, GradientBoosting(), Scorecard()], ids=["ridge", "trees", "scorecard"])
def test_planted_noise_is_seldom_found_to_be_worth_something(
    algorithm: OrdinalScorecard | GradientBoosting | Scorecard,
) -> None:
    found = [measure_dimensions(block_recipe(algorithm), block_set(800, seed=seed)) for seed in range(100)]
    for way in ("alone", "added", "left_out"):
        lows = [row(one, "noise", way)["gain_low"] for one in found]
        # 2.5 of 100 are expected; 8 or more would be so 4 times in 1,000.
        assert np.sum(np.array(lows) > 0) <= 7, way
