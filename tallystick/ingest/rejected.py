"""Rows that a load kept out: what is stored of them, which of them wait for a parent, and their summary.

The SQL of rejects and of their summary, which shows no value of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.hashes import hash_texts
from tallystick.ingest.conflicts import PARENT_UNKNOWN
from tallystick.ingest.placing import REJECTS, TablePlan
from tallystick.ingest.staging import constant, take

# A negative number in hexadecimal digits, as Spark's HEX writes it.
_MASK = (1 << 64) - 1

# What is written about a parked row when a later load settles it.
ENTERED_LATER = "entered_later"


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedRows:
    """One line of a summary: how many rows of a load were kept out of a table for one reason, and where one is."""

    table: str
    source: str
    loaded_on: date
    reason: str
    column: str
    rows: int
    first_place: str


def complete(paths: Sequence[str], raw_lines: Callable[[str, pa.Array], Mapping[int, str | None]] | None) -> pa.Table:
    """All REJECTS of the paths; ``raw_lines`` reads the text of those without again, from file and lines.

    None where no text is kept. It has none either for lines of a file whose identifiers are hashed.
    """
    found = pa.concat_tables([REJECTS.empty_table(), *(take(path) for path in paths)])
    if raw_lines is None:
        return found
    lacking = found.filter(pc.is_null(found["raw"]))
    pieces = [found.filter(pc.is_valid(found["raw"]))]
    for file in pc.unique(lacking["file"]).to_pylist():
        rows = lacking.filter(pc.equal(lacking["file"], file))
        texts = raw_lines(file, pc.unique(rows["line"]))
        told = pa.array([texts[line] for line in rows["line"].to_pylist()], pa.string())
        pieces.append(rows.set_column(rows.column_names.index("raw"), "raw", told))
    return pa.concat_tables(pieces)


def rejected_table(rejects: pa.Table, plan: TablePlan) -> pa.Table:
    """The rows for the table's ``_rejected`` twin, from REJECTS whose text is complete.

    The id of a row without a text has no hash of it: whoever guessed a line could prove it right. A line of a file is
    told apart by its number, rows of a view that come from no line are counted.
    """
    size = rejects.num_rows
    lines, texts = rejects["line"].to_pylist(), rejects["raw"].is_valid().to_pylist()
    hashes = hash_texts(rejects["raw"]).tolist()
    marks = [
        f"{hashes[place] & _MASK if has_text else 0 if line else place:X}"
        for place, (line, has_text) in enumerate(zip(lines, texts, strict=True))
    ]
    parts = (
        rejects["file"],
        rejects["line"].cast(pa.string()),
        rejects["branch"].cast(pa.string()),
        pa.array(marks, pa.string()),
    )
    return pa.table(
        {
            "rejected_id": pc.binary_join_element_wise(*parts, ":"),
            "loaded_on": constant(plan.load_date, size, pa.date32()),
            "table_name": constant(plan.table, size, pa.string()),
            **{name: rejects[name] for name in ("reason", "column_name", "file", "line", "raw", "known_on")},
            "source": constant(plan.source, size, pa.string()),
        }
    )


def waiting_sql(rejected: str, *, branch: int) -> str:
    """A query (DuckDB) of all rejects in a view that a branch parked and no load has settled: file, line, raw text.

    Rows of a derived view have no line to be read again; the next delivery derives them again.
    """
    return (
        f"SELECT file, line, raw FROM {rejected} WHERE line > 0"
        f" AND REGEXP_EXTRACT(rejected_id, ':([0-9]+):[0-9A-F]+$', 1) = '{branch}'"
        " GROUP BY rejected_id, file, line, raw"
        f" HAVING BOOL_AND(reason = '{PARENT_UNKNOWN}') ORDER BY file, line"
    )


def rejected_summary_sql(tables: Iterable[str], *, waiting_only: bool = False, before: date | None = None) -> str:
    """A query (DuckDB) over ``clean.<table>_rejected`` that counts rejects by load, reason and column; no values.

    ``tables`` are clean tables without their layer that have a ``_rejected`` twin. ``waiting_only`` leaves the rows
    that still wait for a parent; ``before`` looks at the loads before that date alone, as a repeated load must.
    """
    columns = "table_name, source, loaded_on, reason, column_name, file, line, rejected_id"
    earlier = f" WHERE loaded_on < DATE '{before.isoformat()}'" if before else ""
    parts = [f"SELECT {columns} FROM clean.{table}_rejected{earlier}" for table in tables]
    settled = (
        "SELECT table_name, source, rejected_id FROM rejected GROUP BY ALL"
        f" HAVING bool_or(reason <> '{PARENT_UNKNOWN}')"
    )
    waiting = (
        f" WHERE reason = '{PARENT_UNKNOWN}' AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.table_name = r.table_name"
        " AND s.source = r.source AND s.rejected_id = r.rejected_id)"
    )
    return (
        f"WITH rejected AS ({' UNION ALL '.join(parts)}), settled AS ({settled})"
        " SELECT table_name, source, loaded_on, reason, COALESCE(column_name, '') AS column_name,"
        " CAST(COUNT(*) AS BIGINT) AS rows, MIN(CASE line WHEN 0 THEN file ELSE file || ':' || line END) AS first_place"
        f" FROM rejected r{waiting if waiting_only else ''} GROUP BY ALL ORDER BY 1, 2, 3, 6 DESC, 4, 5"
    )


def summarise_rejected(
    query: Callable[[str], Any], tables: Iterable[str], *, waiting_only: bool = False, before: date | None = None
) -> list[RejectedRows]:
    """The summary as values. ``query`` runs SQL over the warehouse and gives an Arrow table; no tables give no rows."""
    chosen = list(tables)
    if not chosen:
        return []
    answer = query(rejected_summary_sql(chosen, waiting_only=waiting_only, before=before))
    found: list[Mapping[str, Any]] = answer.to_pylist()
    return [
        RejectedRows(
            table=row["table_name"],
            source=row["source"],
            loaded_on=row["loaded_on"],
            reason=row["reason"],
            column=row["column_name"],
            rows=row["rows"],
            first_place=row["first_place"],
        )
        for row in found
    ]


def waiting_files_sql(tables: Iterable[str], *, source: str, before: date) -> str:
    """A query (DuckDB) of the files from which rows of loads before a date still wait for a parent: ``file``, sorted.

    ``tables`` as for ``rejected_summary_sql``, at least one; ``source`` is a name as sources are declared.
    """
    waiting = " UNION ALL ".join(
        f"SELECT file FROM clean.{table}_rejected WHERE source = '{source}' AND line > 0"
        f" AND loaded_on < DATE '{before.isoformat()}'"
        f" GROUP BY rejected_id, file HAVING BOOL_AND(reason = '{PARENT_UNKNOWN}')"
        for table in tables
    )
    return f"SELECT DISTINCT file FROM ({waiting}) ORDER BY file"


def waiting_tables(query: Callable[[str], Any], tables: Iterable[str], *, source: str, before: date) -> list[str]:
    """The clean tables of a source in which rows of loads before a date still wait for a parent, sorted."""
    found = summarise_rejected(query, tables, waiting_only=True, before=before)
    return sorted({rows.table for rows in found if rows.source == source})
