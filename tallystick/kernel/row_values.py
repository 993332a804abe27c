"""Expressions over the rows of one table, outside any window.

For conditions of observation sets and for features of a request.
"""

from __future__ import annotations

import pyarrow as pa

from tallystick.kernel.evaluate import Frame
from tallystick.kernel.nullable import Vector, vector_of
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.expressions import Node


def evaluate_expression(node: Node, rows: pa.Table, *, zone: str = "UTC") -> pa.Array:
    """The value of ``node`` in every row: int64, double or boolean, null where the expression is.

    ``rows`` hold the columns the expression reads; ``zone`` is the one in which parts of instants are meant. Text and
    dates are for comparisons, not for results.
    """
    columns: dict[str, Vector] = {name: vector_of(rows.column(name), name) for name in rows.column_names}
    result = Frame(columns, rows.num_rows, zone_offsets(zone)).evaluate(node).spread(rows.num_rows)
    mask = None if result.valid is None else ~result.valid
    return pa.array(result.values, mask=mask)
