"""When an observation counts as fraud: by what the bank confirmed of its customer, as known on a date.

Apart from ``labels``, which judge what a borrower paid: confirmed fraud is late, has gaps, and is never refuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import parse_number
from tallystick.spec.field_types import check_types
from tallystick.spec.names import nearest_name
from tallystick.spec.observations import ObservationSet
from tallystick.spec.tables import TableContract

# The columns of a table of confirmed cases.
CASE_COLUMNS = ("kind", "role", "began_on")


@dataclass(frozen=True, kw_only=True, slots=True)
class FraudLabel:
    """How the observations of a set count as fraud.

    An observation is fraud if its customer is in a confirmed case of one of ``kinds`` in one of ``roles``, and the
    local date of as_of lies between ``lead_days`` before the case began and the day it was confirmed, both included.
    Where nobody knows when it began, it counts as begun ``unknown_days`` before it was confirmed. An observation after
    a confirmed case is neither fraud nor clean: the bank knows. Any other is clean. Observations are judged once
    ``maturity_days`` have passed by the cut-off; cases are found late, and some never are, so "clean" has errors.

    ``table`` holds the cases. ``value`` is what is at stake in an observation, a number over the set's own columns;
    empty for nothing that can be counted.
    """

    observations: str
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    table: str = "clean.fraud_reports"
    lead_days: int = 0
    unknown_days: int = 90
    maturity_days: int = 180
    value: str = ""
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        for name in ("kinds", "roles"):
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))
            if not getattr(self, name):
                raise DeclarationError(f"{name} is empty", where=self.where_text, fix="name those that count")
        for name in ("lead_days", "unknown_days", "maturity_days"):
            if getattr(self, name) < 0:
                raise DeclarationError(f"{name} is negative", where=self.where_text, fix="0 or more days")

    @property
    def name(self) -> str:
        """The name of the set: a set has one label of fraud."""
        return self.observations

    @property
    def where_text(self) -> str:
        """Where this label stands, for messages."""
        text = f"fraud label of {self.observations}"
        return f"{self.path}: {text}" if self.path else text

    def check(self, observations: Mapping[str, ObservationSet], contracts: Mapping[str, TableContract]) -> None:
        """DeclarationError where the set, the table, a kind, a role or the value do not exist or do not fit."""
        where = self.where_text
        if self.observations not in observations:
            fix = nearest_name(self.observations, observations)
            raise DeclarationError(f"unknown observation set {self.observations}", where=where, fix=fix)
        if self.table not in contracts:
            fix = nearest_name(self.table, contracts)
            raise DeclarationError(f"unknown table {self.table}", where=where, fix=fix)
        contract = contracts[self.table]
        known = {column.name: column for column in contract.columns}
        if lacking := [name for name in CASE_COLUMNS if name not in known]:
            raise DeclarationError(f"{self.table} has no column {lacking[0]}", where=where, fix="a table of cases")
        for column, names in (("kind", self.kinds), ("role", self.roles)):
            for name in names:
                if known[column].values and name not in known[column].values:
                    fix = nearest_name(name, known[column].values)
                    raise DeclarationError(f"{self.table} has no {column} {name}", where=where, fix=fix)
        if self.value:
            parse_number(self.value, observations[self.observations].own_columns(contracts), where=where)
