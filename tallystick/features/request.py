"""Features of the request itself, held against what is known of the customer.

Kept apart from ``compute`` because these rows are joined already and have no window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tallystick.kernel.row_values import evaluate_expression
from tallystick.spec.expressions import columns_used, parse_expression
from tallystick.spec.recipes import RequestFeature

_TYPES = {pa.string(): "string", pa.bool_(): "boolean", pa.date32(): "date", pa.int32(): "int64", pa.int64(): "int64"}


def add_request_features(rows: pa.Table, request: Sequence[RequestFeature]) -> pa.Table:
    """``rows`` with one double column more per request feature, in declared order.

    ``rows`` hold the application's columns and the features of the recipe's groups. Null where the expression or
    ``per`` is null, or ``per`` is 0.
    """
    types = {field.name: _column_type(field.type) for field in rows.schema}
    made = {}
    for feature in request:
        where = f"request feature {feature.name}"
        values, null = _evaluate(rows, feature.expression, types, where)
        if feature.per:
            per, per_null = _evaluate(rows, feature.per, types, where)
            null = null | per_null | (per == 0.0)
            values = np.divide(values, per, out=np.zeros_like(values), where=~null)
        made[feature.column] = pa.array(values, pa.float64(), mask=null)
    for name, column in made.items():
        rows = rows.append_column(name, column)
    return rows


def _evaluate(rows: pa.Table, text: str, types: dict[str, str], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Values as doubles (0 under a null) and where they are null."""
    node = parse_expression(text, types, where=where)
    found = evaluate_expression(node, rows.select(columns_used(node)))
    numbers = found.cast(pa.float64())
    null = numbers.is_null().to_numpy(zero_copy_only=False)
    return numbers.fill_null(0.0).to_numpy(zero_copy_only=False), null


def _column_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return _TYPES.get(kind, "double")
