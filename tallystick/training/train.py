"""The training stage: from a training set to everything that a model version keeps.

What lives here: the order of things: split, fit, choose, test, report, fit again on all labelled rows. What must not:
storage, the registry, how any part is done.

Out-of-time numbers are always those of the model of the older part. The model that is handed on is then fitted again,
by the same algorithm, on all labelled rows: newer rows are the most like those to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from tallystick.model import comparisons
from tallystick.model.evaluation import auc, calibration_slope, stability_index
from tallystick.model.export import describe_model, example_rows, to_score, write_document
from tallystick.model.fitting import Model, Part, fit_models, needed_algorithms
from tallystick.model.plots import draw_plots
from tallystick.model.results import GateResult, TrainingResult
from tallystick.spec.algorithms import Algorithm
from tallystick.spec.recipes import Recipe
from tallystick.training.data import TrainingSet, check_parts, observation_hash, split_by_time
from tallystick.training.vectors import KEYS


def train_model(recipe: Recipe, data: TrainingSet) -> TrainingResult:
    """Train, choose and test the recipe's model. ModelError when there is too little to learn from."""
    # One thread: matrices of a few hundred rows are slower with more, and sums keep one order.
    with threadpool_limits(limits=1):
        return _train(recipe, data)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Trained:
    """What has been fitted, and on which rows: ``tried`` on the older ones, ``final`` on all labelled ones."""

    recipe: Recipe
    data: TrainingSet
    part: pd.Series
    older: Part
    newer: Part
    tried: dict[str, Model]
    champion: str
    final: Model

    @property
    def model(self) -> Model:
        """The champion of the older part, which has not seen the newer one."""
        return self.tried[self.champion]

    @property
    def algorithms(self) -> list[Algorithm]:
        """What the champion is made of."""
        return needed_algorithms(self.recipe.algorithms, self.champion)

    @property
    def test_pd(self) -> np.ndarray:
        """Pd of the newer rows."""
        return self.model.predict(self.newer.vectors)

    @property
    def unseen_pd(self) -> np.ndarray:
        """Pd of the older rows, then of the newer ones, each by a model that had not seen the row."""
        return np.concatenate([self.model.out_of_fold, self.test_pd])

    @property
    def labels(self) -> np.ndarray:
        """The labels of the older rows, then of the newer ones."""
        return np.concatenate([self.older.label, self.newer.label])


def _train(recipe: Recipe, data: TrainingSet) -> TrainingResult:
    part = split_by_time(data.keys, test_from=recipe.split.test_from, test_share=recipe.split.test_share)
    check_parts(data.keys, part, where=f"recipe {recipe.name}")
    older, newer = _part(data, part == "train"), _part(data, part == "test")
    tried = fit_models(recipe.algorithms, older, split=recipe.split, seed=recipe.seed)
    champion = choose_model(tried, older.label, tolerance=recipe.choice.tolerance)
    labelled = _part(data, data.label.notna())
    algorithms = needed_algorithms(recipe.algorithms, champion)
    final = fit_models(algorithms, labelled, split=recipe.split, seed=recipe.seed)[champion]
    trained = _Trained(
        recipe=recipe, data=data, part=part, older=older, newer=newer, tried=tried, champion=champion, final=final
    )
    tables = _report(trained)
    document, booster = describe_model(recipe, final, data.features)
    artifacts = {"model.json": write_document(document)}
    if booster:
        artifacts["booster.txt"] = booster.encode()
    return TrainingResult(
        champion=champion,
        artifacts=artifacts,
        params=_params(trained),
        metrics=_metrics(tables, champion),
        tables=tables,
        plots=_plots(trained, tables["calibration"]),
        gates=check_gates(recipe, trained.model, older, newer.label, trained.test_pd),
        rows=_rows(trained),
        example=example_rows(final, labelled.vectors),
        observation_hash=observation_hash(data.keys),
    )


def choose_model(models: dict[str, Model], label: np.ndarray, *, tolerance: float) -> str:
    """The first declared algorithm whose out-of-fold AUC is within ``tolerance`` of the best one."""
    areas = {name: auc(label, model.out_of_fold) for name, model in models.items()}
    best = max(areas.values())
    return next(name for name, area in areas.items() if area >= best - tolerance)


def check_gates(
    recipe: Recipe, model: Model, older: Part, label: np.ndarray, pd_: np.ndarray
) -> tuple[GateResult, ...]:
    """The recipe's gates on the out-of-time rows, which ``model`` has not seen."""
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


