"""Checks of a feature group against the contracts of its tables: columns, types, categories, lookups.

Kept apart from ``features`` because a declaration is made before any contract is read, and from ``columns`` because
a check tells everything that is wrong where the expansion into columns needs everything to be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.spec.among import ROW_OF
from tallystick.spec.among_checks import check_among
from tallystick.spec.expressions import NUMERIC, Node, parse_condition, parse_expression
from tallystick.spec.names import nearest_name
from tallystick.spec.ops import ANY, DATE, NUMBER, WHOLE, WHOLE_DAY_OPS
from tallystick.spec.parts import declaring

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup, Lookup, Measure
    from tallystick.spec.tables import TableContract

# When a row was loaded or learned is the business of visibility alone; as a feature it would differ between a
# backfill and the daily run.
_HIDDEN = ("known_on", "loaded_on", "is_retracted")


def readable_columns(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> dict[str, str]:
    """The columns that the group's expressions may use, with their types: the table's and its lookups'."""
    columns, faults = _readable(group, contracts)
    if faults:
        raise faults[0]
    return columns


def check_group(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> None:
    """Refuse a group whose columns, types, conditions or categories its tables do not have."""
    faults = group_faults(group, contracts)
    if faults:
        raise faults[0]


def group_faults(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> list[DeclarationError]:
    """Everything in a group that does not fit its tables. What needs a table or lookup that is wrong is left out."""
    columns, faults = _readable(group, contracts)
    if faults:
        return faults
    for check in _checks(group, columns):
        try:
            check()
        except DeclarationError as error:
            faults.append(error)
    return faults


def _readable(
    group: FeatureGroup, contracts: Mapping[str, TableContract]
) -> tuple[dict[str, str], list[DeclarationError]]:
    where = group.where_text
    try:
        contract = _contract(group.table, contracts, where)
        _check_event_table(group, contract)
    except DeclarationError as error:
        return {}, [error]
    own = {c.name: c.type for c in contract.file_columns if c.name not in (*_HIDDEN, group.entity)}
    columns, faults = dict(own), []
    for lookup in group.lookups:
        try:
            place = f"{where}, lookup in {lookup.table}"
            added = _lookup_columns(lookup, own, contracts, entity=group.entity, where=place)
            for name in added:
                if name in columns:
                    raise DeclarationError(f"lookup of {name} hides a column of {group.table}", where=where)
            columns |= added
        except DeclarationError as error:
            faults.append(error)
    try:
        check_among(group, columns, contracts)
    except DeclarationError as error:
        faults.append(error)
    return columns | ({ROW_OF: "string"} if group.among else {}), faults


def _check_event_table(group: FeatureGroup, contract: TableContract) -> None:
    where, types = group.where_text, {c.name: c.type for c in contract.columns}
    needed = (group.entity, group.event_at, contract.event_id, contract.known_on)
    if contract.event_at and group.event_at not in types:
        instants = [name for name, kind in types.items() if kind == "timestamp"]
        what = f"event_at names {group.event_at}, which is no column of {group.table}"
        raise DeclarationError(what, where=where, fix=nearest_name(group.event_at, instants), texts=(group.event_at,))
    if not all(name in types for name in needed):
        raise DeclarationError(f"{group.table} is not an event table", where=where, fix="it lacks entity or times")
    if group.entity != contract.entity:
        # The rows of one value of another column lie in several buckets, and a task sees one bucket.
        what = f"entity {group.entity} is not what {group.table} is kept by"
        raise DeclarationError(what, where=where, fix=f"entity={contract.entity!r}, or per={group.entity!r}")
    if group.per and types.get(group.per) != "string":
        texts = [name for name, kind in types.items() if kind == "string"]
        what = f"per names {group.per}, which is no text column of {group.table}"
        raise DeclarationError(what, where=where, fix=nearest_name(group.per, texts))
    if types[group.event_at] != "timestamp":
        what = f"event_at {group.event_at} is a {types[group.event_at]}, not an instant"
        raise DeclarationError(what, where=where, fix="make a timestamp of it in the mapping")


def _lookup_columns(
    lookup: Lookup, own: Mapping[str, str], contracts: Mapping[str, TableContract], *, entity: str, where: str
) -> dict[str, str]:
    """The columns that a lookup adds. Refused unless ``on`` finds at most one object, whichever customer asks."""
    if lookup.on not in (*own, entity):
        raise DeclarationError(
            f"unknown column {lookup.on}", where=where, fix=nearest_name(lookup.on, own), texts=(lookup.on,)
        )
    contract = _contract(lookup.table, contracts, where)
    theirs = {c.name: c.type for c in contract.file_columns}
    if lookup.on not in theirs:
        what = f"{lookup.table} has no column {lookup.on}"
        raise DeclarationError(what, where=where, fix=nearest_name(lookup.on, theirs), texts=(lookup.on,))
    ours = own.get(lookup.on, "string")
    if theirs[lookup.on] != ours:
        what = f"{lookup.on} is {ours} here and {theirs[lookup.on]} in {lookup.table}"
        raise DeclarationError(what, where=where, fix="a lookup compares values of one type")
    keys = [name for name in (contract.event_id, contract.lookup_key) if name]
    if lookup.on not in keys:
        what = f"{lookup.on} does not tell the rows of {lookup.table} apart"
        fix = f"on={' or '.join(map(repr, keys))}" if keys else "the table declares no eventId"
        raise DeclarationError(what, where=where, fix=fix)
    if contract.entity not in ("", lookup.on):
        # A task sees the rows of its own bucket: those of the customer, but not of whom the event names besides.
        what = f"{lookup.table} is kept by {contract.entity}: rows of other customers would be missing"
        raise DeclarationError(what, where=where, fix="look up a table without an entity, or join it in the mapping")
    for name in lookup.columns:
        if name not in theirs or name in _HIDDEN:
            what = f"{lookup.table} has no column {name}"
            raise DeclarationError(what, where=where, fix=nearest_name(name, theirs), texts=(name,))
    return {name: theirs[name] for name in lookup.columns}


def _checks(group: FeatureGroup, columns: Mapping[str, str]) -> Iterator[Callable[[], object]]:
    """One check for each thing that a group declares, so that the first fault does not hide the others."""
    where = group.where_text
    if group.where:
        yield partial(parse_condition, group.where, columns, where=f"{where}, where", has_lag=True)
    for name, text in group.filters.items():
        place = f"{where}, filter {name}"
        yield declaring("filter", name)(partial(parse_condition, text, columns, where=place, has_lag=True))
    for category in group.by:
        yield partial(_check_category, category, columns, where=where)
    for measure in group.measures:
        yield declaring("measure", measure.name)(partial(_check_measure, group, measure, columns))


def _check_category(category: str, columns: Mapping[str, str], *, where: str) -> None:
    kind = columns.get(category)
    if kind is None:
        fix = nearest_name(category, columns)
        raise DeclarationError(f"unknown column {category}", where=f"{where}, by", fix=fix, texts=(category,))
    if kind != "string":
        raise DeclarationError(f"by {category} is {kind}", where=where, fix="categories are text")


def value_type(group: FeatureGroup, measure: Measure, contracts: Mapping[str, TableContract]) -> str:
    """The type of a feature that is a value of the measure: ``double``, or ``int64`` also for booleans."""
    node = parse_expression(measure.value, readable_columns(group, contracts), where=group.where_text, has_lag=True)
    return "double" if node.type == "double" else "int64"


def _check_measure(group: FeatureGroup, measure: Measure, columns: Mapping[str, str]) -> None:
    where = f"{group.where_text}, measure {measure.name}"
    if measure.where:
        parse_condition(measure.where, columns, where=f"{where}, where", has_lag=True)
    whole = [op.token for op in measure.parsed_ops if op.name in WHOLE_DAY_OPS]
    if group.among and whole:
        # Its days would begin with the first row of any table.
        what = f"{whole[0]} looks at whole days, and rows of other tables stand among those of {group.table}"
        raise DeclarationError(what, where=where, fix="declare it in a group of its own")
    if measure.top and parse_expression(measure.top, columns, where=f"{where}, top", has_lag=True).type == "null":
        raise DeclarationError("top is null in every row", where=where, fix="top='cell_id'")
    if not measure.value:
        return
    if measure.each and parse_expression(measure.each, columns, where=f"{where}, each", has_lag=True).type == "null":
        raise DeclarationError("each is null in every row", where=where, fix="each='counterpart_id'")
    node = parse_expression(measure.value, columns, where=f"{where}, value", has_lag=True)
    for op in measure.parsed_ops:
        if not _takes(op.rule.takes, node):
            text = f"{op.token} of {node.type}"
            what = f"{text} {measure.value!r} cannot be computed"
            raise DeclarationError(what, where=where, fix=_advice(node), texts=(measure.value,))


def _takes(need: str, node: Node) -> bool:
    if need == NUMBER:
        return node.type in (*NUMERIC, "boolean")
    if need == WHOLE:
        return node.type in ("int64", "boolean")
    if need == DATE:
        return node.type == "date"
    return need != ANY or node.type not in ("null",)


def _advice(node: Node) -> str:
    if node.type == "date":
        return "age_days takes dates"
    return "text takes distinct, entropy, top_share, hhi, or by=" if node.type == "string" else "it takes numbers"


def _contract(name: str, contracts: Mapping[str, TableContract], where: str) -> TableContract:
    if name not in contracts:
        raise DeclarationError(f"unknown table {name}", where=where, fix=nearest_name(name, contracts), texts=(name,))
    return contracts[name]
