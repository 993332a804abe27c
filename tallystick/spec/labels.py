"""What "bad" means: the label declarations a recipe chooses from.

Here are the definitions as frozen, validated values and the columns of a label table; ``label_checks`` holds them
against tables and observation sets. The cut-off date is no part of a definition: it is an argument of the stage.

A label is about one observation: 1 for bad, 0 for good, and null unless ``status`` is ``mature``:

    mature          the performance window was over at the cut-off; label is 0 or 1
    immature        the window was not over at the cut-off; such a row is never called good
    already_bad     it was bad when the window began at as_of: there is nothing left to predict
    indeterminate   the outcome is neither good nor bad by the definition
    excluded        the definition's ``where`` does not hold (null counts as not holding), or the schedule is unusable
    unobserved      there is a loan, but no outcome was known at the cut-off
    not_granted     there is no loan to observe
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.tables import Column, TableContract
from tallystick.spec.windows import Window, parse_window

STATUSES = ("mature", "immature", "already_bad", "indeterminate", "excluded", "unobserved", "not_granted")
ANCHORS = ("as_of", "grant", "first_due")
OCCURRENCES = ("ever", "end")

# A label of a loan finds it by the observation's own key, which is one of these columns of clean.loans.
LOAN_KEYS = ("application_id", "loan_id")

# When a row was loaded or known decides whether it is seen at all; a condition cannot read it.
HIDDEN_COLUMNS = ("known_on", "loaded_on", "is_retracted")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")

# The shortest calendar month: a window of days that holds fewer cannot hold a whole month of a schedule.
_SHORTEST_MONTH = 28


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeLabel:
    """Bad by an outcome column that somebody else decided, with the date on which it became known.

    Per application or loan (the key of the observation set, a column of ``table``) the latest observed outcome known at
    the cut-off counts, unless it was observed before the observation's own date. It is mature when the loan was at
    least ``min_months_on_book`` whole months old on the outcome's ``observed_on``. Outcomes in neither ``bad`` nor
    ``good`` are indeterminate. ``where`` is a condition on the outcome's row (``spec.expressions``); rows for which it
    is not true are excluded.
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
        _check_common(self)
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
        return ("clean.loans", self.table)

    @property
    def condition_table(self) -> str:
        """The table whose rows ``where`` is a condition on."""
        return self.table

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
    is not after the cut-off; until then the row is immature even if it went bad already: counting bads early and goods
    late would bias the bad rate. ``where`` is a condition on the row of clean.loans (``spec.expressions``).

    With ``anchor="as_of"`` the loan may be running, and late, when the window begins. From ``already_bad_dpd`` days
    past due at S on (0: as many as ``dpd``) it is ``already_bad`` and has no label.

    The two classics: ``DelinquencyLabel(name="first_payment_default", dpd=30, instalments=1, anchor="first_due",
    window="30d", occurs="end")`` and ``DelinquencyLabel(name="dpd90_mob6", dpd=90, window="6m", occurs="end")``.
    """

    name: str
    dpd: int = 30
    window: str = "90d"
    anchor: str = "grant"
    occurs: str = "ever"
    instalments: int = 0
    already_bad_dpd: int = 0
    lag_days: int = 0
    where: str = ""
    description: str = ""
    version: int = 1

    kind: ClassVar[str] = "delinquency"

    def __post_init__(self) -> None:
        _check_common(self)
        where = f"label {self.name}"
        _check_window(self.window, self.anchor, self.lag_days, where=where)
        if self.occurs not in OCCURRENCES:
            raise DeclarationError(
                f"unknown occurs {self.occurs!r}", where=where, fix=f"one of {OCCURRENCES}", texts=(self.occurs,)
            )
        if self.dpd < 1:
            raise DeclarationError("dpd must be at least 1 day", where=where)
        if self.instalments < 0:
            raise DeclarationError("instalments must not be negative", where=where)
        _check_already_bad("already_bad_dpd", self.already_bad_dpd, self.dpd, anchor=self.anchor, where=where)

    @property
    def span(self) -> Window:
        """The length of the performance window."""
        return parse_window(self.window)

    @property
    def bad_from_dpd(self) -> int:
        """The days past due at as_of from which on a loan is already bad."""
        return self.already_bad_dpd or self.dpd

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that the label stage needs for this definition."""
        return ("clean.loans", "clean.repayments")

    @property
    def condition_table(self) -> str:
        """The table whose rows ``where`` is a condition on."""
        return "clean.loans"

    @property
    def sentence(self) -> str:
        """The definition in words, for the report and the model card."""
        span = _span_words(self.span)
        when = f"at any time within {span}" if self.occurs == "ever" else f"at the end of {span}"
        text = f"bad = {self.dpd} or more days past due {when} from the {_ANCHOR_WORDS[self.anchor]}"
        if self.instalments:
            text += f", first {self.instalments} instalment(s) alone"
        if self.already_bad_dpd:
            text += f", loans {self.already_bad_dpd} or more days past due at as_of left out"
        return f"{text}, only where {self.where}" if self.where else text


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedMonthsLabel:
    """Bad when nothing was paid off in ``months`` consecutive months of the loan's own schedule.

    Month n of the schedule begins on the due date of instalment n and ends the day before instalment n + 1 is due (the
    last one a month after it was due). It is *missed* when more instalments are open at its end than were at its
    beginning: one fell due in it, and the payments made so far complete no further one. A part completes nothing, and
    an instalment that was paid ahead is not open. Who pays one instalment every month, however late, misses one month
    and no more.

    A month is judged at D, the due date of the next instalment: payments of local dates before D count. The label is 1
    when a run of ``months`` missed months ends at a D with S < D <= S + ``window``, S being the local date of the
    ``anchor``; the run may have begun before S. With ``anchor="as_of"`` a loan whose last ``already_bad_months`` months
    (0: as many as ``months``) before S were all missed is ``already_bad`` and has no label. A window in which no month
    ends has nothing to miss: the label is 0. Maturity, ``lag_days`` and ``where`` are those of DelinquencyLabel.
    """

    name: str
    months: int = 3
    window: str = "6m"
    anchor: str = "grant"
    already_bad_months: int = 0
    lag_days: int = 0
    where: str = ""
    description: str = ""
    version: int = 1

    kind: ClassVar[str] = "missed_months"

    def __post_init__(self) -> None:
        _check_common(self)
        where = f"label {self.name}"
        _check_window(self.window, self.anchor, self.lag_days, where=where)
        if self.months < 1:
            raise DeclarationError("months must be at least 1", where=where)
        whole = self.span.count if self.span.unit == "month" else self.span.count // _SHORTEST_MONTH
        if self.anchor != "as_of" and whole < self.months:
            what = f"{self.months} months do not end within {self.window} of the {_ANCHOR_WORDS[self.anchor]}"
            raise DeclarationError(what, where=where, fix="a longer window, or nobody can be bad")
        _check_already_bad("already_bad_months", self.already_bad_months, self.months, anchor=self.anchor, where=where)

    @property
    def span(self) -> Window:
        """The length of the performance window."""
        return parse_window(self.window)

    @property
    def bad_from_months(self) -> int:
        """The missed months in a row at as_of from which on a loan is already bad."""
        return self.already_bad_months or self.months

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that the label stage needs for this definition."""
        return ("clean.loans", "clean.repayments")

    @property
    def condition_table(self) -> str:
        """The table whose rows ``where`` is a condition on."""
        return "clean.loans"

    @property
    def sentence(self) -> str:
        """The definition in words, for the report and the model card."""
        run = "a missed month" if self.months == 1 else f"{self.months} consecutive missed months"
        text = f"bad = {run} within {_span_words(self.span)} from the {_ANCHOR_WORDS[self.anchor]}"
        if self.already_bad_months:
            text += f", loans with {self.already_bad_months} missed month(s) in a row at as_of left out"
        return f"{text}, only where {self.where}" if self.where else text


@dataclass(frozen=True, kw_only=True, slots=True)
class EventLabel:
    """Bad when something happened: a row of ``table`` in ``[as_of, as_of + window)`` that became known.

    A row counts when it is of the observation's customer, ``where`` is true of it (``spec.expressions``; null counts as
    not true), and it is in force on the cut-off. With ``per`` it must also have the observation's own key in the column
    ``per``, which has the name of the set's key: only what happened to that very loan or transfer counts. A row that
    the observation was made of never counts for itself.

    The window is exact to the microsecond and counted on the local wall clock as feature windows are: an event at
    ``as_of`` is in, one at ``as_of + window`` is not; months clamp; a time that does not exist moves forward, of one
    that exists twice the first counts. It is over on the first business date that begins at its end or later, and the
    label is mature ``lag_days`` after that. Good means that nothing of the kind is known; whatever is recorded late
    needs a ``lag_days`` that waits for it.
    """

    name: str
    table: str
    where: str = ""
    window: str = "90d"
    per: str = ""
    lag_days: int = 0
    description: str = ""
    version: int = 1

    kind: ClassVar[str] = "event"

    def __post_init__(self) -> None:
        _check_common(self)
        _check_window(self.window, "as_of", self.lag_days, where=f"label {self.name}")

    @property
    def span(self) -> Window:
        """The length of the performance window."""
        return parse_window(self.window)

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that the label stage needs for this definition."""
        return (self.table,)

    @property
    def condition_table(self) -> str:
        """The table whose rows ``where`` is a condition on."""
        return self.table

    @property
    def sentence(self) -> str:
        """The definition in words, for the report and the model card."""
        text = f"bad = a row of {self.table} within {_span_words(self.span)} from as_of"
        if self.per:
            text += f", of the same {self.per}"
        return f"{text}, only where {self.where}" if self.where else text


