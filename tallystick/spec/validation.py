"""How a model is tested before it may decide: the split, the choice among algorithms, the leakage audit, the gates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types

METHODS = ("time", "random_by_customer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Which labelled observations the model is tested on, and which it may learn from before that test.

    ``method="time"`` is the ordinary method. The test set holds the observations whose local date is ``test_from`` or
    later. Without ``test_from`` it holds about the newest ``test_share`` of all observations, cut between two dates.
    The training set holds the older observations whose label was known on the first day of the test. Two kinds of older
    observations are left out: those whose label became known later, and those whose label window overlaps that of a
    test observation with the same ``observation_id``. A ``retrospective`` recipe keeps the first kind.

    ``method="random_by_customer"`` is for a cross-section, in which all observations have one ``as_of``. The test set
    holds about ``test_share`` of the customers, drawn with the recipe's seed. A customer stays in the same set when
    rows are added. Such a test says nothing about how the ranking holds over time.

    ``folds`` and ``repeats`` are those of the cross-validation inside the training set. It is stratified by label, and
    all rows of a customer are in one fold.
    """

    method: str = "time"
    test_from: date | None = None
    test_share: float = 0.25
    folds: int = 5
    repeats: int = 3

    def __post_init__(self) -> None:
        check_types(self, where="split")
        if self.method not in METHODS:
            raise DeclarationError(f"unknown method {self.method!r}", where="split", fix=f"one of {METHODS}")
        if self.test_from is not None and not self.is_by_time:
            raise DeclarationError("a random split has no test_from", where="split", fix="test_share=0.25")
        if not 0.0 < self.test_share < 1.0:
            raise DeclarationError(
                f"test_share = {self.test_share} is out of range", where="split", fix="above 0, below 1"
            )
        if not 2 <= self.folds <= 20 or not 1 <= self.repeats <= 50:
            raise DeclarationError("folds or repeats out of range", where="split", fix="2 to 20 folds, 1 to 50 repeats")

    @property
    def is_by_time(self) -> bool:
        """Whether the test is newer than what the tested model learned from."""
        return self.method == "time"

    @property
    def test_rows(self) -> str:
        """What metrics call the rows of the test: ``out_of_time``, or ``held_out`` when they were drawn at random."""
        return "out_of_time" if self.is_by_time else "held_out"

    @property
    def sentence(self) -> str:
        """The split in words, for the report and the model card."""
        if self.is_by_time:
            return "By time: tested on newer observations than the tested model learned from"
        share = f"{self.test_share:.0%} of the customers"
        return f"At random by customer: tested on {share}, which says nothing about how the ranking holds over time"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which algorithm becomes the model, by its out-of-fold AUC on the training set; the test set is never used.

    Of the algorithms whose AUC is within ``tolerance`` of the best, the one declared first is chosen. So declare the
    simplest first.
    """

    tolerance: float = 0.01

    def __post_init__(self) -> None:
        check_types(self, where="choice")
        if not 0.0 <= self.tolerance <= 0.5:
            raise DeclarationError(f"tolerance = {self.tolerance} is out of range", where="choice", fix="0 to 0.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """Thresholds of the leakage audit (docs/audit.md).

    ``max_auc`` is the highest AUC that one feature alone may have. ``max_missing_auc`` is the same for two facts about
    a feature: that it is null, and that it has its most frequent value. ``max_joint_auc`` is the highest
    cross-validated AUC of all features together, and of the features of each table and each group. Set it a little
    above the best AUC that is published for such data. ``sample`` is the number of observations whose features are
    computed again from the rows visible at ``as_of``, ``snapshots`` the number of snapshots that are built again of
    each graph whose features the recipe uses.
    """

    max_auc: float = 0.95
    max_missing_auc: float = 0.9
    max_joint_auc: float = 0.95
    sample: int = 50
    snapshots: int = 3

    def __post_init__(self) -> None:
        check_types(self, where="audit")
        for name in ("max_auc", "max_missing_auc", "max_joint_auc"):
            if not 0.5 <= getattr(self, name) <= 1.0:
                raise DeclarationError(f"the AUC threshold {name} is out of range", where="audit", fix="0.5 to 1")
        if self.sample < 1:
            raise DeclarationError("the sample is empty", where="audit", fix="sample=50")
        if self.snapshots < 1:
            raise DeclarationError("no snapshot is looked at", where="audit", fix="snapshots=3")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """What a model must reach on its test set before it becomes champion, the model that scores.

    The AUC is at least ``min_auc``. The calibration slope (of a logistic regression of the outcome on the predicted
    log-odds) lies in the range ``calibration_slope``. The PSI of the score between training and test set is at most
    ``max_psi``. The test set has at least ``min_bad`` bad rows; with fewer, an AUC means little.
    """

    min_auc: float = 0.6
    calibration_slope: tuple[float, float] = (0.3, 3.0)
    max_psi: float = 0.5
    min_bad: int = 5

    def __post_init__(self) -> None:
        check_types(self, where="gates")
        low, high = self.calibration_slope
        if not 0.5 <= self.min_auc <= 1.0 or not 0.0 <= low < high or self.max_psi <= 0.0 or self.min_bad < 1:
            raise DeclarationError("a gate is out of range", where="gates", fix="see docs/recipes.md")
