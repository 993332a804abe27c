"""The training stage: from a training set to everything that a model version keeps.

The order of things: split, fit, choose, test, report, fit again on all labelled rows. Numbers of the test are always
those of the model of the training part. The model that is handed on is then fitted again, by the same algorithm, on all
labelled rows: the newest are the most like those to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from tallystick.how_far import HowFar, parts_of, untold
from tallystick.model import comparisons
from tallystick.model.evaluation import auc, calibration_slope, stability_index
from tallystick.model.export import describe_model, example_rows, to_score, write_document
from tallystick.model.fitting import Model, Part, fit_models, needed_algorithms
from tallystick.model.plots import draw_plots
from tallystick.model.results import GateResult, TrainingResult
from tallystick.spec.algorithms import Algorithm
from tallystick.spec.model_tables import LATE, OVERLAPPING, TEST, TRAIN
from tallystick.spec.recipes import Policy, Recipe
from tallystick.training.data import TrainingSet, observation_hash
from tallystick.training.split import check_parts, find_test_start, is_late, split_rows
from tallystick.training.vectors import KEYS


def train_model(recipe: Recipe, data: TrainingSet, *, how_far: HowFar = untold) -> TrainingResult:
    """Train, choose and test the recipe's model. ModelError when there is too little to learn from."""
    # One thread: matrices of a few hundred rows are slower with more, and sums keep one order.
    with threadpool_limits(limits=1):
        return _train(recipe, data, _Parts.of(recipe, data, how_far))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """What hears how far each part of a training is that fits models: all else takes no time beside them."""

    tried: HowFar
    final: HowFar
    vintages: HowFar
    variants: HowFar

    @classmethod
    def of(cls, recipe: Recipe, data: TrainingSet, how_far: HowFar) -> _Parts:
        """The parts by the number of fits that they take of each algorithm, as if all were needed to the end."""
        folds, once = recipe.split.folds * recipe.split.repeats + 1, recipe.split.folds + 1
        # A vintage learns from half of the rows on average, and in folds that are not repeated.
        vintages = data.vintage[data.label.notna()].nunique() * once // 2
        sizes = [folds, folds, vintages, len(recipe.variants) * folds]
        tried, final, of_vintages, variants = parts_of(how_far, sizes)
        return cls(tried=tried, final=final, vintages=of_vintages, variants=variants)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Trained:
    """What has been fitted, and on which rows: ``tried`` on the training part, ``final`` on all labelled rows.

    ``start`` is the first date of a test by time, None for a random split.
    """

    recipe: Recipe
    data: TrainingSet
    start: pd.Timestamp | None
    part: pd.Series
    train: Part
    test: Part
    tried: dict[str, Model]
    chosen: str
    final: Model

    @property
    def model(self) -> Model:
        """The chosen algorithm fitted on the training part, which has not seen the test."""
        return self.tried[self.chosen]

    @property
    def algorithms(self) -> list[Algorithm]:
        """What the chosen algorithm is made of."""
        return needed_algorithms(self.recipe.algorithms, self.chosen)

    @property
    def test_pd(self) -> np.ndarray:
        """Pd of the test's rows."""
        return self.model.predict(self.test.vectors)

    @property
    def unseen_pd(self) -> np.ndarray:
        """Pd of the training rows, then of the test's, each by a model that had not seen the row."""
        return np.concatenate([self.model.out_of_fold, self.test_pd])

    @property
    def labels(self) -> np.ndarray:
        """The labels of the training rows, then of the test's."""
        return np.concatenate([self.train.label, self.test.label])


def _train(recipe: Recipe, data: TrainingSet, parts: _Parts) -> TrainingResult:
    trained = _fit(recipe, data, parts)
    tables = _report(trained, parts)
    document, booster = describe_model(recipe, trained.final, data.features)
    artifacts = {"model.json": write_document(document)}
    if booster:
        artifacts["booster.txt"] = booster.encode()
    return TrainingResult(
        chosen=trained.chosen,
        artifacts=artifacts,
        params=_params(trained),
        metrics=_metrics(tables, trained.chosen) | _count_set_aside(trained),
        tables=tables,
        plots=_plots(trained, tables["calibration"]),
        gates=check_gates(recipe, trained.model, trained.train, trained.test.label, trained.test_pd),
        rows=_rows(trained),
        example=example_rows(trained.final, data.vectors[data.label.notna()]),
        observation_hash=observation_hash(data.keys),
    )


