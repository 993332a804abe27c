"""The columns of combined features: from an expression over features to a column with its type.

Kept apart from ``derived_columns``, whose columns are made of aggregates over windows; these are made of columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.spec.combined import Combined
from tallystick.spec.expressions import NUMERIC, Node, columns_used, parse_expression
from tallystick.spec.parts import declaring
from tallystick.spec.uses import strictest_of

if TYPE_CHECKING:
    from tallystick.spec.bases import FeatureColumn
    from tallystick.spec.features import FeatureGroup

COMBINED = "combined"


def combined_columns(
    group: FeatureGroup, own: Iterable[FeatureColumn], beside: Iterable[FeatureColumn]
) -> Iterator[FeatureColumn]:
    """One column for each combined feature, in declared order; each may read those before it.

    ``own`` are the columns of the group, ``beside`` those of the groups beside it. A column whose type only contracts
    know counts as a double, and what reads it has no type either. DeclarationError for an unknown or retired name, for
    a text or a date, for an expression that reads no feature, and for a name that is taken.
    """
    known = {column.name: column for column in (*own, *beside) if column.retired_on is None}
    taken = {column.name for column in own}
    for declared in group.combined:
        with declaring(COMBINED, declared.name):
            column = _column(group, declared, known)
            if column.name in taken:
                what = f"two features are called {column.name}"
                raise DeclarationError(what, where=group.where_text, fix="rename one")
            taken.add(column.name)
            known[column.name] = column
            yield column


def combined_of(group: FeatureGroup, column: FeatureColumn) -> Combined:
    """The declaration of a combined column of the group."""
    return next(one for one in group.combined if one.name == column.measure)


def combined_node(declared: Combined, types: dict[str, str], *, where: str) -> Node:
    """The expression over features of these types; DeclarationError unless it is a number or a condition of some."""
    where = f"{where}, combined {declared.name}"
    node = parse_expression(declared.value, {name: kind or "double" for name, kind in types.items()}, where=where)
    if node.type not in (*NUMERIC, "boolean"):
        what = f"{declared.value!r} is {node.type}, not a number or a condition"
        raise DeclarationError(what, where=where, fix="CASE WHEN ... THEN 1 ELSE 0 END", texts=(declared.value,))
    if not columns_used(node):
        what = f"{declared.value!r} reads no feature"
        raise DeclarationError(what, where=where, fix="name features in full", texts=(declared.value,))
    return node


def _column(group: FeatureGroup, declared: Combined, known: dict[str, FeatureColumn]) -> FeatureColumn:
    node = combined_node(declared, {name: c.type for name, c in known.items()}, where=group.where_text)
    read = [known[name] for name in columns_used(node)]
    kind = "double" if node.type == "double" else "int64"
    return replace(
        read[0],
        name=f"{group.name}_{declared.name}",
        type=kind if all(column.type for column in read) else "",
        group=group.name,
        measure=declared.name,
        op=COMBINED,
        window="",
        filter="",
        value="",
        previous=False,
        formula=COMBINED,
        cells=(),
        description=declared.description,
        reason=declared.reason,
        sign=declared.sign,
        owner=group.owner,
        **strictest_of(
            (declared.pii or group.pii, *(column.pii for column in read)),
            (group.permitted_use, *(column.permitted_use for column in read)),
        ),
        # What becomes of nothing is the expression's affair: null is always possible.
        empty="null",
        version=declared.version,
        replaces="",
        retired_on=None,
        series=None,
    )
