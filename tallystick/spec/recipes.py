"""What one model is: label, observations, features, algorithms, score scale, policy and gates.

The declarations that ``recipes/<product>.py`` is written in. How a model is tested is declared in ``validation``, what
its pd leads to in ``policy``, how it is fitted in ``algorithms``; a recipe file needs this module and ``algorithms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tallystick.errors import DeclarationError, NotFound
from tallystick.spec.ablations import Ablation, ThinFile
from tallystick.spec.algorithms import Algorithm, check_algorithms
from tallystick.spec.field_types import check_types
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.names import check_name, nearest_name
from tallystick.spec.part_checks import check_sign
from tallystick.spec.policy import Band, Policy, Scale
from tallystick.spec.uses import PII_CLASSES, split_uses
from tallystick.spec.validation import Audit, Choice, Gates, Split

__all__ = [
    "Ablation",
    "Audit",
    "Band",
    "Choice",
    "Gates",
    "Policy",
    "Recipe",
    "RequestFeature",
    "Scale",
    "Split",
    "ThinFile",
    "Variant",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestFeature:
    """A feature that compares what is asked for with what is known: ``expression``, divided by ``per`` if given.

    Both are SQL expressions. They can read the columns of the observation's own row (docs/observations.md) and the
    features of the recipe's groups. The feature is null if either of them is null or if ``per`` is 0. Its column is
    ``request_<name>``, a double. ``sign`` is +1 if a higher value means more risk, -1 if it means less, 0 if this is
    unknown. ``reason`` is the text that a customer is told.
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
        where = f"request feature {self.name}"
        check_types(self, where=where)
        check_name("request feature", self.name)
        if not self.expression.strip() or not self.reason.strip():
            raise DeclarationError("expression and reason must not be empty", where=where)
        check_sign(where, self.sign)
        split_uses(self.permitted_use, where=where)
        if self.pii not in PII_CLASSES:
            raise DeclarationError(
                f"unknown PII class {self.pii}", where=where, fix=nearest_name(self.pii, PII_CLASSES)
            )

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"request_{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """Another label whose performance is reported beside that of the recipe's own; it never changes the model."""

    name: str
    label: str
    title: str

    def __post_init__(self) -> None:
        check_types(self, where=f"variant {self.name}")
        check_name("variant", self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One model from its features to its decisions.

    ``groups`` are names of feature groups, and ``observations`` is the name of an observation set. ``label`` is the
    name of a label; a recipe without a label computes features only. ``algorithms`` are in order of preference. Without
    a ``policy`` the model gives pd, score and reasons, but no decision and no limit. ``retrospective`` is a text for
    the report. Give it if the label is known only long after the event; say what the run therefore cannot claim. Leave
    it empty for an ordinary label. ``seed`` sets the random numbers of folds, boosting and bootstrap.

    Every feature of the groups must be permitted for ``permitted_use``. A feature that is made of a protected attribute
    (a column tagged so in its contract, such as gender or date of birth), or whose PII class is ``sensitive``, is
    refused unless ``allow_protected`` says why it is needed: name pattern to reason, which the model card and the
    report print. ``leave_out`` holds name patterns of features of the groups that the recipe does not use.

    ``also_scored`` are names of other observation sets that its champion scores, such as all customers each night. They
    need the features of the same groups, and the columns that the request features read.

    ``ablations`` are the dimensions whose worth is measured, for all observations and for those whose ``thin_file`` it
    declares (docs/ablation.md).
    """

    name: str
    title: str
    groups: tuple[str, ...]
    observations: str
    also_scored: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    allow_protected: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    label: str | None = None
    variants: tuple[Variant, ...] = ()
    request: tuple[RequestFeature, ...] = ()
    algorithms: tuple[Algorithm, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    thin_file: ThinFile | None = None
    split: Split = field(default_factory=Split)
    choice: Choice = field(default_factory=Choice)
    scale: Scale = field(default_factory=Scale)
    policy: Policy | None = None
    audit: Audit = field(default_factory=Audit)
    gates: Gates = field(default_factory=Gates)
    retrospective: str = ""
    permitted_use: str = "credit decisions"
    seed: int = 1
    version: int = 1

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        check_types(self, where=where)
        check_name("recipe", self.name)
        for name in (self.observations, *self.also_scored):
            check_name("observation set", name, where=where)
        if not self.groups:
            raise DeclarationError("no feature group is named", where=where)
        self._check_permissions(where)
        for kind, names in self._listed():
            if len(set(names)) != len(names):
                raise DeclarationError(f"a {kind} is named twice", where=where)
        check_algorithms(self.algorithms, where=where)
        if self.label is None:
            if self.algorithms or self.variants or self.policy or self.also_scored:
                raise DeclarationError("a recipe without a label trains nothing", where=where, fix="name a label")
        elif not self.algorithms:
            raise DeclarationError(
                "a recipe with a label needs algorithms", where=where, fix="algorithms=(Scorecard(),)"
            )

    def _check_permissions(self, where: str) -> None:
        if len(split_uses(self.permitted_use, where=where)) != 1:
            raise DeclarationError("a recipe is for one use", where=where, fix='permitted_use="credit decisions"')
        object.__setattr__(self, "allow_protected", FrozenMap(self.allow_protected))
        for pattern, reason in self.allow_protected.items():
            if not reason.strip():
                raise DeclarationError(f"no reason is given to use {pattern}", where=where, fix="say why, in words")
            if not pattern[:1].isalpha():
                # A pattern for all would permit what nobody has thought of.
                what = f"allow_protected names {pattern!r}, which says of no feature that it is needed"
                raise DeclarationError(what, where=where, fix="begin with the name of the group")

    def _listed(self) -> list[tuple[str, list[str]]]:
        return [
            ("feature group", list(self.groups)),
            ("scored observation set", [self.observations, *self.also_scored]),
            ("feature to leave out", list(self.leave_out)),
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

    @property
    def score_table(self) -> str:
        """The table of the scores of its observations, by this and other recipes."""
        return f"score.{self.observations}"

    def scoring(self, observations: str) -> Recipe:
        """The recipe as it scores a set that it names; its own where the name is empty. NotFound for any other."""
        name = observations or self.observations
        if name not in (self.observations, *self.also_scored):
            what = f"recipe {self.name} does not score observations {name}"
            raise NotFound(what, fix=f"also_scored=({name!r},) in the recipe")
        return self if name == self.observations else replace(self, observations=name, also_scored=())
