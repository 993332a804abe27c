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

from tallystick.spec.algorithms import Algorithm
from tallystick.spec.recipes import Recipe
from tallystick.training import reporting
from tallystick.training.data import TrainingSet, check_parts, observation_hash, split_by_time
from tallystick.training.export import describe_model, example_rows, to_score, write_document
from tallystick.training.fitting import Model, Part, fit_models, needed_algorithms
from tallystick.training.metrics import auc, calibration_slope, stability_index
from tallystick.training.plots import draw_plots


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """One gate: whether the model passed it, and the numbers that decided."""

    name: str
    is_passed: bool
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingResult:
    """What one training leaves: the model as text, numbers, tables, plots, gates, and the rows it learned from.

    ``champion`` is the chosen algorithm's name. ``rows`` has KEYS, label, part, pd_out_of_fold, pd_out_of_time and the
    features of every labelled row. ``example`` is input for the model's signature. ``artifacts`` are the model's own
    files by name.
    """

    champion: str
    artifacts: dict[str, bytes]
    params: dict[str, str | int | float | bool]
    metrics: dict[str, float]
    tables: dict[str, pd.DataFrame]
    plots: dict[str, bytes]
    gates: tuple[Passed, ...]
    rows: pd.DataFrame
    example: pd.DataFrame
    observation_hash: str


def train_model(recipe: Recipe, data: TrainingSet) -> TrainingResult:
    """Train, choose and test the recipe's model. ModelError when there is too little to learn from."""
    # One thread: matrices of a few hundred rows are slower with more, and sums keep one order.
    with threadpool_limits(limits=1):
        return _train(recipe, data)


def _train(recipe: Recipe, data: TrainingSet) -> TrainingResult:
    part = split_by_time(data.keys, test_from=recipe.split.test_from, test_share=recipe.split.test_share)
    check_parts(data.keys, part, where=f"recipe {recipe.name}")
    older, newer = _part(data, part == "train"), _part(data, part == "test")
    tried = fit_models(recipe.algorithms, older, split=recipe.split, seed=recipe.seed)
    champion = choose_model(tried, older.label, tolerance=recipe.choice.tolerance)
    algorithms = needed_algorithms(recipe.algorithms, champion)
    labelled = _part(data, data.label.notna())
    final = fit_models(algorithms, labelled, split=recipe.split, seed=recipe.seed)[champion]
    tables = _report(recipe, data, part, tried=tried, champion=champion, final=final)
    test_pd = tried[champion].predict(newer.vectors)
    document, booster = describe_model(recipe, final, data.features)
    artifacts = {"model.json": write_document(document)}
    if booster:
        artifacts["booster.txt"] = booster.encode()
    return TrainingResult(
        champion=champion,
        artifacts=artifacts,
        params=_params(recipe, final, older, newer),
        metrics=_metrics(tables, champion),
        tables=tables,
        plots=_plots(recipe, data, tried[champion], newer=newer, older=older, final=final, tables=tables),
        gates=check_gates(recipe, tried[champion], older, newer.label, test_pd),
        rows=_rows(data, part, tried[champion]),
        example=example_rows(final, labelled.vectors),
        observation_hash=observation_hash(data.keys),
    )


def choose_model(models: dict[str, Model], label: np.ndarray, *, tolerance: float) -> str:
    """The first declared algorithm whose out-of-fold AUC is within ``tolerance`` of the best one."""
    areas = {name: auc(label, model.out_of_fold) for name, model in models.items()}
    best = max(areas.values())
    return next(name for name, area in areas.items() if area >= best - tolerance)


