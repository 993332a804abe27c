"""What a feature is: groups of measures over windows, declared as frozen values.

The checks here need nothing but the declaration itself. ``checks`` holds it against its tables, ``columns`` expands it.

    FeatureGroup(
        name="txn", table="clean.transactions", owner="risk", windows=("30d", "6m", "all"),
        filters={"cash": "channel = 'cash'", "card": "channel = 'card'"},
        measures=(
            Measure(name="out", value="amount_minor", where="direction = 'out'", ops="count sum mean",
                    filters=("cash", "card"), unfiltered=True, reason="Spending on {filter} in {window}"),
        ),
        derived=(Share(name="cash", a="out_cash_sum", b="out_sum", reason="Share of spending in cash"),),
    )

makes ``txn_out_count_30d``, ``txn_out_cash_sum_6m``, ``txn_cash_share_all`` and so on: 3 filters x 3 ops x 3 windows
and 3 shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.among import Among
from tallystick.spec.combined import Combined
from tallystick.spec.declared_checks import check_bounded, check_life, check_measure, check_parts, check_windows
from tallystick.spec.field_types import check_types
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.geography import Distance, Gyration
from tallystick.spec.months import Months
from tallystick.spec.names import check_name
from tallystick.spec.ops import Op, parse_op
from tallystick.spec.part_checks import check_sign, check_version, split_names
from tallystick.spec.parts import declaring
from tallystick.spec.windows import Window, parse_window

# Of the k windows before, at least this many must have a value: below it a standard deviation says nothing.
LEAST_ZSCORE_WINDOWS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A family of columns: some ops over one value, for one or more filters or the values of one category.

    ``value`` and ``where`` are SQL expressions over the table's columns; ``value`` may stay empty for ops that count
    rows or days. With ``each``, an expression, too, the value is first summed for each value of it in the window, and
    the ops look at these sums (messages per contact); rows where ``each`` is null are left out. With ``top``, an
    expression, only the window's rows with the most frequent value of it count (the place of most nights); of equally
    frequent ones the value seen last. ``filters`` names filters of the group, one family of columns each;
    ``unfiltered`` adds the family without a filter, which is the only one where no filter is named. ``by`` names a
    category of the group: one column per declared value, and ``other`` for every other value and null. ``windows``
    replaces the group's windows. ``previous`` adds the window before each window. ``ops`` is a tuple or text separated
    by spaces. ``base`` is the length of the window before for operations that compare with it:
    ``[as_of - w - base, as_of - w)``; ``all`` is everything before, empty as long as the window. ``weekdays`` are the
    days of the week that make the series of a shift, Monday being 1; rows on other days are left out. Empty is all.
    ``reason`` is what a declined customer may be told; ``{filter}`` and ``{window}`` in it and in ``description`` are
    replaced by words. ``sign`` is +1 where a higher value means more risk, -1 where less, 0 where unknown. ``pii`` and
    ``permitted_use`` replace the group's; a derived feature has the strictest of what it is made of.

    Three fields are for a table that holds the columns already; derived features have them too. ``version`` is raised
    when the meaning changed though no text here did. ``replaces`` is the name that a measure or share had before. From
    business date ``retired_on`` on, nothing is computed.
    """

    name: str
    ops: str | tuple[str, ...]
    value: str = ""
    where: str = ""
    each: str = ""
    top: str = ""
    filters: tuple[str, ...] = ()
    unfiltered: bool = False
    by: str = ""
    windows: tuple[str, ...] = ()
    previous: bool = False
    base: str = ""
    weekdays: tuple[int, ...] = ()
    description: str = ""
    reason: str = ""
    sign: int = 0
    pii: str = ""
    permitted_use: str = ""
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None

    def __post_init__(self) -> None:
        with declaring("measure", self.name):
            self._check()

    def _check(self) -> None:
        check_types(self, where=f"measure {self.name}")
        object.__setattr__(self, "ops", split_names(self.ops))
        check_measure(self)

    @property
    def parsed_ops(self) -> tuple[Op, ...]:
        """The operations as values."""
        return tuple(parse_op(op, where=f"measure {self.name}") for op in self.ops)

    @property
    def filter_names(self) -> tuple[str, ...]:
        """The filters of this measure's families, ``""`` for the one without a filter."""
        return ("", *self.filters) if self.unfiltered or not self.filters else self.filters


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """``a / b`` in each window; null where b is null or 0. ``a`` and ``b`` are stems such as ``out_cash_sum``.

    ``windows`` empty means the windows of the measure of ``a``.
    """

    name: str
    a: str
    b: str
    windows: tuple[str, ...] = ()
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None

    def __post_init__(self) -> None:
        with declaring("share", self.name):
            _check_derived(f"share {self.name}", self)
            check_name("share", self.name)
            check_life(f"share {self.name}", self.version, name=self.name, replaces=self.replaces)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """The rate per day of ``of`` in ``window`` over its rate per day in ``against``; null where that is null or 0.

    A month counts its real days. ``of`` is a stem such as ``out_sum``, or several of them. Both windows end at as_of;
    ``apart`` lets ``against`` end where ``window`` begins, the customer's own level before: days with days, months with
    months.
    """

    of: str | tuple[str, ...]
    window: str
    against: str
    apart: bool = False
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    retired_on: date | None = None

    def __post_init__(self) -> None:
        where = f"ratio of {self.of}"
        _check_derived(where, self)
        window, against = parse_window(self.window), parse_window(self.against)
        if window == against and not self.apart:
            raise DeclarationError("a ratio needs two different windows", where=where)
        if window.is_all or against.is_all:
            raise DeclarationError("window all has no rate per day", where=where, fix="use days or months")
        if self.apart and window.unit != against.unit:
            what = f"against {against.text} and window {window.text} are of two units"
            raise DeclarationError(what, where=where, fix="hours with hours, days with days, or months with months")

    @property
    def windows(self) -> tuple[str, ...]:
        """Both windows, each once."""
        return tuple(dict.fromkeys((self.window, self.against)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """``(now - before) / |before|`` of each window against the window before it; null where before is null or 0.

    ``windows`` empty means the windows of the measure, without ``all``.
    """

    of: str | tuple[str, ...]
    windows: tuple[str, ...] = ()
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    retired_on: date | None = None

    def __post_init__(self) -> None:
        _check_derived(f"change of {self.of}", self)
        check_bounded(f"change of {self.of}", self.windows)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZScore:
    """``(now - mean) / std`` against the customer's own ``k`` windows before; std is the sample one.

    Windows whose value is null are left out; null with fewer than 3 left, or where std is 0.
    """

    of: str | tuple[str, ...]
    windows: tuple[str, ...]
    k: int
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    retired_on: date | None = None

    def __post_init__(self) -> None:
        where = f"zscore of {self.of}"
        _check_derived(where, self)
        check_bounded(where, self.windows)
        if not LEAST_ZSCORE_WINDOWS <= self.k <= 60:
            raise DeclarationError(f"k = {self.k} is out of range", where=where, fix=f"{LEAST_ZSCORE_WINDOWS} to 60")


Derived = Share | Ratio | Change | ZScore | Months | Distance | Gyration


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """Columns of another table, joined on ``on``: the row latest known at ``as_of``."""

    table: str
    on: str
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        check_types(self, where=f"lookup in {self.table}")
        if not self.columns:
            raise DeclarationError(f"lookup in {self.table} names no column", fix="columns=('unemployment_percent',)")


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureGroup:
    """Features of one clean table, computed in one pass and stored in one table ``feature.<name>``.

    ``filters`` maps a name to an SQL condition, ``by`` a category column to its declared values, ``words`` any of
    those names to the words a customer reads. ``where`` holds for every measure. Declaration order decides the order
    of columns and nothing else.

    ``per`` names the key of an observation set, such as ``loan_id``: then of the customer's rows only those count whose
    column of that name equals the observation's own key. Such a group is computed for sets with that key only.

    ``among`` names other tables whose rows stand among the group's own for LAG and LAST_VALUE to see.

    ``combined`` are features made of other features, of this group and of the groups ``beside`` it, which may read
    other tables. They are computed for the same observations; what a group beside stores itself does not matter.

    ``retired`` maps columns, named in full or by a pattern (``txn_*_7d``), to the business date from which they are no
    longer computed: declared ones, and those of the stored table whose window, filter or measure is gone from here.
    ``renamed`` maps a filter to the name it had before. ``basis`` stands for the declaration that the rows of the table
    are made by, where there is one: the project sets it for a table of a graph.
    """

    name: str
    table: str
    owner: str
    windows: tuple[str, ...]
    measures: tuple[Measure, ...]
    description: str = ""
    where: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    derived: tuple[Derived, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    among: tuple[Among, ...] = ()
    beside: tuple[FeatureGroup, ...] = ()
    combined: tuple[Combined, ...] = ()
    pii: str = "pseudonymous"
    permitted_use: str = "credit decisions"
    entity: str = "customer_id"
    event_at: str = "event_at"
    per: str = ""
    version: int = 1
    basis: str = ""
    retired: Mapping[str, date] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        for name in ("filters", "by", "words", "retired", "renamed"):
            object.__setattr__(self, name, FrozenMap(getattr(self, name)))
        check_parts(self)

    @property
    def where_text(self) -> str:
        """Where this group stands, for messages."""
        return f"{self.path}: group {self.name}" if self.path else f"group {self.name}"

    @property
    def reads(self) -> frozenset[str]:
        """The clean tables that its features are made of."""
        looked_up, among = (one.table for one in self.lookups), (one.table for one in self.among)
        return frozenset((self.table, *looked_up, *among)).union(*(other.reads for other in self.beside))

    @property
    def feature_table(self) -> str:
        """The table its features are stored in."""
        return f"feature.{self.name}"

    def check_key(self, key: str, *, where: str = "") -> None:
        """DeclarationError unless the group can be computed for observations that ``key`` tells apart."""
        if self.per and self.per != key:
            what = f"group {self.name} counts rows per {self.per}, the observations have the key {key}"
            raise DeclarationError(what, where=where or self.where_text, fix=f"a set with key={self.per!r}")

    def windows_of(self, measure: Measure) -> tuple[Window, ...]:
        """The windows of ``measure``, in declared order."""
        return tuple(parse_window(text) for text in measure.windows or self.windows)


def stems_of(of: str | tuple[str, ...]) -> tuple[str, ...]:
    """The stems that a derived feature names: text separated by spaces, or a tuple."""
    return split_names(of)


def _check_derived(where: str, derived: Share | Ratio | Change | ZScore) -> None:
    check_types(derived, where=where)
    check_sign(where, derived.sign)
    check_windows(where, derived.windows)
    check_version(where, derived.version)
