"""What "bad" means: the label declarations a recipe chooses from.

What lives here: the definitions as frozen, validated values and the columns of a label table. What must not: Spark,
storage, dates of a run (the cut-off is an argument of the stage).

A label is about one application: 1 for bad, 0 for good, and null unless ``status`` is ``mature``:

    mature          the performance window was over at the cut-off; label is 0 or 1
    immature        the window was not over at the cut-off; such a row is never called good
    indeterminate   the outcome is neither good nor bad by the definition
    excluded        the definition's ``where`` does not hold (null counts as not holding), or the schedule is unusable
    unobserved      there is a loan, but no outcome was known at the cut-off
    not_granted     there is no loan to observe
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import sqlglot

from tallystick.errors import DeclarationError
from tallystick.spec.tables import Column, TableContract

STATUSES = ("mature", "immature", "indeterminate", "excluded", "unobserved", "not_granted")
ANCHORS = ("application", "grant", "first_due")
OCCURRENCES = ("ever", "end")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
_WINDOW = re.compile(r"([1-9][0-9]*)([dm])\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeLabel:
    """Bad by an outcome column that somebody else decided, with the date on which it became known.

    Per application the latest observed outcome known at the cut-off counts. It is mature when the loan was at least
    ``min_months_on_book`` whole months old on the outcome's ``observed_on``. Outcomes in neither ``bad`` nor ``good``
    are indeterminate. ``where`` is an SQL condition on the outcome's row; rows for which it is not true are excluded.
    """

    name: str
    table: str = "clean.outcomes"
    column: str = "outcome"
    bad: tuple[str, ...] = ("bad",)
    good: tuple[str, ...] = ("good",)
    where: str = ""
    min_months_on_book: int = 24
    description: str = ""
    version: int = 1

    kind: ClassVar[str] = "outcome"

    def __post_init__(self) -> None:
        _check_common(self.name, self.where, self.version)
        if not self.bad or not self.good:
            raise DeclarationError("both bad and good need at least one outcome", where=f"label {self.name}")
        both = sorted(set(self.bad) & set(self.good))
        if both:
            raise DeclarationError(f"outcomes {both} are declared both bad and good", where=f"label {self.name}")
        if self.min_months_on_book < 0:
            raise DeclarationError("min_months_on_book is negative", where=f"label {self.name}", fix="0 or more")
        # The order in which outcomes are listed has no meaning: one spelling, so equal meanings are equal values.
        object.__setattr__(self, "bad", tuple(sorted(set(self.bad))))
        object.__setattr__(self, "good", tuple(sorted(set(self.good))))

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that the label stage needs for this definition."""
        return ("clean.applications", "clean.loans", self.table)

    @property
    def sentence(self) -> str:
        """The definition in words, for the report and the model card."""
        text = f"bad = {self.column} in ({', '.join(self.bad)}), good = {self.column} in ({', '.join(self.good)})"
        text += f" of {self.table}, at least {self.min_months_on_book} months on book when observed"
        return f"{text}, only where {self.where}" if self.where else text


