"""Point-in-time window aggregation over columns.

Here: pure functions in NumPy on Arrow. Not here: Spark, files, which rows belong to which task (``features``).

``prepare_group`` turns a declared group into a plan once; ``compute_group`` applies it to rows and observations,
``compute_vector`` to one customer. Same rows and observations, same bits, in any order and any split.
"""

from __future__ import annotations

from tallystick.kernel.aggregate import compute_group, compute_vector
from tallystick.kernel.plan import GroupPlan, required_columns
from tallystick.kernel.prepare import prepare_group
from tallystick.kernel.row_values import evaluate_expression

__all__ = ["GroupPlan", "compute_group", "compute_vector", "evaluate_expression", "prepare_group", "required_columns"]
