"""Combined features of observations: expressions over columns that are computed already.

Kept apart from ``compute`` because these columns look at no event, and so need no kernel of windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.row_values import evaluate_expression
from tallystick.spec.columns import group_columns
from tallystick.spec.combined_columns import COMBINED, combined_node, combined_of
from tallystick.spec.expressions import Node, columns_used
from tallystick.spec.features import FeatureGroup
from tallystick.spec.tables import TableContract

_TYPES = {"int64": pa.int64(), "double": pa.float64()}


@dataclass(frozen=True, kw_only=True, slots=True)
class CombinedPlan:
    """A combined feature ready to be computed. It travels to the tasks. ``type`` is int64 or double."""

    name: str
    type: str
    node: Node


def plan_combined(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> tuple[CombinedPlan, ...]:
    """The group's combined features in force, in the order in which they are computed."""
    if not group.combined:
        return ()
    columns = [column for owner in (group, *group.beside) for column in group_columns(owner, contracts)]
    types = {column.name: column.type for column in columns}
    return tuple(
        CombinedPlan(
            name=column.name,
            type=column.type,
            node=combined_node(combined_of(group, column), types, where=group.where_text),
        )
        for column in columns
        if column.formula == COMBINED
    )


def add_combined(own: pa.Table, beside: Iterable[pa.Table], plans: Sequence[CombinedPlan]) -> pa.Table:
    """``own`` with one column more per plan; ``beside`` holds the same observations in the same order.

    Null where the expression is null or no number (infinite doubles may meet).
    """
    known = {name: table[name] for table in (*beside, own) for name in table.column_names}
    for plan in plans:
        read = {name: known[name] for name in columns_used(plan.node)}
        with np.errstate(over="ignore", invalid="ignore"):
            values = evaluate_expression(plan.node, pa.table(read))
        known[plan.name] = _numbers(values, plan.type)
        if plan.name in own.column_names:  # stands there as a retired one
            own = own.drop_columns([plan.name])
        own = own.append_column(plan.name, known[plan.name])
    return own


def _numbers(values: pa.Array, kind: str) -> pa.ChunkedArray:
    made = values.cast(pa.int64()) if pa.types.is_boolean(values.type) else values
    if pa.types.is_floating(made.type):
        made = pc.if_else(pc.is_nan(made), pa.scalar(None, pa.float64()), made)
    return pa.chunked_array([made.cast(_TYPES[kind])])
