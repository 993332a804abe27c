"""Folds in time: the recipe's own split, made several times inside its training part, and once for its test.

Apart from ``split``, which makes one split: here earlier days play the part of the test, so that a comparison can be
made and acted on while the test's rows stay unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from tallystick.spec.model_tables import TEST, TRAIN
from tallystick.spec.recipes import Recipe
from tallystick.training.split import LEAST_PER_CLASS, check_parts, find_test_start, split_rows


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fold:
    """Two masks over the rows of a training set: those that teach, and those that are then ranked."""

    learned: np.ndarray
    ranked: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Folds:
    """The folds inside the training part, and the split of the test. ``are_in_time``: each is ranked by older rows."""

    inside: tuple[Fold, ...]
    tested: Fold
    are_in_time: bool


def draw_time_folds(recipe: Recipe, keys: pd.DataFrame) -> Folds:
    """The folds of a recipe, oldest first; ModelError where its training part or its test has too few rows.

    The training part is cut between dates into ``split.folds`` + 1 spans of about as many rows. Each span but the first
    is ranked by what was known when it began, as ``split_rows`` says. A span before which too few rows of a class were
    known, or that lacks a class itself, is left out. Where none is left (labels that take months, and a short history),
    and for a recipe whose split is random by customer, the folds are of customers instead.
    """
    start = find_test_start(keys, recipe.split)
    part = split_rows(keys, recipe, start=start)
    check_parts(keys, part, recipe=recipe)
    inside = (part == TRAIN).to_numpy()
    folds = _spans(recipe, keys, inside, start) if start is not None else []
    others = folds or _customer_folds(recipe, keys, inside)
    return Folds(inside=tuple(others), tested=_fold(part), are_in_time=bool(folds))


def _spans(recipe: Recipe, keys: pd.DataFrame, inside: np.ndarray, start: pd.Timestamp) -> list[Fold]:
    days = np.sort(keys.loc[inside, "day"].to_numpy())
    cuts = [days[len(days) * number // (recipe.split.folds + 1)] for number in range(1, recipe.split.folds + 1)]
    edges = [pd.Timestamp(day) for day in dict.fromkeys(cuts) if day > days[0]]
    folds = []
    for begin, end in zip(edges, [*edges[1:], start], strict=True):
        known = inside & (keys["day"] < end).to_numpy()
        parts = split_rows(keys[known], recipe, start=begin).reindex(keys.index, fill_value="")
        fold = _fold(parts)
        if _is_enough(keys, fold):
            folds.append(fold)
    return folds


def _fold(part: pd.Series) -> Fold:
    return Fold(learned=(part == TRAIN).to_numpy(), ranked=(part == TEST).to_numpy())


def _customer_folds(recipe: Recipe, keys: pd.DataFrame, inside: np.ndarray) -> list[Fold]:
    places, label = np.flatnonzero(inside), keys["label"].to_numpy()[inside]
    customer = keys["customer_id"].to_numpy()[inside]
    count = min(recipe.split.folds, int(min(label.sum(), (1 - label).sum())))
    drawn = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=recipe.seed)
    folds = [_masks(len(keys), places[learned], places[held]) for learned, held in drawn.split(label, label, customer)]
    return [fold for fold in folds if _is_enough(keys, fold)]


def _masks(count: int, learned: np.ndarray, held: np.ndarray) -> Fold:
    masks = np.zeros((2, count), dtype=bool)
    masks[0, learned], masks[1, held] = True, True
    return Fold(learned=masks[0], ranked=masks[1])


def _is_enough(keys: pd.DataFrame, fold: Fold) -> bool:
    label = keys["label"].to_numpy()
    taught, asked = label[fold.learned], label[fold.ranked]
    fewest = min((taught == 1).sum(), (taught == 0).sum()) if len(taught) else 0
    return bool(fewest >= LEAST_PER_CLASS and len(np.unique(asked)) > 1)