def _fit(recipe: Recipe, data: TrainingSet, parts: _Parts) -> _Trained:
    start = find_test_start(data.keys, recipe.split)
    part = split_rows(data.keys, recipe, start=start)
    check_parts(data.keys, part, recipe=recipe)
    train, test = take_part(data, part == TRAIN), take_part(data, part == TEST)
    tried = fit_models(recipe.algorithms, train, split=recipe.split, seed=recipe.seed, how_far=parts.tried)
    chosen = choose_model(tried, train.label, tolerance=recipe.choice.tolerance)
    labelled, algorithms = take_part(data, data.label.notna()), needed_algorithms(recipe.algorithms, chosen)
    final = fit_models(algorithms, labelled, split=recipe.split, seed=recipe.seed, how_far=parts.final)[chosen]
    return _Trained(
        recipe=recipe, data=data, start=start, part=part, train=train, test=test, tried=tried, chosen=chosen,
        final=final,
    )  # fmt: skip


def choose_model(models: dict[str, Model], label: np.ndarray, *, tolerance: float) -> str:
    """The first declared algorithm whose out-of-fold AUC is within ``tolerance`` of the best one."""
    areas = {name: auc(label, model.out_of_fold) for name, model in models.items()}
    best = max(areas.values())
    return next(name for name, area in areas.items() if area >= best - tolerance)


def check_gates(
    recipe: Recipe, model: Model, train: Part, label: np.ndarray, pd_: np.ndarray
) -> tuple[GateResult, ...]:
    """The recipe's gates on the test's rows, which ``model`` has not seen."""
    gates = recipe.gates
    area = auc(label, pd_)
    low, high = gates.calibration_slope
    slope = calibration_slope(label, pd_)
    shift = stability_index(model.out_of_fold, pd_)
    bad = int(label.sum())
    return (
        GateResult(name="bad_rows", is_passed=bad >= gates.min_bad, detail=f"{bad}, at least {gates.min_bad}"),
        GateResult(name="auc", is_passed=area >= gates.min_auc, detail=f"{area:.3f}, at least {gates.min_auc}"),
        GateResult(name="calibration_slope", is_passed=low <= slope <= high, detail=f"{slope:.2f}, {low} to {high}"),
        GateResult(name="score_psi", is_passed=shift <= gates.max_psi, detail=f"{shift:.3f}, at most {gates.max_psi}"),
    )


def take_part(data: TrainingSet, rows: pd.Series | np.ndarray) -> Part:
    """The rows of a mask as a part to learn from."""
    chosen = np.asarray(rows, dtype=bool)
    return Part(
        vectors=data.vectors[chosen],
        label=data.label.to_numpy(dtype=float)[chosen],
        customer=data.keys["customer_id"].to_numpy()[chosen],
        vintage=data.vintage.to_numpy()[chosen],
        features=data.features,
    )


def _report(trained: _Trained, parts: _Parts) -> dict[str, pd.DataFrame]:
    recipe, data, part = trained.recipe, trained.data, trained.part
    train, test, model = trained.train, trained.test, trained.model
    is_labelled = data.label.notna()
    labelled = take_part(data, is_labelled)
    in_order = pd.concat([data.segments[part == TRAIN], data.segments[part == TEST]])
    frames = {"train": train.vectors, "test": test.vectors, "scored": data.vectors[~is_labelled]}
    # The test's shift is judged by the tested model, that of rows to come by the one that will score them.
    pds = {"train": model.out_of_fold, "test": trained.test_pd, "scored": trained.final.predict(frames["scored"])}
    approved = trained.unseen_pd < _approval_limit(recipe.policy) if recipe.policy else None
    return {
        "performance": comparisons.report_performance(trained.tried, train, test, chosen=trained.chosen, recipe=recipe),
        "vintages": comparisons.report_vintages(
            trained.algorithms, labelled, _known_at_vintages(trained), recipe=recipe, how_far=parts.vintages
        ),
        "variants": _report_variants(trained, how_far=parts.variants),
        "stability": comparisons.report_stability(trained.final, frames, pds),
        "fairness": comparisons.report_fairness(in_order, trained.labels, trained.unseen_pd, approved=approved),
        "calibration": comparisons.report_calibration(trained.labels, trained.unseen_pd),
        "weights": comparisons.report_weights(trained.final, data.features, labelled.vectors),
        **{f"selection_{name}": table for name, table in trained.final.selection.items()},
    }


def _known_at_vintages(trained: _Trained) -> dict[str, np.ndarray]:
    """Of the labelled rows, for each vintage those older than its first date whose label was known on it."""
    labelled = trained.data.label.notna()
    keys, vintage = trained.data.keys[labelled], trained.data.vintage[labelled]
    known = {}
    for name, days in keys["day"].groupby(vintage):
        is_older = keys["day"] < days.min()
        late = is_late(keys, days.min()) & (not trained.recipe.is_retrospective)
        known[str(name)] = ((vintage < name) & is_older & ~late).to_numpy()
    return known


