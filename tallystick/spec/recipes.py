"""What one model is: label, observations, features, algorithms, score scale, policy and gates.

What lives here: the declarations that ``recipes/<product>.py`` is written in, and the contract of the training table.
What must not: fitting, storage, numbers learned from data.

Money is in minor units of the policy's currency; pd is a probability of 0 to 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.algorithms import Algorithm, check_algorithms
from tallystick.spec.names import check_name
from tallystick.spec.tables import Column, TableContract

DECISIONS = ("approve", "refer")

# Columns of an application that a request feature may read, with their types.
REQUEST_COLUMNS = {"amount_minor": "int64", "term_months": "int64", "instalment_minor": "int64", "purpose": "string"}

_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestFeature:
    """A feature of what is asked for, held against what is known: ``expression``, divided by ``per`` where given.

    Both are SQL expressions (``spec.expressions``) over REQUEST_COLUMNS and the feature columns of the recipe's
    groups. Null where either is null or ``per`` is 0. The column is called ``request_<name>``, a double. ``sign`` is +1
    where a higher value means more risk, -1 where less, 0 where unknown.
    """

    name: str
    expression: str
    per: str = ""
    description: str = ""
    reason: str = ""
    sign: int = 0
    pii: str = "pseudonymous"
    permitted_use: str = "credit decisions"

    def __post_init__(self) -> None:
        check_name("request feature", self.name)
        where = f"request feature {self.name}"
        if not self.expression.strip() or not self.reason.strip():
            raise DeclarationError("expression and reason must not be empty", where=where)
        if self.sign not in (-1, 0, 1):
            raise DeclarationError(f"sign {self.sign} is not a sign", where=where, fix="+1, -1 or 0")

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"request_{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """Another label, for which performance is reported beside the recipe's own; it never changes the model."""

    name: str
    label: str
    title: str

    def __post_init__(self) -> None:
        check_name("variant", self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ablation:
    """One line of the ablation table: the champion trained without the columns that match ``drop``.

    ``drop`` holds name patterns (``orders_*``); ``drop_assumed`` also drops every column made of a table whose rows
    have no dates of their own.
    """

    name: str
    title: str
    drop: tuple[str, ...] = ()
    drop_assumed: bool = False

    def __post_init__(self) -> None:
        check_name("ablation", self.name)
        if not self.drop and not self.drop_assumed:
            raise DeclarationError(
                "an ablation drops something", where=f"ablation {self.name}", fix='drop=("orders_*",)'
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """The out-of-time test: labelled observations whose local date is ``test_from`` or later.

    Without ``test_from``, the newest ``test_share`` of them, cut between two dates. ``folds`` and ``repeats`` are for
    the cross-validation inside a training part, stratified by label and never splitting a customer.
    """

    test_from: date | None = None
    test_share: float = 0.25
    folds: int = 5
    repeats: int = 3

    def __post_init__(self) -> None:
        if not 0.0 < self.test_share < 1.0:
            raise DeclarationError(
                f"test_share = {self.test_share} is out of range", where="split", fix="above 0, below 1"
            )
        if not 2 <= self.folds <= 20 or not 1 <= self.repeats <= 50:
            raise DeclarationError("folds or repeats out of range", where="split", fix="2 to 20 folds, 1 to 50 repeats")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which algorithm becomes the model: by out-of-fold AUC in the older part alone, never by the test.

    Of those within ``tolerance`` of the best, the one declared first, so declare the simplest first.
    """

    tolerance: float = 0.01

    def __post_init__(self) -> None:
        if not 0.0 <= self.tolerance <= 0.5:
            raise DeclarationError(f"tolerance = {self.tolerance} is out of range", where="choice", fix="0 to 0.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """score = clip(offset + factor * ln((1 - pd) / pd), 0, 100): ``base_score`` at good:bad odds of ``base_odds``,
    and ``pdo`` points more where the odds double.
    """

    base_score: float = 60.0
    base_odds: float = 10.0
    pdo: float = 8.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.base_score <= 100.0 or self.base_odds <= 0.0 or self.pdo <= 0.0:
            raise DeclarationError("a scale needs base_score in 0..100 and positive base_odds and pdo", where="scale")

    @property
    def factor(self) -> float:
        """Points per unit of ln(odds)."""
        return self.pdo / math.log(2.0)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.base_score - self.factor * math.log(self.base_odds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Applications with pd below ``pd_below`` (and not below the band before) get ``decision`` and ``limit_minor``."""

    pd_below: float
    decision: str
    limit_minor: int

    def __post_init__(self) -> None:
        if not 0.0 < self.pd_below <= 1.0:
            raise DeclarationError(
                f"pd_below = {self.pd_below} is out of range", where="band", fix="above 0, at most 1"
            )
        if self.decision not in DECISIONS:
            raise DeclarationError(f"unknown decision {self.decision}", where="band", fix=f"one of {DECISIONS}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a pd leads to: ``bands`` by rising pd; a pd below none of them is declined with limit 0.

    Limits lie in ``limit_min_minor`` to ``limit_max_minor`` and do not rise with risk.
    """

    currency: str
    limit_min_minor: int
    limit_max_minor: int
    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise DeclarationError(f"{self.currency!r} is not a currency code", where="policy", fix="such as CNY")
        if not 0 < self.limit_min_minor <= self.limit_max_minor:
            raise DeclarationError("limits need 0 < min <= max", where="policy")
        edges = [band.pd_below for band in self.bands]
        limits = [band.limit_minor for band in self.bands]
        if not edges or edges != sorted(set(edges)):
            raise DeclarationError("bands must rise in pd_below", where="policy")
        if limits != sorted(limits, reverse=True):
            raise DeclarationError("limits must not rise with risk", where="policy")
        if not all(self.limit_min_minor <= limit <= self.limit_max_minor for limit in limits):
            what = f"a limit outside {self.limit_min_minor} to {self.limit_max_minor}"
            raise DeclarationError(what, where="policy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """Thresholds of the leakage audit: the AUC that a feature alone, or its gaps alone, may reach; the sample size."""

    max_auc: float = 0.95
    max_missing_auc: float = 0.9
    sample: int = 50

    def __post_init__(self) -> None:
        if not 0.5 <= self.max_auc <= 1.0 or not 0.5 <= self.max_missing_auc <= 1.0:
            raise DeclarationError("an AUC threshold is out of range", where="audit", fix="0.5 to 1")
        if self.sample < 1:
            raise DeclarationError("the sample is empty", where="audit", fix="sample=50")


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """What a model must reach before it may become champion, on the out-of-time test.

    ``min_auc``; the slope of a logistic regression of the outcome on the predicted log-odds inside
    ``calibration_slope``; a PSI of the score, train against test, of at most ``max_psi``; at least ``min_bad`` bad rows
    in the test, so that the AUC says something.
    """

    min_auc: float = 0.6
    calibration_slope: tuple[float, float] = (0.3, 3.0)
    max_psi: float = 0.5
    min_bad: int = 5

    def __post_init__(self) -> None:
        low, high = self.calibration_slope
        if not 0.5 <= self.min_auc <= 1.0 or not 0.0 <= low < high or self.max_psi <= 0.0 or self.min_bad < 1:
            raise DeclarationError("a gate is out of range", where="gates", fix="see spec/recipes.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One model from its features to its decisions.

    ``groups`` are feature groups by name and ``observations`` is the name of an observation set. ``label`` names a
    label; None makes a recipe that ends with its features. ``algorithms`` stand in order of preference.
    ``retrospective`` says, in words for the report, that the label is known only long after the fact and what the run
    therefore cannot claim; empty for an ordinary label.
    ``permitted_use`` is what features must be permitted for. ``seed`` decides folds, boosting and bootstrap.
    """

    name: str
    title: str
    groups: tuple[str, ...]
    observations: str
    description: str = ""
    label: str | None = None
    variants: tuple[Variant, ...] = ()
    request: tuple[RequestFeature, ...] = ()
    algorithms: tuple[Algorithm, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    split: Split = Split()
    choice: Choice = Choice()
    scale: Scale = Scale()
    policy: Policy | None = None
    audit: Audit = Audit()
    gates: Gates = Gates()
    retrospective: str = ""
    permitted_use: str = "credit decisions"
    seed: int = 1
    version: int = 1

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        check_name("recipe", self.name)
        check_name("observation set", self.observations, where=where)
        if not self.groups:
            raise DeclarationError("no feature group is named", where=where)
        for kind, names in self._listed():
            if len(set(names)) != len(names):
                raise DeclarationError(f"a {kind} is named twice", where=where)
        check_algorithms(self.algorithms, where=where)
        if self.label is None:
            if self.algorithms or self.variants or self.policy:
                raise DeclarationError("a recipe without a label trains nothing", where=where, fix="name a label")
        elif not self.algorithms or self.policy is None:
            raise DeclarationError("a recipe with a label needs algorithms and a policy", where=where)

    def _listed(self) -> list[tuple[str, list[str]]]:
        return [
            ("feature group", list(self.groups)),
            ("request feature", [feature.name for feature in self.request]),
            ("variant", [variant.name for variant in self.variants]),
            ("ablation", [ablation.name for ablation in self.ablations]),
        ]

    @property
    def is_retrospective(self) -> bool:
        """True when the label is only known long after the fact."""
        return bool(self.retrospective)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label it needs: its own first, then those of its variants; empty without a label."""
        return tuple(dict.fromkeys([self.label, *(v.label for v in self.variants)])) if self.label else ()

    @property
    def training_table(self) -> str:
        """The table of the rows its model learned from."""
        return f"training.{self.name}"


def training_contract(recipe: Recipe, features: Sequence[str], *, owner: str = "risk-engineering") -> TableContract:
    """The contract of ``training.<recipe>``: one row per labelled application, with the vector the model learned from.

    ``part`` is train or test by date; ``pd_out_of_fold`` is the pd of a model of the older part that had not seen the
    row (null in the test part), ``pd_out_of_time`` that of the older part's model for test rows (null in train).
    """
    keys = (
        Column(name="source", type="string", required=True, description="Name of the source, as in sources/."),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
        Column(name="period", type="string", required=True, description="Year or month of as_of."),
        Column(name="application_id", type="string", required=True, description="The application.", pii="pseudonymous"),
        Column(name="customer_id", type="string", required=True, description="The customer.", pii="pseudonymous"),
        Column(name="as_of", type="timestamp", required=True, description="The instant of the observation, UTC."),
        Column(name="label", type="int32", required=True, description="1 bad, 0 good.", pii="personal"),
        Column(
            name="part", type="string", required=True, values=("train", "test"), description="By date: older, newer."
        ),
        Column(
            name="pd_out_of_fold", type="double", description="Pd by a model that had not seen the row.", pii="personal"
        ),
        Column(name="pd_out_of_time", type="double", description="Pd by the older part's model.", pii="personal"),
    )
    return TableContract(
        name=recipe.training_table,
        description=f"What the model {recipe.name} learned from",
        grain="one row per labelled application",
        owner=owner,
        columns=(
            *keys,
            *(Column(name=name, type="double", description="Feature.", pii="personal") for name in features),
        ),
        key=("source", "application_id"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "application_id"),
        entity="customer_id",
        event_at="as_of",
        derived_from=("feature.*", f"label.{recipe.label}", "clean.applications"),
    )