def _part(data: TrainingSet, rows: pd.Series, label: pd.Series | None = None) -> Part:
    chosen = rows.to_numpy(dtype=bool)
    return Part(
        vectors=data.vectors[chosen],
        label=(data.label if label is None else label).to_numpy(dtype=float)[chosen],
        customer=data.keys["customer_id"].to_numpy()[chosen],
        vintage=data.vintage.to_numpy()[chosen],
        features=data.features,
    )


def _report(trained: _Trained) -> dict[str, pd.DataFrame]:
    recipe, data, part = trained.recipe, trained.data, trained.part
    older, newer, model = trained.older, trained.newer, trained.model
    is_labelled = data.label.notna()
    labelled = _part(data, is_labelled)
    in_order = pd.concat([data.segments[part == "train"], data.segments[part == "test"]])
    frames = {"train": older.vectors, "test": newer.vectors, "scored": data.vectors[~is_labelled]}
    # The newer rows' shift is judged by the older part's model, that of rows to come by the one that will score them.
    pds = {"train": model.out_of_fold, "test": trained.test_pd, "scored": trained.final.predict(frames["scored"])}
    approved = trained.unseen_pd < _approval_limit(recipe)
    return {
        "performance": comparisons.report_performance(
            trained.tried, older, newer, champion=trained.champion, seed=recipe.seed
        ),
        "vintages": comparisons.report_vintages(trained.algorithms, labelled, recipe=recipe),
        "ablations": comparisons.report_ablations(trained.algorithms, older, newer, recipe=recipe, full=model),
        "variants": _report_variants(trained),
        "stability": comparisons.report_stability(model, frames, pds),
        "fairness": comparisons.report_fairness(in_order, trained.labels, trained.unseen_pd, approved=approved),
        "calibration": comparisons.report_calibration(trained.labels, trained.unseen_pd),
        "weights": comparisons.report_weights(trained.final, data.features, labelled.vectors),
        **{f"selection_{name}": table for name, table in trained.final.selection.items()},
    }


def _report_variants(trained: _Trained) -> pd.DataFrame:
    """The recipe's own label in the first line, each variant below; rows keep their side of the split by date."""
    recipe, data = trained.recipe, trained.data
    is_older = data.keys["day"] < data.keys.loc[trained.part == "test", "day"].min()
    labels = {f"{recipe.label} (the model's)": data.label}
    labels |= {variant.title: data.keys[f"label:{variant.name}"] for variant in recipe.variants}
    parts = {
        title: (_part(data, label.notna() & is_older, label), _part(data, label.notna() & ~is_older, label))
        for title, label in labels.items()
    }
    return comparisons.report_variants(trained.algorithms, parts, recipe=recipe)


def _approval_limit(recipe: Recipe) -> float:
    """The pd below which the policy approves."""
    bands = recipe.policy.bands if recipe.policy else ()
    return max((band.pd_below for band in bands if band.decision == "approve"), default=0.0)


def _params(trained: _Trained) -> dict[str, str | int | float | bool]:
    recipe = trained.recipe
    return {
        "recipe_version": recipe.version,
        "label": str(recipe.label),
        "algorithm": trained.champion,
        "algorithms": ", ".join(algorithm.name for algorithm in recipe.algorithms),
        "features": len(trained.final.features),
        "train_rows": len(trained.older.label),
        "test_rows": len(trained.newer.label),
        "fitted_rows": len(trained.labels),
        "seed": recipe.seed,
        "is_retrospective": recipe.is_retrospective,
    }


def _metrics(tables: dict[str, pd.DataFrame], champion: str) -> dict[str, float]:
    """The champion's metrics as ``<metric>_<rows>``, the others' AUCs as ``auc_<rows>_<algorithm>``; NaN left out."""
    found: dict[str, float] = {}
    for row in tables["performance"].to_dict("records"):
        rows_of = row["rows_of"]
        if row["algorithm"] == champion:
            names = [name for name in row if name not in ("algorithm", "is_champion", "rows_of", "features")]
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
        "out of fold": (trained.older.label, trained.model.out_of_fold),
        "out of time": (trained.newer.label, trained.test_pd),
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
    rows = data.keys[[*KEYS, "label"]].assign(part=part, pd_out_of_fold=np.nan, pd_out_of_time=np.nan)
    rows.loc[part == "train", "pd_out_of_fold"] = trained.model.out_of_fold
    rows.loc[part == "test", "pd_out_of_time"] = trained.test_pd
    labelled = pd.concat([rows, data.vectors], axis=1)[part != ""]
    return labelled.astype({"label": "int32"}).reset_index(drop=True)
