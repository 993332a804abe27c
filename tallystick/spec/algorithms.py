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
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.names import check_name


def _check_range(where: str, field_name: str, value: float, *, low: float, high: float) -> None:
    if not low <= value <= high:
        raise DeclarationError(f"{field_name} = {value} is out of range", where=where, fix=f"{low} to {high}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which of an algorithm's candidates it keeps, decided again inside every training part.

    In this order: drop what is null in more than ``max_missing`` of the rows or constant; drop an information value
    (over ``bins`` quantile bins) below ``min_iv``; with ``drop_against_sign``, drop what points against its expected
    sign, if it has one (coefficients that are bound to their signs see to that with all features in view); drop what
    does not separate in the same direction in every vintage that has enough rows of both classes, by an AUC of at
    least 0.5 + ``min_vintage_gap``; then, strongest first, drop what correlates (by rank, absolute) above
    ``max_correlation`` with one kept before, and stop at ``max_features``.
    """

    max_missing: float = 0.6
    min_iv: float = 0.02
    bins: int = 5
    drop_against_sign: bool = True
    min_vintage_gap: float = 0.0
    max_correlation: float = 0.8
    max_features: int = 20

    def __post_init__(self) -> None:
        _check_range("selection", "max_missing", self.max_missing, low=0.0, high=1.0)
        _check_range("selection", "min_iv", self.min_iv, low=0.0, high=10.0)
        _check_range("selection", "bins", self.bins, low=2, high=50)
        _check_range("selection", "min_vintage_gap", self.min_vintage_gap, low=0.0, high=0.5)
        _check_range("selection", "max_correlation", self.max_correlation, low=0.0, high=1.0)
        _check_range("selection", "max_features", self.max_features, low=1, high=1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdinalScorecard:
    """Each feature cut into up to ``bins`` quantile bins, each bin valued by its mid-rank; ridge logistic regression.

    ``c`` is the inverse strength of the ridge on standardised columns, as in scikit-learn. A coefficient cannot take
    the sign against the feature's expected one, so a feature that only fits noise ends at 0. A null counts as the
    middle rank.
    """

    name: str = "ordinal_scorecard"
    features: tuple[str, ...] = ("*",)
    selection: Selection = Selection()
    bins: int = 50
    c: float = 0.5

    def __post_init__(self) -> None:
        _check_algorithm(self.name, self.features)
        _check_range(self.name, "bins", self.bins, low=2, high=1000)
        _check_range(self.name, "c", self.c, low=1e-6, high=1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scorecard:
    """Monotonic bins by optbinning in the direction of the expected sign, weight of evidence, logistic regression.

    At most ``max_bins`` bins of at least ``min_bin_share`` of the rows; nulls have a bin of their own. ``c`` as above.
    """

    name: str = "scorecard"
    features: tuple[str, ...] = ("*",)
    selection: Selection = Selection()
    max_bins: int = 4
    min_bin_share: float = 0.07
    c: float = 0.1

    def __post_init__(self) -> None:
        _check_algorithm(self.name, self.features)
        _check_range(self.name, "max_bins", self.max_bins, low=2, high=20)
        _check_range(self.name, "min_bin_share", self.min_bin_share, low=0.005, high=0.5)
        _check_range(self.name, "c", self.c, low=1e-6, high=1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientBoosting:
    """LightGBM with a monotone constraint wherever a sign is expected. Single-threaded: the same trees every time.

    ``trees`` of ``leaves`` leaves, each of at least ``min_leaf_rows`` rows; every tree sees ``feature_share`` of the
    features and ``row_share`` of the rows and counts by ``learning_rate``. ``l2`` shrinks the leaves' values;
    ``extra_trees`` tries one random cut per feature, which makes small sets overfit less.
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
        _check_algorithm(self.name, self.features)
        _check_range(self.name, "trees", self.trees, low=1, high=100_000)
        _check_range(self.name, "learning_rate", self.learning_rate, low=1e-4, high=1.0)
        _check_range(self.name, "leaves", self.leaves, low=2, high=1024)
        _check_range(self.name, "min_leaf_rows", self.min_leaf_rows, low=1, high=1_000_000)
        _check_range(self.name, "feature_share", self.feature_share, low=0.01, high=1.0)
        _check_range(self.name, "row_share", self.row_share, low=0.01, high=1.0)
        _check_range(self.name, "l2", self.l2, low=0.0, high=1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Blend:
    """The mean of the calibrated log-odds of other algorithms, by ``weights`` (name to weight)."""

    name: str = "blend"
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
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


def _check_algorithm(name: str, features: tuple[str, ...]) -> None:
    check_name("algorithm", name)
    if not features:
        raise DeclarationError("no feature is named", where=f"algorithm {name}", fix='features=("*",) takes all')