Label = OutcomeLabel | DelinquencyLabel | MissedMonthsLabel | EventLabel

_ANCHOR_WORDS = {"as_of": "as_of date", "grant": "grant date", "first_due": "first due date"}

LABEL_COLUMNS = (
    Column(name="observations", type="string", required=True, description="Name of the observation set."),
    Column(
        name="observation_id",
        type="string",
        required=True,
        pii="pseudonymous",
        description="The observation that is judged, by the set's own key.",
    ),
    Column(name="customer_id", type="string", required=True, pii="pseudonymous", description="The customer."),
    Column(name="as_of", type="timestamp", required=True, description="The instant of the observation, UTC."),
    Column(name="label", type="int32", pii="personal", description="1 bad, 0 good; null unless status is mature."),
    Column(name="status", type="string", required=True, values=STATUSES, description="Whether the label may be used."),
    Column(name="known_on", type="date", description="First business date that may learn from this label."),
    Column(name="window_from", type="date", description="First day of the performance window."),
    Column(
        name="window_to",
        type="date",
        description="First business date after the window, or day on which the outcome was observed.",
    ),
    Column(
        name="dpd",
        type="int32",
        pii="personal",
        description="Days past due that decided; null for labels that look at something else.",
    ),
    Column(name="definition", type="string", required=True, description="The definition in words."),
    Column(name="source", type="string", required=True, description="Supplier of the observation."),
    Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
    Column(name="period", type="string", required=True, description="Year or month of as_of."),
)


