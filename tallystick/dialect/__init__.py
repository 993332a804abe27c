"""Runs the SQL of mappings and labels in DuckDB: what Spark would answer, row by row, or a refusal.

Spark plans and compiles each query again, which for a night of twelve small tables takes longer than the work. DuckDB
does not; but its functions, casts and comparisons are not Spark's. So a query is translated by rules, and each rule was
held against Spark. What has no rule is ``NotTranslated``: whoever asked runs the same text in Spark.

Here: the types of expressions, the rules, the functions of our own that DuckDB lacks. Not here: what a mapping means
(``spec``), which queries a load or a label runs (``ingest``, ``labels``).
"""

from __future__ import annotations

from tallystick.dialect.engine import QueryStopped, answer, connect
from tallystick.dialect.translation import output_types, translate
from tallystick.dialect.types import NotTranslated

__all__ = ["NotTranslated", "QueryStopped", "answer", "connect", "output_types", "translate"]
