"""From a set of labelled rows to calibrated models, one per declared algorithm.

Folds, selection and fitting inside them, calibration on out-of-fold log-odds, blends. The out-of-time split comes
before (``training``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.model_selection import StratifiedGroupKFold

from tallystick.errors import ModelError
from tallystick.how_far import HowFar, parts_of, untold
from tallystick.model.boosting import fit_boosting
from tallystick.model.evaluation import fit_logistic, logit
from tallystick.model.inputs import Feature, match_features
from tallystick.model.measured_columns import MeasuredColumns
from tallystick.model.members import Member
from tallystick.model.ordinal import fit_ordinal
from tallystick.model.scorecard import Binned, fit_scorecard
from tallystick.model.selection import select_features
from tallystick.spec.algorithms import Algorithm, Blend, Fitted, GradientBoosting, OrdinalScorecard, Scorecard
from tallystick.spec.recipes import Split

# A calibration may flatten log-odds but never turn their order round.
LEAST_SLOPE = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Labelled rows to learn from. The frame and the three arrays correspond row by row."""

    vectors: pd.DataFrame
    label: np.ndarray
    customer: np.ndarray
    vintage: np.ndarray
    features: tuple[Feature, ...]

    @cached_property
    def columns(self) -> MeasuredColumns:
        """What selections measure of these rows."""
        return MeasuredColumns(self.vectors, self.label, self.vintage)

    @cached_property
    def binned(self) -> Binned:
        """What scorecards found of these rows' columns."""
        return {}

    def take(self, rows: np.ndarray) -> Part:
        """The rows at ``rows`` (positions or a mask)."""
        return Part(
            vectors=self.vectors.iloc[np.arange(len(self.label))[rows]],
            label=self.label[rows],
            customer=self.customer[rows],
            vintage=self.vintage[rows],
            features=self.features,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Model:
    """Members with weights, and the calibration of their sum: pd = expit(intercept + slope * sum of weight * log-odds).

    ``out_of_fold`` are the pds of the rows it was fitted on, each by models that had not seen the row. ``selection``
    is the table of ``select_features`` per fitted algorithm.
    """

    name: str
    members: tuple[tuple[Member, float], ...]
    intercept: float
    slope: float
    out_of_fold: np.ndarray
    selection: dict[str, pd.DataFrame]

    def log_odds(self, vectors: pd.DataFrame) -> np.ndarray:
        """Calibrated log-odds of being bad."""
        total = np.zeros(len(vectors))
        for member, weight in self.members:
            total += weight * member.log_odds(vectors)
        return self.intercept + self.slope * total

    def predict(self, vectors: pd.DataFrame) -> np.ndarray:
        """Calibrated pd."""
        pds: np.ndarray = expit(self.log_odds(vectors))
        return pds

    @property
    def features(self) -> tuple[str, ...]:
        """The inputs that any member reads, each once."""
        return tuple(dict.fromkeys(name for member, _ in self.members for name in member.features))


def fit_models(
    algorithms: Sequence[Algorithm], part: Part, *, split: Split, seed: int, how_far: HowFar = untold
) -> dict[str, Model]:
    """A calibrated model per algorithm, in declared order. ModelError where one of them cannot be fitted.

    Fold by fold, not algorithm by algorithm: what is measured of a fold's columns serves all, and goes with the fold.
    """
    fitted = [algorithm for algorithm in algorithms if not isinstance(algorithm, Blend)]
    folds = draw_folds(part, split=split, seed=seed)
    ends = iter(parts_of(how_far, [1] * (1 + sum(len(np.unique(numbers)) for numbers in folds))))
    members = [fit_member(algorithm, part, seed=seed) for algorithm in fitted]
    next(ends)(1.0)
    held_out = np.zeros((len(fitted), len(part.label)))
    for numbers in folds:
        for number in np.unique(numbers):
            held = numbers == number
            learned, asked = part.take(~held), part.vectors[held]
            for line, algorithm in zip(held_out, fitted, strict=True):
                member, _ = fit_member(algorithm, learned, seed=seed, asked=asked)
                line[held] += member.log_odds(asked) / len(folds)
            next(ends)(1.0)
    models: dict[str, Model] = {}
    lines = iter(zip(members, held_out, strict=True))
    for declared in algorithms:
        if isinstance(declared, Blend):
            models[declared.name] = _blend(declared, models, part.label)
        else:
            models[declared.name] = _calibrate(declared.name, *next(lines), part.label)
    return models


def needed_algorithms(algorithms: Sequence[Algorithm], name: str) -> list[Algorithm]:
    """The algorithm called ``name`` and, for a blend, those it is made of, in declared order."""
    chosen = next(algorithm for algorithm in algorithms if algorithm.name == name)
    wanted = {name, *(chosen.weights if isinstance(chosen, Blend) else ())}
    for algorithm in algorithms:
        # A blend may hold blends.
        if algorithm.name in wanted and isinstance(algorithm, Blend):
            wanted |= set(algorithm.weights)
    return [algorithm for algorithm in algorithms if algorithm.name in wanted]


def fit_member(
    algorithm: Fitted, part: Part, *, seed: int, asked: pd.DataFrame | None = None
) -> tuple[Member, pd.DataFrame]:
    """Select among the algorithm's candidates and fit, both on these rows alone; the selection's table beside it.

    ``asked``: the only rows that the member will be asked about, where they are known.
    """
    candidates = match_features(part.features, algorithm.features)
    kept, table = select_features(part.columns, candidates, rule=algorithm.selection)
    if not kept:
        what = f"none of {len(candidates)} features passed the selection"
        raise ModelError(what, where=f"algorithm {algorithm.name}", fix="lower min_iv, or look at the features")
    if isinstance(algorithm, OrdinalScorecard):
        return fit_ordinal(algorithm, part.vectors, part.label, kept), table
    if isinstance(algorithm, Scorecard):
        return fit_scorecard(algorithm, part.vectors, part.label, kept, known=part.binned), table
    assert isinstance(algorithm, GradientBoosting)
    return fit_boosting(algorithm, part.vectors, part.label, kept, seed=seed, asked=asked), table


def draw_folds(part: Part, *, split: Split, seed: int) -> list[np.ndarray]:
    """For each repeat the fold number of every row, stratified by label; rows of a customer share a fold."""
    rarest = int(min(part.label.sum(), (1 - part.label).sum()))
    count = min(split.folds, rarest)
    if count < 2:
        raise ModelError("too few rows of one class for folds", fix="wait for more labels")
    drawn = []
    for repeat in range(split.repeats):
        folds = np.zeros(len(part.label), dtype=int)
        splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed + repeat)
        for number, (_, held) in enumerate(splitter.split(part.label, part.label, part.customer)):
            folds[held] = number
        drawn.append(folds)
    return drawn


