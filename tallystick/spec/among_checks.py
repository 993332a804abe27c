"""Checks of rows of other tables among a group's own against the contracts of these tables.

Apart from ``among``, which declarations import: a condition is parsed only where its table is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.spec.among import ROW_OF, Among, table_name
from tallystick.spec.expressions import Node, parse_condition
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup
    from tallystick.spec.tables import TableContract

_HIDDEN = ("known_on", "loaded_on", "is_retracted")


def among_condition(among: Among, contract: TableContract, *, where: str = "") -> Node | None:
    """The parsed condition, None without one; DeclarationError where it does not fit the table."""
    columns = {c.name: c.type for c in contract.file_columns if c.name not in (*_HIDDEN, contract.entity)}
    return parse_condition(among.where, columns, where=where) if among.where else None


def check_among(group: FeatureGroup, own: Mapping[str, str], contracts: Mapping[str, TableContract]) -> None:
    """Refuse rows of a table that is unknown, is kept by another entity, stands there already or has no such columns.

    ``own`` are the columns of the group's table. Refused, too, with ``per``, by which the other table's rows have no
    owner.
    """
    names = [table_name(group.table)]
    for among in group.among:
        where = f"{group.where_text}, rows of {among.table}"
        if among.table not in contracts:
            fix = nearest_name(among.table, contracts)
            raise DeclarationError(f"unknown table {among.table}", where=where, fix=fix, texts=(among.table,))
        contract = contracts[among.table]
        if not (contract.event_at and contract.event_id and contract.known_on) or contract.entity != group.entity:
            what = f"{among.table} has no events of a {group.entity}"
            raise DeclarationError(what, where=where, fix="take a clean table of events of the same customers")
        if among.name in names:
            raise DeclarationError(f"rows of {among.name} stand there already", where=where, fix="join the conditions")
        names.append(among.name)
        among_condition(among, contract, where=f"{where}, where")
    if group.among and ROW_OF in own:
        raise DeclarationError(f"{group.table} has a column {ROW_OF} of its own", where=group.where_text)
    if group.among and group.per:
        what = f"rows of other tables belong to no {group.per}"
        raise DeclarationError(what, where=group.where_text, fix="declare a group without per")