@dataclass(frozen=True, kw_only=True, slots=True)
class DelinquencyLabel:
    """Bad by days past due (dpd), from the instalment schedule in clean.loans and the payments in clean.repayments.

    ``dpd(D)`` is what is known at the start of business date D: payments of local dates before D count, and dpd is the
    number of days from the due date of the oldest instalment that they do not fully cover to D; 0 when every
    instalment due before D is covered. The performance window starts on the local date of the ``anchor`` (S) and lasts
    ``window`` ("90d" or "6m", months clamp); it is judged at the dates S < D <= S + window, which look at payments in
    [S, S + window) and before. ``occurs="ever"``: bad when dpd(D) >= ``dpd`` on any of them; ``"end"``: on the last one
    only. ``instalments`` looks at the first so many instalments alone (0: all). Mature when S + window + ``lag_days``
    is not after the cut-off; until then the row is immature even if it went bad already, since counting bads early and
    goods late would bend the bad rate. ``where`` is an SQL condition on the row of clean.loans.

    The two classics: ``DelinquencyLabel(name="first_payment_default", dpd=30, instalments=1, anchor="first_due",
    window="30d", occurs="end")`` and ``DelinquencyLabel(name="dpd90_mob6", dpd=90, window="6m", occurs="end")``.
    """

    name: str
    dpd: int = 30
    window: str = "90d"
    anchor: str = "grant"
    occurs: str = "ever"
    instalments: int = 0
    lag_days: int = 0
    where: str = ""
    description: str = ""
    version: int = 1

    kind: ClassVar[str] = "delinquency"

    def __post_init__(self) -> None:
        _check_common(self.name, self.where, self.version)
        where = f"label {self.name}"
        if not _WINDOW.match(self.window):
            raise DeclarationError(f"window {self.window!r} is not a span", where=where, fix='such as "90d" or "6m"')
        if self.anchor not in ANCHORS:
            raise DeclarationError(f"unknown anchor {self.anchor!r}", where=where, fix=f"one of {ANCHORS}")
        if self.occurs not in OCCURRENCES:
            raise DeclarationError(f"unknown occurs {self.occurs!r}", where=where, fix=f"one of {OCCURRENCES}")
        if self.dpd < 1:
            raise DeclarationError("dpd must be at least 1 day", where=where)
        if self.instalments < 0 or self.lag_days < 0:
            raise DeclarationError("instalments and lag_days must not be negative", where=where)

    @property
    def window_length(self) -> tuple[int, str]:
        """The window as (count, unit); the unit is ``d`` for days or ``m`` for calendar months."""
        match = _WINDOW.match(self.window)
        if match is None:
            raise DeclarationError(f"window {self.window!r} is not a span", where=f"label {self.name}")
        return int(match[1]), match[2]

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that the label stage needs for this definition."""
        return ("clean.applications", "clean.loans", "clean.repayments")

    @property
    def sentence(self) -> str:
        """The definition in words, for the report and the model card."""
        count, unit = self.window_length
        span = f"{count} {'days' if unit == 'd' else 'months'}"
        when = f"at any time within {span}" if self.occurs == "ever" else f"at the end of {span}"
        text = f"bad = {self.dpd} or more days past due {when} from the {self.anchor.replace('_', ' ')} date"
        if self.instalments:
            text += f", first {self.instalments} instalment(s) alone"
        return f"{text}, only where {self.where}" if self.where else text


Label = OutcomeLabel | DelinquencyLabel

LABEL_COLUMNS = (
    Column(
        name="application_id",
        type="string",
        required=True,
        pii="pseudonymous",
        description="The application that is judged.",
    ),
    Column(name="customer_id", type="string", required=True, pii="pseudonymous", description="Who applied."),
    Column(name="as_of", type="timestamp", required=True, description="Observation point: when they applied."),
    Column(name="label", type="int32", pii="personal", description="1 bad, 0 good; null unless status is mature."),
    Column(name="status", type="string", required=True, values=STATUSES, description="Whether the label may be used."),
    Column(name="known_on", type="date", description="First business date that may learn from this label."),
    Column(name="window_from", type="date", description="First day of the performance window."),
    Column(
        name="window_to", type="date", description="Day after the window, or day on which the outcome was observed."
    ),
    Column(
        name="dpd", type="int32", pii="personal", description="Days past due that decided; null for outcome labels."
    ),
    Column(name="definition", type="string", required=True, description="The definition in words."),
    Column(name="source", type="string", required=True, description="Supplier of the application."),
    Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
    Column(name="period", type="string", required=True, description="Period of the application."),
)


def label_contract(label: Label) -> TableContract:
    """The contract of the table ``label.<name>`` that holds this label's rows."""
    return TableContract(
        name=f"label.{label.name}",
        description=f"{label.sentence[0].upper()}{label.sentence[1:]}.",
        grain="one row per application",
        owner="risk",
        columns=LABEL_COLUMNS,
        key=("source", "application_id"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "application_id"),
        entity="customer_id",
        derived_from=label.tables,
    )


def _check_common(name: str, where: str, version: int) -> None:
    if not _NAME.match(name):
        raise DeclarationError(f"label name {name!r} is not snake case", fix="such as dpd30_90d")
    if version < 1:
        raise DeclarationError("version must be 1 or more", where=f"label {name}")
    if not where:
        return
    try:
        parsed = sqlglot.parse_one(where, read="spark")
    except sqlglot.errors.SqlglotError as error:
        raise DeclarationError(f"where is not an SQL condition: {where}", where=f"label {name}") from error
    if parsed.find(sqlglot.exp.Select) is not None:
        raise DeclarationError("where must be a condition on one row, without a query", where=f"label {name}")