def _calibrate(name: str, fitted: tuple[Member, pd.DataFrame], held_out: np.ndarray, label: np.ndarray) -> Model:
    member, table = fitted
    intercept, slope = fit_logistic(label, held_out, min_slope=LEAST_SLOPE)
    return Model(
        name=name,
        members=((member, 1.0),),
        intercept=intercept,
        slope=slope,
        out_of_fold=expit(intercept + slope * held_out),
        selection={name: table},
    )


def _blend(algorithm: Blend, models: dict[str, Model], label: np.ndarray) -> Model:
    """The members of the parts with their calibrations folded into weights, calibrated again as a whole."""
    total = sum(algorithm.weights.values())
    shares = {name: weight / total for name, weight in algorithm.weights.items()}
    held_out = np.sum([share * logit(models[name].out_of_fold) for name, share in shares.items()], axis=0)
    intercept, slope = fit_logistic(label, held_out, min_slope=LEAST_SLOPE)
    members = tuple(
        (member, share * models[name].slope * weight)
        for name, share in shares.items()
        for member, weight in models[name].members
    )
    inner = sum(share * models[name].intercept for name, share in shares.items())
    return Model(
        name=algorithm.name,
        members=members,
        intercept=intercept + slope * inner,
        slope=slope,
        out_of_fold=expit(intercept + slope * held_out),
        selection={key: table for name in shares for key, table in models[name].selection.items()},
    )
