"""What a segmentation of customers is: whose spending is divided into which parts, and how segments are found and kept.

The declaration that ``recipes/<name>.py`` may hold beside recipes, and the contract of the table that it fills. Apart
from ``recipes`` because a segmentation predicts nothing: it has neither label nor score nor decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.names import check_name
from tallystick.spec.tables import Column, TableContract
from tallystick.spec.uses import split_uses

# Square roots make Euclidean distances of shares Hellinger distances (docs/segments.md); "none" leaves shares alone.
TRANSFORMATIONS = ("hellinger", "none")

# Whether a customer has a segment, and why not.
ASSIGNED, NO_SPENDING, LITTLE_ACTIVITY = STATUSES = ("assigned", "no_spending", "little_activity")

# More segments than this nobody can name or remember.
MOST_SEGMENTS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """Segments of customers by what they spend their money on.

    ``observations`` is a set of customers, such as all customers at each month end. ``parts`` maps columns of the
    feature group ``group`` to the word by which a segment is named: amounts whose shares of their own sum are compared.
    A null or negative amount counts as 0. A customer whose parts sum to 0 has no segment, and so has one whose column
    ``activity`` is null or below ``min_activity``: shares of few payments are chance.

    There are at least ``segments[0]`` and at most ``segments[1]`` segments: the largest number of which each segment is
    found again in models of two random halves of the customers (Jaccard similarity in the worse half, as a mean over
    ``repeats`` divisions, at least ``min_stability``) and has at least ``min_share`` of the customers. Where no number
    does, the most stable one is registered and does not come into force.

    A refit keeps the id of a segment whose centre moved less than ``keep_within`` of the way to the nearest other
    centre. ``fit_on`` is the business date whose observations are learned from, where a run names none; None is the
    newest. Each column must be permitted for every use in ``permitted_use``, and none may be made of a protected
    attribute or be sensitive.
    """

    name: str
    title: str
    observations: str
    group: str
    parts: Mapping[str, str]
    activity: str
    min_activity: int
    segments: tuple[int, int]
    description: str = ""
    transformation: str = "hellinger"
    keep_within: float = 0.5
    min_stability: float = 0.75
    min_share: float = 0.02
    repeats: int = 10
    fit_on: date | None = None
    permitted_use: str = "marketing, portfolio cuts"
    seed: int = 1
    version: int = 1
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        object.__setattr__(self, "parts", FrozenMap(self.parts))
        object.__setattr__(self, "segments", tuple(self.segments))
        for kind, name in (
            ("segmentation", self.name),
            ("observation set", self.observations),
            ("feature group", self.group),
        ):
            check_name(kind, name, where=self.where_text)
        self._check_parts()
        self._check_numbers()
        split_uses(self.permitted_use, where=self.where_text)

    def _check_parts(self) -> None:
        if len(self.parts) < 2:
            what = f"{len(self.parts)} parts are declared, and shares need two"
            raise DeclarationError(what, where=self.where_text, fix='parts={"<column>": "food", ...}')
        words = [word.strip() for word in self.parts.values()]
        if not all(words) or len(set(words)) != len(words):
            raise DeclarationError(
                "each part needs a word of its own", where=self.where_text, fix="segments are named by these words"
            )
        if self.transformation not in TRANSFORMATIONS:
            what = f"unknown transformation {self.transformation!r}"
            raise DeclarationError(what, where=self.where_text, fix=f"one of {', '.join(TRANSFORMATIONS)}")

    def _check_numbers(self) -> None:
        low, high = self.segments
        ranges = (
            (2 <= low <= high <= MOST_SEGMENTS, "segments", f"two numbers, such as (4, 8), from 2 to {MOST_SEGMENTS}"),
            (self.min_activity >= 0, "min_activity", "0 or more"),
            (0 < self.keep_within <= 0.5, "keep_within", "above 0, at most 0.5: beyond it another segment is nearer"),
            (0 <= self.min_stability <= 1, "min_stability", "0 to 1"),
            (0 <= self.min_share <= 1 / high, "min_share", f"0 to 1/{high}, so that {high} segments can have it"),
            (2 <= self.repeats <= 100, "repeats", "2 to 100"),
            (self.version >= 1, "version", "1, 2, 3"),
        )
        for is_right, name, fix in ranges:
            if not is_right:
                what = f"{name} = {getattr(self, name)} is out of range"
                raise DeclarationError(what, where=self.where_text, fix=fix)

    @property
    def where_text(self) -> str:
        """Where this segmentation stands, for messages."""
        return f"{self.path}: segmentation {self.name}" if self.path else f"segmentation {self.name}"

    @property
    def groups(self) -> tuple[str, ...]:
        """Its feature group, as a recipe names its groups."""
        return (self.group,)

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns that it reads, each once: the parts in declared order, and the activity."""
        return tuple(dict.fromkeys((*self.parts, self.activity)))

    @property
    def table(self) -> str:
        """The table of the customers' segments."""
        return f"segment.{self.name}"


def segment_contract(declared: Segmentation, *, owner: str = "customer-insight") -> TableContract:
    """The contract of ``segment.<name>``: the segment of each customer at each ``as_of``, null where there is none.

    A row says what the model in force at the time of the run made of the features as of ``as_of``. ``fitted_on`` after
    the date of ``as_of`` marks a backfill: the segments were found later than the customer is described.
    """
    columns = (
        Column(name="source", type="string", required=True, description="Name of the source, as in sources/."),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
        Column(name="period", type="string", required=True, description="Year or month of as_of."),
        Column(name="customer_id", type="string", required=True, pii="pseudonymous",
               description="The customer, as '<source>:<id>'."),
        Column(name="as_of", type="timestamp", required=True,
               description="The moment whose features the segment was taken from; nothing known later was used."),
        Column(name="status", type="string", required=True, values=STATUSES, pii="personal",
               description="Whether the customer has a segment, and why not."),
        Column(name="segment_id", type="string", pii="personal",
               description="Id of the segment, the same from one version of the model to the next; null without one."),
        Column(name="segment_name", type="string", pii="personal",
               description="Its name: what more of the money goes to than with all customers; null without a segment."),
        Column(name="distance", type="double", pii="personal",
               description="Distance to the segment's centre; null without a segment."),
        Column(name="second_distance", type="double", pii="personal",
               description="Distance to the next centre: little more than distance means between two segments."),
        Column(name="model_version", type="string", required=True,
               description="Registered name and version of the model, as '<name>/<version>'."),
        Column(name="fitted_on", type="date", required=True,
               description="Business date of the observations that the model learned from."),
        Column(name="run_id", type="string", required=True, description="The run that assigned the segment."),
    )  # fmt: skip
    return TableContract(
        name=declared.table,
        description=f"{declared.title}. Permitted for {declared.permitted_use}; not an input for credit decisions.",
        grain="one row per customer and as_of",
        owner=owner,
        columns=columns,
        key=("source", "customer_id", "as_of"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "as_of"),
        entity="customer_id",
        event_at="as_of",
        derived_from=(f"feature.{declared.group}",),
        path=declared.path,
    )
