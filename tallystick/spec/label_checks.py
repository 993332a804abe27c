"""Checks of a label against the contracts of its tables, and against the observation set it is used with."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import parse_condition
from tallystick.spec.labels import HIDDEN_COLUMNS, LOAN_KEYS, EventLabel, Label, OutcomeLabel
from tallystick.spec.names import nearest_name
from tallystick.spec.observations import CUSTOMER, OF_OPEN, ObservationSet
from tallystick.spec.tables import TableContract


def check_label(label: Label, contracts: Mapping[str, TableContract]) -> None:
    """DeclarationError where the label's tables, columns or condition do not exist or do not fit."""
    where = f"label {label.name}"
    for name in label.tables:
        if name not in contracts:
            raise DeclarationError(f"there is no table {name}", where=where, fix="see schemas/")
    contract = contracts[label.condition_table]
    types = condition_columns(contract)
    if isinstance(label, OutcomeLabel):
        _check_column(label.column, "string", types, table=label.table, where=f"{where}, column")
        _check_column("observed_on", "date", types, table=label.table, where=where)
    if isinstance(label, EventLabel):
        _check_events(label, contract, types, where=where)
    if label.where:
        parse_condition(label.where, types, where=f"{where}, where")


def check_label_of(label: Label, observations: ObservationSet, contracts: Mapping[str, TableContract]) -> None:
    """DeclarationError where the label cannot be told of the set's observations. Both are fit by themselves."""
    where = f"label {label.name} of observation set {observations.name}"
    key = observations.key
    if isinstance(label, EventLabel):
        if label.per and label.per != key:
            what = f"per={label.per!r} is not the set's key, which is {key}"
            raise DeclarationError(what, where=where, fix=f"per={key!r}, or no per: every row of the customer counts")
        if label.per and label.table == observations.table:
            what = f"the only row of {label.table} with the observation's {key} is the observation itself"
            raise DeclarationError(what, where=where, fix="leave out per")
        return
    if key not in LOAN_KEYS:
        what = f"the label is about a loan, and observations by {key} have none"
        raise DeclarationError(what, where=where, fix=f"an EventLabel, or a set whose key is {' or '.join(LOAN_KEYS)}")
    if isinstance(label, OutcomeLabel):
        _check_column(key, "string", condition_columns(contracts[label.table]), table=label.table, where=where)
    elif isinstance(observations.population, OF_OPEN) and label.anchor != "as_of":
        what = f"the window begins at the {label.anchor.replace('_', ' ')} date, before loans of the set are observed"
        raise DeclarationError(what, where=where, fix='anchor="as_of"')


def _check_events(label: EventLabel, contract: TableContract, types: Mapping[str, str], *, where: str) -> None:
    if contract.entity != CUSTOMER or not (contract.event_id and contract.event_at and contract.known_on):
        what = f"{label.table} has no customer's events, so nothing can happen to anybody in it"
        raise DeclarationError(what, where=where, fix="a clean table with customer_id, id and times")
    if contract.column(contract.event_at).type != "timestamp":
        what = f"{label.table} says on which day things happened, not when"
        raise DeclarationError(what, where=where, fix=f"make {contract.event_at} an instant")
    if label.per:
        _check_column(label.per, "string", types, table=label.table, where=f"{where}, per")


def condition_columns(contract: TableContract) -> dict[str, str]:
    """The columns of a table that a label's condition may read, with their types."""
    return {column.name: column.type for column in contract.file_columns if column.name not in HIDDEN_COLUMNS}


def _check_column(name: str, kind: str, types: Mapping[str, str], *, table: str, where: str) -> None:
    if name not in types:
        raise DeclarationError(f"{table} has no column {name}", where=where, fix=nearest_name(name, types))
    if types[name] != kind:
        raise DeclarationError(f"{table}.{name} is {types[name]}, not {kind}", where=where)
