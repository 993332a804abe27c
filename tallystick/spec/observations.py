"""Who is observed, and when: the declarations that ``observations/<name>.py`` is written in.

An observation is ``(observation_id, customer_id, as_of)``. ``as_of`` is the instant it stands for, ``observation_id``
the value of the set's ``key``, which tells apart what one customer has several of: applications, loans, transfers.
Features, labels, training and score tables all carry these three columns and the name of the set.

    ObservationSet(name="applications", key="application_id", population=Rows(table="clean.applications"))
    ObservationSet(name="book", key="loan_id", population=MonthEnds(table="clean.loans", closed_on="closed_on"))
    ObservationSet(name="nightly", key="loan_id", population=Nights(table="clean.loans", where="mob < term_months"))
    ObservationSet(name="daily", key="customer_id", population=Customers(tables=("clean.accounts",)))

``tallystick.observations`` draws the observations from rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.names import check_name, nearest_name
from tallystick.spec.populations import (
    OF_EVENTS,
    OF_OPEN,
    OF_ROWS,
    Customers,
    Given,
    MonthEnds,
    Nights,
    Nodes,
    Population,
    Rows,
    RowsAfter,
    RowsAtMidnight,
)
from tallystick.spec.tables import TableContract

__all__ = [
    "CUSTOMER",
    "MOB",
    "OBSERVATION_COLUMNS",
    "OF_OPEN",
    "OF_ROWS",
    "Customers",
    "Given",
    "MonthEnds",
    "Nights",
    "Nodes",
    "ObservationSet",
    "Population",
    "Rows",
    "RowsAfter",
    "RowsAtMidnight",
]

# The columns of an observation, in the order in which every table holds them.
OBSERVATION_COLUMNS = ("observation_id", "customer_id", "as_of")

CUSTOMER = "customer_id"

# What the condition of MonthEnds and Nights may read beside the table's columns: whole months since the row's event_at.
MOB = "mob"

# A review that comes later is another decision; the windows of minutes before it have grown old.
MOST_REVIEW_DAYS = 31

# When a row was loaded or known decides whether it is seen at all; it is never a value.
_HIDDEN = ("known_on", "loaded_on", "is_retracted")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservationSet:
    """A named set of observations: who is observed, when, and by which ``key`` one observation is told from another.

    ``name`` stands in the column ``observations`` of every table that holds the set. ``key`` is the event id of the
    table that is observed (Rows, RowsAfter, RowsAtMidnight, MonthEnds, Nights), ``customer_id`` for Customers and
    Nodes, and a column of the file for Given; its value is ``observation_id``. ``version`` is raised when the meaning
    changed though nothing else here did.

    ``review_days`` is for events that are not decided on at once (Rows, RowsAfter, Given): so many days after the local
    date of ``as_of`` somebody looks at them. Rows still count only if they happened before ``as_of``, but those that
    became known up to that date do, each in the version in force on it.
    """

    name: str
    key: str
    population: Population
    description: str = ""
    version: int = 1
    review_days: int = 0
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        check_name("observation set", self.name)
        check_name("key", self.key, where=self.where_text)
        if self.kind in (Customers.kind, Nodes.kind) and self.key != CUSTOMER:
            what = f"key {self.key} does not name a customer"
            raise DeclarationError(what, where=self.where_text, fix=f"key={CUSTOMER!r}")
        if self.version < 1:
            raise DeclarationError(f"version {self.version} is not a version", where=self.where_text, fix="1, 2, 3")
        if not 0 <= self.review_days <= MOST_REVIEW_DAYS:
            what = f"review_days = {self.review_days} is out of range"
            raise DeclarationError(what, where=self.where_text, fix=f"0 to {MOST_REVIEW_DAYS}")
        if self.review_days and self.at_midnight:
            what = "a midnight stands for the decisions of its own day, so it is not reviewed later"
            raise DeclarationError(what, where=self.where_text, fix="review_days for events (Rows, RowsAfter, Given)")

    @property
    def where_text(self) -> str:
        """Where this set stands, for messages."""
        return f"{self.path}: observation set {self.name}" if self.path else f"observation set {self.name}"

    @property
    def meaning(self) -> str:
        """16 hex digits that stand for who is observed, when, and by which key; names and words do not count.

        Neither do the dates that a run takes when it names none.
        """
        population: Population = self.population
        if isinstance(population, (Customers, Nights)):
            population = replace(population, days=1)
        # Sets without a review keep the meaning that stored days have.
        review = {"review_days": self.review_days} if self.review_days else {}
        return fingerprint({"key": self.key, "population": population, "version": self.version, **review})

    @property
    def kind(self) -> str:
        """The kind of its population: ``rows``, ``rows_after``, ``month_ends``, ``customers`` and so on."""
        return self.population.kind

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that observations are drawn from, by name; none for Given."""
        return self.population.tables

    @property
    def table(self) -> str:
        """The one table whose rows are observed and whose columns belong to them; empty for kinds without one."""
        return self.population.table if isinstance(self.population, OF_ROWS) else ""

    @property
    def by_event(self) -> bool:
        """Whether a row makes an observation on the date of its own event, whenever it became known."""
        return isinstance(self.population, OF_EVENTS)

    @property
    def microseconds_after(self) -> int:
        """How long after its event an observation of it stands: RowsAfter sees the event itself."""
        return 1 if isinstance(self.population, RowsAfter) else 0

    @property
    def at_midnight(self) -> bool:
        """Whether every ``as_of`` is a local midnight."""
        return not isinstance(self.population, (Rows, RowsAfter, Given))

    @property
    def is_drawn_whole(self) -> bool:
        """Whether its tables alone say all its observations up to a date; else a run's dates or its file do, too."""
        return isinstance(self.population, (*OF_ROWS, Nodes))

    @property
    def is_one_instant(self) -> bool:
        """Whether all its observations have one ``as_of``: a cross-section."""
        return isinstance(self.population, Nodes) and len(self.population.dates) == 1

    @property
    def by_customer(self) -> bool:
        """Whether the key is the customer, so that ``observation_id`` and ``customer_id`` are the same."""
        return self.key == CUSTOMER

    def last_reviewed(self, loaded: date | None) -> date | None:
        """The last business date whose review is over with the load of ``loaded``; None where nothing is reviewed later
        or nothing is loaded.
        """
        return loaded - timedelta(days=self.review_days) if self.review_days and loaded else None

    def count_dates(self, first: date, last: date) -> int:
        """On how many business dates from ``first`` to ``last`` one row or customer can be observed (an event: 1)."""
        population: Population = self.population
        if isinstance(population, Nodes):
            return sum(first <= day <= last for day in population.dates)
        if isinstance(population, MonthEnds):
            begun = (last.year - first.year) * 12 + last.month - first.month
            return begun + (first.day == 1)
        return (last - first).days + 1 if isinstance(population, (Customers, Nights)) else 1

    def own_columns(self, contracts: Mapping[str, TableContract]) -> dict[str, str]:
        """The columns of its own table that request features may read, with their types; none without such a table.

        All that its rows hold but the customer, the key itself, the columns that decide whether a row is seen, and what
        is called as a column of the observation.
        Their values are those of the version the observation rests on: the one decided on for Rows and RowsAtMidnight,
        the one in force at ``as_of`` for MonthEnds and Nights.
        """
        if not self.table:
            return {}
        contract = _contract(self.table, contracts, self.where_text)
        hidden = (*_HIDDEN, *OBSERVATION_COLUMNS, contract.entity, contract.event_id)
        return {column.name: column.type for column in contract.file_columns if column.name not in hidden}

    def check(self, contracts: Mapping[str, TableContract]) -> None:
        """DeclarationError where its tables, key, columns or condition do not exist or do not fit."""
        for name in self.tables:
            contract = _contract(name, contracts, self.where_text)
            if contract.entity != CUSTOMER or not (contract.event_id and contract.event_at and contract.known_on):
                what = f"{name} has no customer's events, so nobody can be observed by it"
                raise DeclarationError(what, where=self.where_text, fix="a clean table with customer_id, id and times")
        if not self.table:
            return
        contract = contracts[self.table]
        if self.key != contract.event_id:
            what = f"key {self.key} does not tell the rows of {self.table} apart"
            raise DeclarationError(what, where=self.where_text, fix=f"key={contract.event_id!r}")
        if isinstance(self.population, OF_OPEN):
            self._check_open(self.population, contract)
        if isinstance(self.population, OF_ROWS) and self.population.where:
            types = self.condition_columns(contracts)
            # Not at the top: whoever reads features by these columns' names needs no reader of SQL, which takes longer.
            from tallystick.spec.expressions import parse_condition

            parse_condition(self.population.where, types, where=f"{self.where_text}, where")

    def condition_columns(self, contracts: Mapping[str, TableContract]) -> dict[str, str]:
        """The columns that ``where`` may read, with their types."""
        mob = {MOB: "int64"} if isinstance(self.population, OF_OPEN) else {}
        return {**self.own_columns(contracts), **mob}

    def _check_open(self, population: MonthEnds | Nights, contract: TableContract) -> None:
        types = {column.name: column.type for column in contract.file_columns if column.name not in _HIDDEN}
        if population.closed_on and types.get(population.closed_on) != "date":
            known = [name for name, kind in types.items() if kind == "date"]
            what = f"closed_on names {population.closed_on}, which is no date column of {contract.name}"
            raise DeclarationError(what, where=self.where_text, fix=nearest_name(population.closed_on, known))
        if MOB in types:
            what = f"{contract.name} has a column {MOB} of its own"
            raise DeclarationError(what, where=self.where_text, fix="give the column another name")


def _contract(name: str, contracts: Mapping[str, TableContract], where: str) -> TableContract:
    if name not in contracts:
        raise DeclarationError(f"unknown table {name}", where=where, fix=nearest_name(name, contracts), texts=(name,))
    return contracts[name]
