"""How a model is fitted: the algorithms a recipe may name, and how each chooses its features.

``model`` fits them. Nothing here is learned from data.

Every algorithm gives log-odds of being bad, the higher the riskier:

    OrdinalScorecard    ridge regression on the ranks of fine bins, coefficients bound to the expected signs; the
                        steadiest choice for a few hundred rows
    Scorecard           optimal monotonic binning (optbinning), weight of evidence, logistic regression
    GradientBoosting    LightGBM, monotone in the direction of the expected signs
    Blend               a weighted mean of the calibrated log-odds of algorithms declared before it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.names import check_name


def _check_range(where: str, field_name: str, value: float, *, low: float, high: float) -> None:
    if not low <= value <= high:
        raise DeclarationError(f"{field_name} = {value} is out of range", where=where, fix=f"{low} to {high}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which of its features an algorithm keeps; decided again on every training set and fold.

    The steps, in this order:

    1. Drop a feature that is constant or null in more than ``max_missing`` of the rows.
    2. Drop a feature whose information value (over ``bins`` quantile bins) is below ``min_iv``.
    3. With ``drop_against_sign``, drop a feature that points against its expected sign. Without it, an algorithm
       with constraints on its coefficients still keeps the signs.
    4. Drop a feature unless it has an AUC of at least 0.5 + ``min_vintage_gap``, in the same direction, in every
       vintage with enough rows of both classes.
    5. Go through the rest, strongest first. Drop a feature whose absolute rank correlation with a kept one is above
       ``max_correlation``. Stop at ``max_features``.
    """

    max_missing: float = 0.6
    min_iv: float = 0.02
    bins: int = 5
    drop_against_sign: bool = True
    min_vintage_gap: float = 0.0
    max_correlation: float = 0.8
    max_features: int = 20

    def __post_init__(self) -> None:
        check_types(self, where="selection")
        _check_range("selection", "max_missing", self.max_missing, low=0.0, high=1.0)
        _check_range("selection", "min_iv", self.min_iv, low=0.0, high=10.0)
        _check_range("selection", "bins", self.bins, low=2, high=50)
        _check_range("selection", "min_vintage_gap", self.min_vintage_gap, low=0.0, high=0.5)
        _check_range("selection", "max_correlation", self.max_correlation, low=0.0, high=1.0)
        _check_range("selection", "max_features", self.max_features, low=1, high=1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdinalScorecard:
    """Ridge logistic regression on ranks: each feature is cut into at most ``bins`` quantile bins, valued by mid-rank.

    ``c`` is the inverse strength of the ridge penalty on standardised columns, as in scikit-learn. A coefficient cannot
    have the sign opposite to the feature's expected one; it is then 0. A null counts as the middle rank.
    """

    name: str = "ordinal_scorecard"
    features: tuple[str, ...] = ("*",)
    selection: Selection = Selection()
    bins: int = 50
    c: float = 0.5

    def __post_init__(self) -> None:
        _check_algorithm(self)
        _check_range(self.name, "bins", self.bins, low=2, high=1000)
        _check_range(self.name, "c", self.c, low=1e-6, high=1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scorecard:
    """Logistic regression on the weight of evidence of bins that optbinning makes monotonic in the expected direction.

    A feature has at most ``max_bins`` bins, each with at least ``min_bin_share`` of the rows. Nulls have a bin of their
    own. ``c`` is that of OrdinalScorecard.
    """

    name: str = "scorecard"
    features: tuple[str, ...] = ("*",)
    selection: Selection = Selection()
    max_bins: int = 4
    min_bin_share: float = 0.07
    c: float = 0.1

    def __post_init__(self) -> None:
        _check_algorithm(self)
        _check_range(self.name, "max_bins", self.max_bins, low=2, high=20)
        _check_range(self.name, "min_bin_share", self.min_bin_share, low=0.005, high=0.5)
        _check_range(self.name, "c", self.c, low=1e-6, high=1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientBoosting:
    """LightGBM with a monotone constraint on each feature with an expected sign.

    It runs in one thread, so it gives the same trees every time. There are ``trees`` trees with at most ``leaves``
    leaves, each of at least ``min_leaf_rows`` rows. Every tree is fitted on ``feature_share`` of the features and
    ``row_share`` of the rows, and is weighted by ``learning_rate``. ``l2`` shrinks the values of the leaves.
    ``extra_trees`` tries only one random cut per feature, which overfits small data sets less.
    """

    name: str = "boosting"
    features: tuple[str, ...] = ("*",)
    selection: Selection = Selection()
    trees: int = 200
    learning_rate: float = 0.03
    leaves: int = 4
    min_leaf_rows: int = 5
    feature_share: float = 0.5
    row_share: float = 0.7
    l2: float = 5.0
    extra_trees: bool = True

    def __post_init__(self) -> None:
        _check_algorithm(self)
        _check_range(self.name, "trees", self.trees, low=1, high=100_000)
        _check_range(self.name, "learning_rate", self.learning_rate, low=1e-4, high=1.0)
        _check_range(self.name, "leaves", self.leaves, low=2, high=1024)
        _check_range(self.name, "min_leaf_rows", self.min_leaf_rows, low=1, high=1_000_000)
        _check_range(self.name, "feature_share", self.feature_share, low=0.01, high=1.0)
        _check_range(self.name, "row_share", self.row_share, low=0.01, high=1.0)
        _check_range(self.name, "l2", self.l2, low=0.0, high=1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Blend:
    """The mean of the calibrated log-odds of algorithms declared before it, by ``weights`` (name to weight)."""

    name: str = "blend"
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types(self, where=f"algorithm {self.name}")
        check_name("algorithm", self.name)
        object.__setattr__(self, "weights", FrozenMap(self.weights))
        if len(self.weights) < 2 or any(weight <= 0 for weight in self.weights.values()):
            fix = "weights={'scorecard': 2, 'boosting': 1}"
            raise DeclarationError("a blend needs two algorithms with positive weights", where=self.name, fix=fix)


Fitted = OrdinalScorecard | Scorecard | GradientBoosting
Algorithm = Fitted | Blend


def check_algorithms(algorithms: tuple[Algorithm, ...], *, where: str) -> None:
    """DeclarationError unless names are distinct and a blend only names algorithms declared before it."""
    known: list[str] = []
    for algorithm in algorithms:
        if algorithm.name in known:
            raise DeclarationError(f"algorithm {algorithm.name} is declared twice", where=where, fix="set name=")
        if isinstance(algorithm, Blend):
            unknown = sorted(set(algorithm.weights) - set(known))
            if unknown:
                what = f"{algorithm.name} blends {unknown}, not declared before it"
                raise DeclarationError(what, where=where, fix=f"declared: {known}")
        known.append(algorithm.name)


def _check_algorithm(algorithm: Fitted) -> None:
    where = f"algorithm {algorithm.name}"
    check_types(algorithm, where=where)
    check_name("algorithm", algorithm.name)
    if not algorithm.features:
        raise DeclarationError("no feature is named", where=where, fix='features=("*",) takes all')