def label_contract(label: Label) -> TableContract:
    """The contract of the table ``label.<name>`` that holds this label's rows, of one observation set or of several."""
    return TableContract(
        name=f"label.{label.name}",
        description=f"{label.sentence[0].upper()}{label.sentence[1:]}.",
        grain="one row per observation",
        owner="risk",
        columns=LABEL_COLUMNS,
        key=("source", "observations", "observation_id", "as_of"),
        partition_by=("observations", "source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "observation_id"),
        entity="customer_id",
        derived_from=("clean.*",),
    )


def _check_common(label: Label) -> None:
    name, where = label.name, f"label {label.name}"
    check_types(label, where=where)
    if not _NAME.match(name):
        raise DeclarationError(f"label name {name!r} is not snake case", fix="such as dpd30_90d", texts=(name,))
    if label.version < 1:
        raise DeclarationError("version must be 1 or more", where=where)


def _check_window(window: str, anchor: str, lag_days: int, *, where: str) -> None:
    try:
        is_span = parse_window(window).unit in ("day", "month")
    except DeclarationError:
        is_span = False
    if not is_span:
        what = f"window {window!r} is not a span"
        raise DeclarationError(what, where=where, fix='such as "90d" or "6m"', texts=(window,))
    if anchor not in ANCHORS:
        raise DeclarationError(f"unknown anchor {anchor!r}", where=where, fix=f"one of {ANCHORS}", texts=(anchor,))
    if lag_days < 0:
        raise DeclarationError("lag_days must not be negative", where=where)


def _check_already_bad(field: str, value: int, bad: int, *, anchor: str, where: str) -> None:
    if not 0 <= value <= bad:
        raise DeclarationError(f"{field} = {value} is out of range", where=where, fix=f"1 to {bad}, or 0 for {bad}")
    if value and anchor != "as_of":
        raise DeclarationError(f"{field} looks at the loan at as_of", where=where, fix='anchor="as_of"')


def _span_words(span: Window) -> str:
    return f"{span.count} {span.unit}s"