def check_gates(recipe: Recipe, model: Model, older: Part, label: np.ndarray, pd_: np.ndarray) -> tuple[Passed, ...]:
    """The recipe's gates on the out-of-time rows, which ``model`` has not seen."""
    gates = recipe.gates
    area = auc(label, pd_)
    low, high = gates.calibration_slope
    slope = calibration_slope(label, pd_)
    shift = stability_index(model.out_of_fold, pd_)
    bad = int(label.sum())
    return (
        Passed(name="bad_rows", is_passed=bad >= gates.min_bad, detail=f"{bad}, at least {gates.min_bad}"),
        Passed(name="auc", is_passed=area >= gates.min_auc, detail=f"{area:.3f}, at least {gates.min_auc}"),
        Passed(name="calibration_slope", is_passed=low <= slope <= high, detail=f"{slope:.2f}, {low} to {high}"),
        Passed(name="score_psi", is_passed=shift <= gates.max_psi, detail=f"{shift:.3f}, at most {gates.max_psi}"),
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


def _report(
    recipe: Recipe, data: TrainingSet, part: pd.Series, *, tried: dict[str, Model], champion: str, final: Model
) -> dict[str, pd.DataFrame]:
    older, newer = _part(data, part == "train"), _part(data, part == "test")
    algorithms = needed_algorithms(recipe.algorithms, champion)
    model = tried[champion]
    labelled = data.label.notna()
    unseen = np.concatenate([model.out_of_fold, model.predict(newer.vectors)])
    in_parts = pd.concat([data.segments[part == "train"], data.segments[part == "test"]])
    labels = np.concatenate([older.label, newer.label])
    approved = unseen < max((b.pd_below for b in recipe.policy.bands if b.decision == "approve"), default=0.0)  # type: ignore[union-attr] # a recipe with a label has a policy
    frames = {"train": older.vectors, "test": newer.vectors, "scored": data.vectors[~labelled]}
    pds = {"train": model.out_of_fold, "test": model.predict(newer.vectors), "scored": final.predict(frames["scored"])}
    return {
        "performance": reporting.report_performance(tried, older, newer, champion=champion, seed=recipe.seed),
        "vintages": reporting.report_vintages(algorithms, _part(data, labelled), recipe=recipe),
        "ablations": reporting.report_ablations(algorithms, older, newer, recipe=recipe, full=model),
        "variants": _report_variants(recipe, data, part, algorithms),
        "stability": reporting.report_stability(model, frames, pds),
        "fairness": reporting.report_fairness(in_parts, labels, unseen, approved=approved),
        "calibration": reporting.report_calibration(labels, unseen),
        "weights": reporting.report_weights(final, data.features, _part(data, labelled).vectors),
        **{f"selection_{name}": table for name, table in final.selection.items()},
    }


def _report_variants(recipe: Recipe, data: TrainingSet, part: pd.Series, algorithms: list[Algorithm]) -> pd.DataFrame:
    """The recipe's own label in the first line, each variant below; rows keep their side of the split by date."""
    start = data.keys.loc[part == "test", "day"].min()
    labels = {f"{recipe.label} (the model's)": data.label}
    labels |= {variant.title: data.keys[f"label:{variant.name}"] for variant in recipe.variants}
    parts = {}
    for title, label in labels.items():
        is_older = data.keys["day"] < start
        parts[title] = (
            _part(data, label.notna() & is_older, label),
            _part(data, label.notna() & ~is_older, label),
        )
    return reporting.report_variants(algorithms, parts, recipe=recipe)


def _params(recipe: Recipe, final: Model, older: Part, newer: Part) -> dict[str, str | int | float | bool]:
    return {
        "recipe_version": recipe.version,
        "label": str(recipe.label),
        "algorithm": final.name,
        "algorithms": ", ".join(algorithm.name for algorithm in recipe.algorithms),
        "features": len(final.features),
        "train_rows": len(older.label),
        "test_rows": len(newer.label),
        "fitted_rows": len(older.label) + len(newer.label),
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


def _plots(
    recipe: Recipe,
    data: TrainingSet,
    model: Model,
    *,
    newer: Part,
    older: Part,
    tables: dict[str, pd.DataFrame],
    final: Model,
) -> dict[str, bytes]:
    test_pd = model.predict(newer.vectors)
    scored = {"out of fold": (older.label, model.out_of_fold), "out of time": (newer.label, test_pd)}
    scale = {"offset": recipe.scale.offset, "factor": recipe.scale.factor}
    pds, labels = np.concatenate([model.out_of_fold, test_pd]), np.concatenate([older.label, newer.label])
    scores = {
        "good": to_score(pds[labels == 0], **scale),
        "bad": to_score(pds[labels == 1], **scale),
        "not labelled": to_score(final.predict(data.vectors[data.label.isna()]), **scale),
    }
    return draw_plots(scored, tables["calibration"], scores)


def _rows(data: TrainingSet, part: pd.Series, model: Model) -> pd.DataFrame:
    keys = data.keys.drop(columns=[name for name in data.keys.columns if name.startswith("label:") or name == "day"])
    rows = keys.assign(part=part, pd_out_of_fold=np.nan, pd_out_of_time=np.nan)
    rows.loc[part == "train", "pd_out_of_fold"] = model.out_of_fold
    rows.loc[part == "test", "pd_out_of_time"] = model.predict(data.vectors[part == "test"])
    labelled = pd.concat([rows, data.vectors], axis=1)[part != ""]
    return labelled.astype({"label": "int32"}).reset_index(drop=True)
