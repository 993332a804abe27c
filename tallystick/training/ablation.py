"""What each dimension of a recipe's features is worth: models with and without it, compared on rows they have not seen.

Apart from ``train`` because nothing here changes the model. Which rows of which time teach and which are ranked is in
``time_folds``, the comparison itself in ``model.gains``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from tallystick.errors import ModelError
from tallystick.how_far import HowFar, parts_of, untold
from tallystick.kernel.row_values import evaluate_expression
from tallystick.model.fitting import Part, fit_member, fit_models
from tallystick.model.gains import Areas, RankedRows, measure_rankings
from tallystick.model.inputs import Feature, dimension_names, match_features
from tallystick.spec.ablations import Ablation
from tallystick.spec.algorithms import Blend, Fitted
from tallystick.spec.expressions import columns_used, parse_condition
from tallystick.spec.names import nearest_name
from tallystick.spec.recipes import Recipe
from tallystick.training.data import TrainingSet
from tallystick.training.time_folds import Fold, draw_time_folds
from tallystick.training.train import choose_model, take_part

# The rankings that every dimension is held against; no dimension can have such a name.
ALL, BASE, NOTHING = "all features", "the base", "nothing"

# What is asked of a dimension: its ranking alone, what it adds to the base, what all others lack without it.
ALONE, ADDED, LEFT_OUT = "alone", "added", "left_out"
WAYS = (ALONE, ADDED, LEFT_OUT)

# What the rows inside the training part are called: ranked by older rows, or by rows of other customers.
IN_TIME, OUT_OF_FOLD = "folds_in_time", "out_of_fold"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AblationResult:
    """``table`` has a row per rows looked at (``rows_of``, ``segment``), dimension and way; see ``measure_dimensions``.

    ``algorithm`` is the one that was fitted, ``folds`` how many folds in time there were.
    """

    algorithm: str
    folds: int
    table: pd.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """The gains as ``<way>_<dimension>_<rows_of>``, those of thin files with ``_thin``; NaN is left out."""
        known = self.table[self.table["gain"].notna()]
        return {
            f"{row['way']}_{row['dimension']}_{row['rows_of']}{'_thin' if row['segment'] == 'thin' else ''}": row[
                "gain"
            ]
            for row in known.to_dict("records")
        }


def measure_dimensions(
    recipe: Recipe, data: TrainingSet, *, algorithm: str = "", how_far: HowFar = untold
) -> AblationResult:
    """Fit with and without each dimension, and measure the gain in AUC on folds in time and on the test.

    The columns of the table: ``rows_of`` (IN_TIME or OUT_OF_FOLD, and the recipe's test rows), ``segment`` (SEGMENTS),
    ``rows`` and ``bad``; ``dimension``, ``title``, ``features`` (how many it holds); ``way`` (WAYS, or ``reference``
    for all features and the base); ``auc`` of the model with the dimension, ``gain`` over the one without (``alone``:
    over 0.5), each with the ends of its 95 % interval. NaN where the rows lack a class or there is no such model.

    ``algorithm`` names one of the recipe's; without, it is chosen on the training part by the recipe's own rule.
    """
    if not recipe.ablations:
        what = "no ablation is declared, so there is nothing to leave out"
        raise ModelError(what, where=f"recipe {recipe.name}", fix="ablations=(Ablation(...),), see docs/ablation.md")
    folds = draw_time_folds(recipe, data.keys)
    sets = _Sets.of(recipe, data.features)
    choosing, fitting = parts_of(how_far, [1, 4])
    # One thread inside a fit: the fits themselves go side by side.
    with threadpool_limits(limits=1):
        fitted = _find_algorithm(recipe, take_part(data, folds.tested.learned), name=algorithm, how_far=choosing)
        work = [*folds.inside, folds.tested]
        scores = _rank(fitted, data, work, sets=sets, seed=recipe.seed, how_far=fitting)
    count, frames = len(folds.inside), []
    named = {IN_TIME if folds.are_in_time else OUT_OF_FOLD: range(count), recipe.split.test_rows: [count]}
    for segment, chosen in _segments(recipe, data).items():
        for name, own in named.items():
            rows, ranked = _gather(data, work, scores, own=own, chosen=chosen)
            frames.append(_table(recipe, sets, rows, ranked).assign(rows_of=name, segment=segment))
    return AblationResult(algorithm=fitted.name, folds=count, table=pd.concat(frames, ignore_index=True)[COLUMNS])


SEGMENTS = ("all", "thin")

COLUMNS = [
    "rows_of", "segment", "rows", "bad", "dimension", "title", "features", "way", "auc", "auc_low", "auc_high", "gain",
    "gain_low", "gain_high",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sets:
    """The features of every model that is fitted, by name, and which two models answer each question."""

    features: Mapping[str, frozenset[str]]
    held: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, recipe: Recipe, features: Sequence[Feature]) -> _Sets:
        """The sets of a recipe; a question that is not asked of a dimension has no set."""
        every = frozenset(feature.name for feature in features)
        held = {one.name: dimension_names(one, features) for one in recipe.ablations}
        of_base = [one.name for one in recipe.ablations if one.is_base]
        base = frozenset[str]().union(*(held[name] for name in of_base))
        if not of_base:
            base = every.difference(*held.values())
        made = {ALL: every, BASE: base}
        for one in recipe.ablations:
            made[f"{ALONE} {one.name}"] = held[one.name]
            made[f"{LEFT_OUT} {one.name}"] = every - held[one.name]
            if not one.is_base and base:
                made[f"{ADDED} {one.name}"] = base | held[one.name]
        return cls(features=made, held=held)

    @property
    def distinct(self) -> list[frozenset[str]]:
        """Each set of features once: two questions may need the same model."""
        return list(dict.fromkeys(self.features.values()))

    def pair(self, way: str, dimension: str) -> tuple[str, str]:
        """The models with and without the dimension."""
        if way == LEFT_OUT:
            return ALL, f"{LEFT_OUT} {dimension}"
        return f"{way} {dimension}", BASE if way == ADDED else NOTHING


def _find_algorithm(recipe: Recipe, part: Part, *, name: str, how_far: HowFar) -> Fitted:
    """The named algorithm; else, by the recipe's choice, one of those that may use every feature.

    A shortlist has judged the dimensions already, so that it stands back where another algorithm has none. A blend is
    ranked by its parts' probabilities and not fitted itself: its parts are looked at.
    """
    fitted = {one.name: one for one in recipe.algorithms if not isinstance(one, Blend)}
    if name and name not in fitted:
        what = f"{name} is no algorithm that can be fitted alone"
        raise ModelError(what, where=f"recipe {recipe.name}", fix=nearest_name(name, fitted))
    free = [one for one in fitted.values() if "*" in one.features] or list(fitted.values())
    if name or len(free) == 1:
        return fitted[name] if name else free[0]
    once = replace(recipe.split, repeats=1)
    models = fit_models(free, part, split=once, seed=recipe.seed, how_far=how_far)
    return fitted[choose_model(models, part.label, tolerance=recipe.choice.tolerance)]


def _rank(
    algorithm: Fitted,
    data: TrainingSet,
    folds: Sequence[Fold],
    *,
    sets: _Sets,
    seed: int,
    how_far: HowFar,
) -> list[dict[frozenset[str], np.ndarray]]:
    """For each fold and set of features the scores of the fold's ranked rows."""
    ends = parts_of(how_far, [1] * len(folds))
    found = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for fold, end in zip(folds, ends, strict=True):
            learned, asked = take_part(data, fold.learned), data.vectors[fold.ranked]
            fit = partial(_score, algorithm, learned, asked, seed)
            first, *others = sets.distinct
            # The first fit measures the columns, which all others then share.
            scores = {first: fit(first)}
            steps = parts_of(end, [1] * max(len(others), 1))
            for one, score, step in zip(others, pool.map(fit, others), steps, strict=False):
                scores[one] = score
                step(1.0)
            found.append(scores)
    return found


def _score(algorithm: Fitted, learned: Part, asked: pd.DataFrame, seed: int, names: frozenset[str]) -> np.ndarray:
    """What a model of these features says of the rows that are asked about; one score for all where none is of use."""
    candidates = [f.name for f in match_features(learned.features, algorithm.features) if f.name in names]
    if candidates:
        try:
            member, _ = fit_member(replace(algorithm, features=tuple(candidates)), learned, seed=seed, asked=asked)
            return member.log_odds(asked)
        except ModelError:
            pass  # no feature passed the selection
    return np.zeros(len(asked))


def _gather(
    data: TrainingSet,
    folds: Sequence[Fold],
    scores: Sequence[Mapping[frozenset[str], np.ndarray]],
    *,
    own: Sequence[int],
    chosen: np.ndarray,
) -> tuple[RankedRows, dict[frozenset[str], np.ndarray]]:
    """The ranked rows of some folds one after the other with their scores; only those marked in ``chosen``."""
    places = np.concatenate([np.flatnonzero(folds[number].ranked) for number in own])
    rows = RankedRows(
        label=data.label.to_numpy()[places],
        customer=data.keys["customer_id"].to_numpy()[places],
        fold=np.concatenate([np.full(int(folds[number].ranked.sum()), number) for number in own]),
    )
    ranked = {one: np.concatenate([scores[number][one] for number in own]) for one in scores[0]}
    kept = chosen[places]
    return rows.take(kept), {one: values[kept] for one, values in ranked.items()}


def _segments(recipe: Recipe, data: TrainingSet) -> dict[str, np.ndarray]:
    """Which rows are looked at: all, and where the recipe says what a thin file is those that have one."""
    every = np.ones(len(data.keys), dtype=bool)
    if recipe.thin_file is None:
        return {SEGMENTS[0]: every}
    types = dict.fromkeys(data.vectors.columns, "double")
    node = parse_condition(recipe.thin_file.where, types, where=f"recipe {recipe.name}: thin file")
    columns = {name: pa.array(data.vectors[name], from_pandas=True) for name in columns_used(node)}
    is_thin = evaluate_expression(node, pa.table(columns)).fill_null(False).to_numpy(zero_copy_only=False)
    return dict(zip(SEGMENTS, (every, is_thin), strict=True))


def _table(recipe: Recipe, sets: _Sets, rows: RankedRows, ranked: Mapping[frozenset[str], np.ndarray]) -> pd.DataFrame:
    scores = {name: ranked[features] for name, features in sets.features.items()}
    scores[NOTHING] = np.zeros(len(rows.label))
    areas = measure_rankings(scores, rows, seed=recipe.seed)
    counts = {"rows": float(len(rows.label)), "bad": float(rows.label.sum())}
    told = [_reference(areas, ALL, sets), _reference(areas, BASE, sets)]
    told += [_answer(areas, sets, one, way) for one in recipe.ablations for way in WAYS]
    return pd.DataFrame([{**counts, **row} for row in told])


def _reference(areas: Areas, name: str, sets: _Sets) -> dict[str, object]:
    low, high = areas.interval(name)
    return {
        "dimension": name, "title": name, "features": float(len(sets.features[name])), "way": "reference",
        "auc": areas.found[name], "auc_low": low, "auc_high": high, "gain": np.nan, "gain_low": np.nan,
        "gain_high": np.nan,
    }  # fmt: skip


def _answer(areas: Areas, sets: _Sets, dimension: Ablation, way: str) -> dict[str, object]:
    better, worse = sets.pair(way, dimension.name)
    known = better in areas.found and worse in areas.found
    low, high = areas.interval(better) if known else (np.nan, np.nan)
    gain = areas.gain(better, worse) if known else (np.nan, np.nan, np.nan)
    return {
        "dimension": dimension.name, "title": dimension.title, "features": float(len(sets.held[dimension.name])),
        "way": way, "auc": areas.found[better] if known else np.nan, "auc_low": low, "auc_high": high,
        "gain": gain[0], "gain_low": gain[1], "gain_high": gain[2],
    }  # fmt: skip
