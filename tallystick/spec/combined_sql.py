"""The SQL of a combined feature: one step for each feature that it reads, and its expression over their values.

Kept apart from ``feature_sql``, which writes each of these steps and looks at rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tallystick.spec.bases import FeatureColumn
from tallystick.spec.columns import features_read
from tallystick.spec.combined_columns import combined_of
from tallystick.spec.expression_sql import expression_sql
from tallystick.spec.features import FeatureGroup
from tallystick.spec.tables import TableContract


def combined_sql(
    group: FeatureGroup,
    column: FeatureColumn,
    contracts: Mapping[str, TableContract],
    *,
    query: Callable[[FeatureGroup, FeatureColumn], str],
) -> str:
    """One row with one value, as the SQL of every feature gives; ``query`` writes that of a feature that is read."""
    read = features_read(group, column, contracts)
    text = expression_sql(combined_of(group, column).value, {one.name: one.type for _, one in read}, lags={})
    value = f"CAST({text} AS BIGINT)" if column.type == "int64" else text
    parts = [f"(\n{_indented(query(owner, one))}\n) AS part_{number}" for number, (owner, one) in enumerate(read, 1)]
    return f"SELECT {value} AS {column.name}\nFROM {', '.join(parts)}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
