"""Checks of a label against the contracts of its tables.

Kept apart from ``labels`` because a label is declared before any contract is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import parse_condition
from tallystick.spec.labels import HIDDEN_COLUMNS, Label, OutcomeLabel
from tallystick.spec.names import nearest_name
from tallystick.spec.tables import TableContract


def check_label(label: Label, contracts: Mapping[str, TableContract]) -> None:
    """DeclarationError where the label's tables, columns or condition do not exist or do not fit."""
    where = f"label {label.name}"
    for name in label.tables:
        if name not in contracts:
            raise DeclarationError(f"there is no table {name}", where=where, fix="see schemas/")
    types = _readable(contracts[label.condition_table])
    if isinstance(label, OutcomeLabel):
        _check_column(label.column, "string", types, table=label.table, where=f"{where}, column")
        _check_column("observed_on", "date", types, table=label.table, where=where)
    if label.where:
        parse_condition(label.where, types, where=f"{where}, where")


def _readable(contract: TableContract) -> dict[str, str]:
    return {column.name: column.type for column in contract.file_columns if column.name not in HIDDEN_COLUMNS}


def _check_column(name: str, kind: str, types: Mapping[str, str], *, table: str, where: str) -> None:
    if name not in types:
        raise DeclarationError(f"{table} has no column {name}", where=where, fix=nearest_name(name, types))
    if types[name] != kind:
        raise DeclarationError(f"{table}.{name} is {types[name]}, not {kind}", where=where)
