"""The SQL of the views that mappings read: readable rows, rows that drive a branch, rows that a join looks up.

Kept apart from ``casting`` because a view knows its supplier's files and nothing of clean tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.ingest.casting import name_sql
from tallystick.spec.mapping_sql import MET
from tallystick.spec.mappings import text_sql
from tallystick.spec.sources import ORIGIN_COLUMNS, SourceFile


def readable_sql(view: str, file: SourceFile) -> str:
    """The rows of a raw view whose line could be split: what derived views and joins see."""
    columns = ", ".join(name_sql(column) for column in file.columns)
    return f"SELECT {columns}, _file, _line, _raw FROM {view} WHERE _problem IS NULL"


def driving_sql(view: str, *, is_parked: bool = False) -> str:
    """The rows of a raw view as a mapping is driven by them, unreadable lines included."""
    return f"SELECT * EXCEPT (_fault, _keys), {str(is_parked).upper()} AS _is_parked FROM {view}"


def driving_derived_sql(view: str, columns: Sequence[str], *, name: str, delivery: str) -> str:
    """A derived view as a driving one: its rows come from no line, so they carry the view's name and their content."""
    own = [name_sql(column) for column in columns if column not in ORIGIN_COLUMNS]
    carried = {
        "_file": text_sql(f"{delivery}/view {name}"),
        "_line": "CAST(0 AS BIGINT)",
        "_raw": f"TO_JSON(STRUCT({', '.join(own)}))",
    }
    made = [key if key in columns else f"{value} AS {key}" for key, value in carried.items()]
    return f"SELECT {', '.join([*own, *made])}, CAST(NULL AS STRING) AS _problem, FALSE AS _is_parked FROM {view}"


def keyed_sql(view: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """A view as joins see it: one row per key. Equal rows count once; a key whose rows differ is not met by any row.

    Which of two versions is right is not for a join to decide; the rows that look it up are parked.
    """
    rest = [name_sql(column) for column in columns if column not in (*key, *ORIGIN_COLUMNS)]
    keys = ", ".join(name_sql(column) for column in key)
    known = " AND ".join(f"{name_sql(column)} IS NOT NULL" for column in key)
    if not rest:
        return f"SELECT DISTINCT {keys}, TRUE AS {MET} FROM {view} WHERE {known}"
    row = f"STRUCT({', '.join(rest)})"
    versions = f"SELECT {keys}, MIN({row}) AS _low, MAX({row}) AS _high FROM {view} WHERE {known} GROUP BY {keys}"
    return f"SELECT {keys}, _low.*, TRUE AS {MET} FROM ({versions}) WHERE _low <=> _high"
