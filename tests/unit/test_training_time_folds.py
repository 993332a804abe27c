"""Folds in time, against their definition: what a fold learns from was known before what it ranks began."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tallystick.spec.recipes import Recipe, Split
from tallystick.training.data import TrainingSet
from tallystick.training.time_folds import Fold, draw_time_folds
from tests.lib.blocks import block_recipe, block_set

RECIPE = block_recipe()


def test_every_fold_learns_only_from_what_was_known_when_its_rows_began() -> None:
    keys = block_set(900, seed=3, per_customer=3).keys
    folds = draw_time_folds(RECIPE, keys)
    assert folds.are_in_time
    assert len(folds.inside) == RECIPE.split.folds
    tested = keys[folds.tested.ranked]
    for fold in (*folds.inside, folds.tested):
        begins = keys.loc[fold.ranked, "day"].min()
        learned = keys[fold.learned]
        assert (learned["day"] < begins).all()
        assert (learned["known_on"] <= begins).all()
        # All that was known by then is learned from: nothing else is left out.
        known = (keys["day"] < begins) & (keys["known_on"] <= begins) & (keys["day"] < tested["day"].min())
        assert (known.to_numpy() == fold.learned).all()


def test_the_rows_of_the_test_are_in_no_fold_and_spans_do_not_overlap() -> None:
    keys = block_set(900, seed=4).keys
    folds = draw_time_folds(RECIPE, keys)
    ranked = np.sum([fold.ranked for fold in folds.inside], axis=0)
    assert ranked.max() == 1
    seen = np.any([fold.learned | fold.ranked for fold in folds.inside], axis=0)
    assert not (seen & folds.tested.ranked).any()
    ends = [(keys.loc[f.ranked, "day"].min(), keys.loc[f.ranked, "day"].max()) for f in folds.inside]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ends))
    # About as many rows in each, and the first span teaches only.
    sizes = [fold.ranked.sum() for fold in folds.inside]
    assert max(sizes) < 1.3 * min(sizes)


def test_a_day_is_never_cut_in_two() -> None:
    keys = block_set(400, seed=5).keys
    coarse = keys.assign(day=keys["day"].dt.to_period("M").dt.start_time)
    for fold in draw_time_folds(RECIPE, coarse.assign(known_on=coarse["day"])).inside:
        assert not set(coarse.loc[fold.learned, "day"]) & set(coarse.loc[fold.ranked, "day"])


def test_a_label_window_that_reaches_into_the_span_of_its_own_unit_is_not_learned_from() -> None:
    keys = block_set(900, seed=6).keys
    keys = keys.assign(observation_id=[f"loan{n % 300}" for n in range(900)], known_on=keys["day"])
    long = keys.assign(window_to=keys["window_from"] + pd.Timedelta(days=400))
    folds = draw_time_folds(RECIPE, long).inside
    assert folds
    for fold in folds:
        learned, ranked = long[fold.learned], long[fold.ranked]
        pairs = learned.merge(ranked, on="observation_id", suffixes=("", "_later"))
        assert not (
            (pairs["window_from"] < pairs["window_to_later"]) & (pairs["window_to"] > pairs["window_from_later"])
        ).any()


def changed(data: TrainingSet, **columns: object) -> pd.DataFrame:
    return data.keys.assign(**columns)


def together(folds: tuple[Fold, ...], keys: pd.DataFrame) -> bool:
    """Whether the rows of a customer are on one side of every fold."""
    return all(
        not set(keys.loc[fold.learned, "customer_id"]) & set(keys.loc[fold.ranked, "customer_id"]) for fold in folds
    )


@pytest.mark.parametrize("is_random", [False, True], ids=["labels known too late", "a random split"])
def test_folds_are_of_customers_where_there_can_be_none_in_time(is_random: bool) -> None:
    data = block_set(600, seed=7, per_customer=2)
    recipe: Recipe = RECIPE
    if is_random:
        recipe = replace(recipe, split=Split(method="random_by_customer", test_share=0.3, folds=4, repeats=1))
        keys = changed(data, day=pd.Timestamp("2025-01-01"))
    else:
        # Known on the first day of the test, so that no span before it knew anything.
        days = data.keys["day"]
        start = days.sort_values().iloc[int(len(days) * 0.7)]
        keys = changed(data, known_on=np.where(days < start, start, pd.Timestamp("2026-01-01")))
    folds = draw_time_folds(recipe, keys)
    assert not folds.are_in_time
    assert len(folds.inside) == recipe.split.folds
    assert together(folds.inside, keys)
    ranked = np.sum([fold.ranked for fold in folds.inside], axis=0)
    assert not (ranked.astype(bool) & folds.tested.ranked).any()
    assert ranked.max() == 1
