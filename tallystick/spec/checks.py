"""Checks of a feature group against the contracts of its tables.

What lives here: which columns a group's expressions may use, the types they have, and the refusal of what cannot be
computed. What must not: the expansion into columns, any computing.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import NUMERIC, Node, parse_condition, parse_expression
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.names import nearest_name
from tallystick.spec.ops import ANY, DATE, NUMBER
from tallystick.spec.tables import TableContract

# When a row was loaded or learned is the business of visibility alone; as a feature it would differ between a
# backfill and the daily run.
_HIDDEN = ("known_on", "loaded_on", "is_retracted")


def readable_columns(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> dict[str, str]:
    """The columns that the group's expressions may use, with their types: the table's and its lookups'."""
    where = group.where_text
    contract = _contract(group.table, contracts, where)
    for column in (group.entity, group.event_at, contract.event_id, contract.known_on):
        if column not in {c.name for c in contract.columns}:
            raise DeclarationError(f"{group.table} is not an event table", where=where, fix="it lacks entity or times")
    columns = {c.name: c.type for c in contract.file_columns if c.name not in (*_HIDDEN, group.entity)}
    for lookup in group.lookups:
        if lookup.on not in columns:
            raise DeclarationError(f"unknown column {lookup.on}", where=where, fix=nearest_name(lookup.on, columns))
        looked = {c.name: c.type for c in _contract(lookup.table, contracts, where).file_columns}
        for name in lookup.columns:
            if name not in looked or name in _HIDDEN:
                fix = nearest_name(name, looked)
                raise DeclarationError(f"{lookup.table} has no column {name}", where=where, fix=fix)
            if name in columns:
                raise DeclarationError(f"lookup of {name} hides a column of {group.table}", where=where)
            columns[name] = looked[name]
    return columns


def check_group(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> None:
    """Refuse a group whose columns, types, conditions or categories its tables do not have."""
    columns = readable_columns(group, contracts)
    if group.where:
        parse_condition(group.where, columns, where=f"{group.where_text}, where")
    for name, text in group.filters.items():
        parse_condition(text, columns, where=f"{group.where_text}, filter {name}")
    for category in group.by:
        kind = columns.get(category)
        if kind is None:
            fix = nearest_name(category, columns)
            raise DeclarationError(f"unknown column {category}", where=f"{group.where_text}, by", fix=fix)
        if kind != "string":
            raise DeclarationError(f"by {category} is {kind}", where=group.where_text, fix="categories are text")
    for measure in group.measures:
        _check_measure(group, measure, columns)


def value_type(group: FeatureGroup, measure: Measure, contracts: Mapping[str, TableContract]) -> str:
    """The type of a feature that is a value of the measure: ``double``, or ``int64`` also for booleans."""
    node = parse_expression(measure.value, readable_columns(group, contracts), where=group.where_text)
    return "double" if node.type == "double" else "int64"


def _check_measure(group: FeatureGroup, measure: Measure, columns: Mapping[str, str]) -> None:
    where = f"{group.where_text}, measure {measure.name}"
    if measure.where:
        parse_condition(measure.where, columns, where=f"{where}, where")
    if not measure.value:
        return
    node = parse_expression(measure.value, columns, where=f"{where}, value")
    for op in measure.parsed_ops:
        if not _takes(op.rule.takes, node):
            text = f"{op.token} of {node.type}"
            raise DeclarationError(f"{text} {measure.value!r} cannot be computed", where=where, fix=_advice(node))


def _takes(need: str, node: Node) -> bool:
    if need == NUMBER:
        return node.type in (*NUMERIC, "boolean")
    if need == DATE:
        return node.type == "date"
    return need != ANY or node.type not in ("null",)


def _advice(node: Node) -> str:
    if node.type == "date":
        return "age_days takes dates"
    return "text takes distinct, entropy, top_share, hhi, or by=" if node.type == "string" else "it takes numbers"


def _contract(name: str, contracts: Mapping[str, TableContract], where: str) -> TableContract:
    if name not in contracts:
        raise DeclarationError(f"unknown table {name}", where=where, fix=nearest_name(name, contracts))
    return contracts[name]