def _report_variants(trained: _Trained, *, how_far: HowFar) -> pd.DataFrame:
    """The recipe's own label in the first line, each variant below; the test begins on the same date for all."""
    recipe = trained.recipe
    sets = {f"{recipe.label} (the model's)": trained.data}
    sets |= {variant.title: trained.data.with_variant(variant.name) for variant in recipe.variants}
    parts = {}
    for title, data in sets.items():
        part = split_rows(data.keys, recipe, start=trained.start)
        parts[title] = (take_part(data, part == TRAIN), take_part(data, part == TEST))
    return comparisons.report_variants(trained.algorithms, parts, recipe=recipe, fitted=trained.model, how_far=how_far)


def _approval_limit(policy: Policy) -> float:
    """The pd below which the policy approves."""
    return max((band.pd_below for band in policy.bands if band.decision == "approve"), default=0.0)


def _params(trained: _Trained) -> dict[str, str | int | float | bool]:
    recipe = trained.recipe
    return {
        "recipe_version": recipe.version,
        "label": str(recipe.label),
        "algorithm": trained.chosen,
        "algorithms": ", ".join(algorithm.name for algorithm in recipe.algorithms),
        "features": len(trained.final.features),
        "split": recipe.split.method,
        "test_from": f"{trained.start:%Y-%m-%d}" if trained.start is not None else "",
        "train_rows": len(trained.train.label),
        "test_rows": len(trained.test.label),
        **_fitted(trained),
        "seed": recipe.seed,
        "is_retrospective": recipe.is_retrospective,
    }


def _fitted(trained: _Trained) -> dict[str, str | int]:
    """The rows that the handed on model learned from: how many, how many bad, and their first and last date."""
    learned = trained.data.label.notna()
    days = trained.data.keys.loc[learned, "day"]
    return {
        "fitted_rows": int(learned.sum()),
        "fitted_bad": int((trained.data.label == 1).sum()),
        "fitted_from": f"{days.min():%Y-%m-%d}",
        "fitted_to": f"{days.max():%Y-%m-%d}",
    }


def _count_set_aside(trained: _Trained) -> dict[str, float]:
    """How many labelled rows were set aside and why, and how many late ones a retrospective recipe has kept."""
    keys, part, start = trained.data.keys, trained.part, trained.start
    kept = int(((part == TRAIN) & is_late(keys, start)).sum()) if start is not None else 0
    counts = {"late_set_aside": (part == LATE).sum(), "late_kept": kept}
    counts["overlapping_set_aside"] = (part == OVERLAPPING).sum()
    return {name: float(count) for name, count in counts.items()}


def _metrics(tables: dict[str, pd.DataFrame], chosen: str) -> dict[str, float]:
    """The chosen one's metrics as ``<metric>_<rows>``, the others' AUCs as ``auc_<rows>_<algorithm>``; NaN left out."""
    found: dict[str, float] = {}
    for row in tables["performance"].to_dict("records"):
        rows_of = row["rows_of"]
        if row["algorithm"] == chosen:
            names = [name for name in row if name not in ("algorithm", "is_chosen", "rows_of", "features")]
            found |= {f"{name}_{rows_of}": float(row[name]) for name in names}
        else:
            found[f"auc_{rows_of}_{row['algorithm']}"] = float(row["auc"])
    shift = tables["stability"].set_index("feature").loc["pd"]
    found |= {
        "psi_train_to_test": float(shift["train_to_test"]),
        "psi_train_to_scored": float(shift["train_to_scored"]),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _plots(trained: _Trained, calibration: pd.DataFrame) -> dict[str, bytes]:
    scale = {"offset": trained.recipe.scale.offset, "factor": trained.recipe.scale.factor}
    scored = {
        "out of fold": (trained.train.label, trained.model.out_of_fold),
        trained.recipe.split.test_rows.replace("_", " "): (trained.test.label, trained.test_pd),
    }
    unlabelled = trained.data.vectors[trained.data.label.isna()]
    scores = {
        "good": to_score(trained.unseen_pd[trained.labels == 0], **scale),
        "bad": to_score(trained.unseen_pd[trained.labels == 1], **scale),
        "not labelled": to_score(trained.final.predict(unlabelled), **scale),
    }
    return draw_plots(scored, calibration, scores)


def _rows(trained: _Trained) -> pd.DataFrame:
    data, part = trained.data, trained.part
    rows = data.keys[[*KEYS, "label"]].assign(
        observations=trained.recipe.observations, part=part, pd_out_of_fold=np.nan, pd_test=np.nan
    )
    rows.loc[part == TRAIN, "pd_out_of_fold"] = trained.model.out_of_fold
    is_unseen = ~part.isin([TRAIN, ""])
    rows.loc[is_unseen, "pd_test"] = trained.model.predict(data.vectors[is_unseen])
    labelled = pd.concat([rows, data.vectors], axis=1)[part != ""]
    return labelled.astype({"label": "int32"}).reset_index(drop=True)
