"""A set of observations as one run makes it: the declaration, its tables and the run's dates. It travels to tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import Node, parse_condition
from tallystick.spec.observations import OF_OPEN, OF_ROWS, Customers, ObservationSet
from tallystick.spec.tables import TableContract


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservationSpec:
    """Which observations a run makes.

    ``tables`` maps each clean table they are drawn from to its event_id column; given observations stand in files under
    the one name in it. ``first`` and ``last`` are inclusive business dates of ``as_of``; None is no bound. ``known_by``
    leaves out every row known later, as if the run had been made on that date. ``columns`` are columns of the set's own
    table that each observation shall carry. ``condition`` is the set's ``where``, parsed.
    """

    declared: ObservationSet
    tables: Mapping[str, str]
    first: date | None = None
    last: date | None = None
    known_by: date | None = None
    columns: tuple[str, ...] = ()
    condition: Node | None = None

    def __post_init__(self) -> None:
        where = self.declared.where_text
        if isinstance(self.declared.population, Customers) and (self.first is None or self.last is None):
            raise DeclarationError("customers are observed from a first to a last date", where=where, fix="--from --to")
        if isinstance(self.declared.population, OF_OPEN) and self.last is None:
            what = f"{self.kind.replace('_', ' ')} are observed up to a last date"
            raise DeclarationError(what, where=where, fix="say --to")

    @classmethod
    def of(
        cls,
        declared: ObservationSet,
        contracts: Mapping[str, TableContract],
        *,
        first: date | None = None,
        last: date | None = None,
        known_by: date | None = None,
        columns: Iterable[str] = (),
    ) -> ObservationSpec:
        """The set over its tables; DeclarationError where it does not fit them."""
        declared.check(contracts)
        text = declared.population.where if isinstance(declared.population, OF_ROWS) else ""
        where = f"{declared.where_text}, where"
        return cls(
            declared=declared,
            tables={name: contracts[name].event_id for name in declared.tables},
            first=first,
            last=last,
            known_by=known_by,
            columns=tuple(columns),
            condition=parse_condition(text, declared.condition_columns(contracts), where=where) if text else None,
        )

    @property
    def name(self) -> str:
        """The name of the set, as tables hold it in ``observations``."""
        return self.declared.name

    @property
    def kind(self) -> str:
        """The kind of the set."""
        return self.declared.kind
