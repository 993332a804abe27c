"""The tables of a training run: performance, vintages, variants, stability, fairness, calibration.

One function per table, each returning a frame with one row per thing compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tallystick.errors import ModelError
from tallystick.how_far import HowFar, parts_of, untold
from tallystick.model.evaluation import auc, auc_interval, ks, measure, stability_index
from tallystick.model.fitting import Model, Part, fit_models
from tallystick.model.inputs import Feature
from tallystick.spec.algorithms import Algorithm
from tallystick.spec.recipes import Recipe

# Segments with fewer bad or good rows get no AUC: it would be noise with a name on it.
LEAST_SEGMENT_CLASS = 5

# A vintage is predicted from those before it once these hold at least as many rows of the rarer class.
LEAST_EARLIER_CLASS = 10


def report_performance(
    models: Mapping[str, Model], train: Part, test: Part, *, chosen: str, recipe: Recipe
) -> pd.DataFrame:
    """Per algorithm, the metrics out of fold in the training part and on the test; AUCs with intervals."""
    rows = []
    for name, model in models.items():
        pairs = (
            ("out_of_fold", train.label, model.out_of_fold),
            (recipe.split.test_rows, test.label, model.predict(test.vectors)),
        )
        for rows_of, label, pd_ in pairs:
            low, high = auc_interval(label, pd_, seed=recipe.seed)
            found = measure(label, pd_)
            rows.append(
                {"algorithm": name, "is_chosen": name == chosen, "rows_of": rows_of, **found,
                 "auc_low": low, "auc_high": high, "features": float(len(model.features))}
            )  # fmt: skip
    return pd.DataFrame(rows)


def report_vintages(
    algorithms: Sequence[Algorithm],
    part: Part,
    earlier: Mapping[str, np.ndarray],
    *,
    recipe: Recipe,
    how_far: HowFar = untold,
) -> pd.DataFrame:
    """Each vintage predicted by the chosen algorithm fitted on what is known when it begins.

    ``earlier`` marks these rows of ``part`` for each vintage.
    """
    rows, vintages = [], np.unique(part.vintage)
    # Each learns from those before it, so that the later ones take longer.
    for vintage, of_vintage in zip(vintages, parts_of(how_far, range(1, len(vintages) + 1)), strict=True):
        known, own = part.take(earlier[vintage]), part.take(part.vintage == vintage)
        row = {"vintage": vintage, "rows": float(len(own.label)), "bad": float(own.label.sum())}
        row |= {"bad_rate": float(own.label.mean()), "auc": float("nan"), "ks": float("nan")}
        rarer = min(known.label.sum(), (1 - known.label).sum()) if len(known.label) else 0
        if rarer >= LEAST_EARLIER_CLASS:
            # Repeated folds only steady the calibration, which AUC and KS do not see.
            once = replace(recipe, split=replace(recipe.split, repeats=1))
            pd_ = _fit_last(algorithms, known, once).predict(own.vectors)
            row |= {"auc": auc(own.label, pd_), "ks": ks(own.label, pd_), "mean_pd": float(pd_.mean())}
        rows.append(row)
        of_vintage(1.0)
    return pd.DataFrame(rows)


def report_variants(
    algorithms: Sequence[Algorithm],
    parts: Mapping[str, tuple[Part, Part]],
    *,
    recipe: Recipe,
    fitted: Model,
    how_far: HowFar = untold,
) -> pd.DataFrame:
    """The chosen algorithm trained and tested on other labels; ``parts`` gives (train, test) by title.

    The first part is that of the model, which has been ``fitted`` to it already.
    """
    rows, tested = [], f"auc_{recipe.split.test_rows}"
    ends = [untold, *parts_of(how_far, [1] * (len(parts) - 1))]
    for number, (title, (train, test)) in enumerate(parts.items()):
        row: dict[str, object] = {"label": title, "train_rows": float(len(train.label)), "train_bad": train.label.sum()}
        row |= {"test_rows": float(len(test.label)), "test_bad": test.label.sum()}
        try:
            model = _fit_last(algorithms, train, recipe, how_far=ends[number]) if number else fitted
        except ModelError:
            rows.append({**row, "auc_out_of_fold": float("nan"), tested: float("nan")})
            continue
        area = auc(test.label, model.predict(test.vectors)) if len(test.label) else float("nan")
        rows.append({**row, "auc_out_of_fold": auc(train.label, model.out_of_fold), tested: area})
    return pd.DataFrame(rows)


def report_stability(model: Model, frames: Mapping[str, pd.DataFrame], pds: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """PSI of the pd and of each of the model's features: the train part against the test and the unlabelled rows.

    ``model`` is the one that is handed on: its inputs may be others than those of the tested one. Rows of ``frames``
    and ``pds`` are called train, test and scored; a part without rows gives NaN.
    """
    rows = []
    for name in ("pd", *model.features):
        values = {part: pds[part] if name == "pd" else frames[part][name].to_numpy() for part in frames}
        rows.append(
            {"feature": name, "train_to_test": stability_index(values["train"], values["test"]),
             "train_to_scored": stability_index(values["train"], values["scored"])}
        )  # fmt: skip
    return pd.DataFrame(rows)


def report_fairness(
    segments: pd.DataFrame, label: np.ndarray, pd_: np.ndarray, *, approved: np.ndarray | None
) -> pd.DataFrame:
    """Per segment: rows, bad rate, mean pd, share approved, AUC. ``pd_``: by models that had not seen the row.

    ``approved`` is None without a policy; then no share is told. Empty where the source has no segments.
    """
    rows = []
    for column in segments.columns:
        values = segments[column].to_numpy()
        for value in sorted(set(values)):
            own = values == value
            bad = float(label[own].sum())
            enough = min(bad, own.sum() - bad) >= LEAST_SEGMENT_CLASS
            row = {"segment": column, "value": value, "rows": float(own.sum()), "bad": bad}
            row |= {"bad_rate": float(label[own].mean()), "mean_pd": float(pd_[own].mean())}
            row |= {"approved": float(approved[own].mean())} if approved is not None else {}
            rows.append({**row, "auc": auc(label[own], pd_[own]) if enough else float("nan")})
    told = ["segment", "value", "rows", "bad", "bad_rate", "mean_pd", *(["approved"] if approved is not None else [])]
    return pd.DataFrame(rows, columns=[*told, "auc"])


def report_calibration(label: np.ndarray, pd_: np.ndarray, *, bins: int = 8) -> pd.DataFrame:
    """Mean pd against the share of bad rows, in groups of about equal size from safe to risky."""
    order = np.argsort(pd_, kind="stable")
    groups = [group for group in np.array_split(order, min(bins, max(len(order), 1))) if len(group)]
    return pd.DataFrame(
        {"group": float(number), "rows": float(len(group)), "mean_pd": float(pd_[group].mean()),
         "bad_rate": float(label[group].mean())}
        for number, group in enumerate(groups, start=1)
    )  # fmt: skip


def report_weights(model: Model, features: Sequence[Feature], vectors: pd.DataFrame) -> pd.DataFrame:
    """Each input of the model: expected sign, whether assumed, and the spread of what it adds to the log-odds."""
    by_name = {feature.name: feature for feature in features}
    members = [(member.effects(vectors), weight * model.slope) for member, weight in model.members]
    nothing = np.zeros(len(vectors))
    rows = []
    for name in model.features:
        feature = by_name[name]
        effects = [weight * found.get(name, nothing) for found, weight in members]
        rows.append(
            {"feature": name, "sign": float(feature.sign), "assumed": feature.assumed, "reason": feature.reason,
             "effect": float(np.std(np.sum(effects, axis=0)))}
        )  # fmt: skip
    return pd.DataFrame(rows).sort_values(["effect", "feature"], ascending=[False, True], ignore_index=True)


def _fit_last(algorithms: Sequence[Algorithm], part: Part, recipe: Recipe, *, how_far: HowFar = untold) -> Model:
    return _last(fit_models(algorithms, part, split=recipe.split, seed=recipe.seed, how_far=how_far))


def _last(models: Mapping[str, Model]) -> Model:
    """What the others were fitted for: a blend stands behind its parts."""
    return list(models.values())[-1]
