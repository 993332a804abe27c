"""What a validation covers: which tables of a layer, which of their rows, up to which date.

Chosen from declarations and from what the log says of files, before any data is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from tallystick.errors import InputError, NotFound
from tallystick.spec.mappings import text_sql
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.visibility import LOADED_ON
from tallystick.visibility.sql import unseen_sql

# Columns that say how far a table has come, the best first.
PROGRESS = ("loaded_on", "as_of", "validated_on")


def choose_tables(
    layer: str, source: Source, *, wanted: Sequence[str], suites: Mapping[str, Any], existing: Collection[str]
) -> list[str]:
    """The tables to validate, as ``layer.table``: ``wanted`` if any were named, with or without their layer.

    Otherwise in the clean layer every table that the source fills, whether or not it exists: a table that should be
    there and is not must stop the run. In other layers every existing table that has expectations. NotFound when a
    chosen table has no expectations, or there is nothing to validate.
    """
    if wanted:
        chosen = [name if "." in name else f"{layer}.{name}" for name in wanted]
    elif layer == "clean":
        chosen = [f"clean.{table}" for table in source.tables]
    else:
        chosen = [name for name in suites if name.startswith(f"{layer}.") and name in existing]
    silent = [name for name in chosen if name not in suites]
    if silent:
        raise NotFound(f"{', '.join(silent)} has no expectations", fix="write expectations/<layer>/<table>.yaml")
    if not chosen:
        raise NotFound(f"layer {layer} has no table to validate", fix="run the job that fills it first")
    return sorted(set(chosen))


def owned_rows(contract: TableContract, source: Source) -> dict[str, str]:
    """The partition values of the rows that a validation for this source covers.

    A table that all sources share, such as the definitions of features, is validated whole: no value narrows it.
    """
    return {"source": source.name} if "source" in contract.partition_by else {}


def unseen_rows_sql(contract: TableContract, source: Source, *, since: date) -> str:
    """A query (DuckDB) of the keys of this source's rows that no decision of ``since`` or later sees; empty for a table
    without versions.

    Such rows were corrected or taken back. They stay in the table, so without this the run would stop at each of them
    every night.
    """
    names = {column.name for column in contract.columns}
    if contract.layer != "clean" or not contract.event_id or LOADED_ON not in names:
        return ""
    rows = f"SELECT * FROM {contract.name} WHERE source = {text_sql(source.name)}"
    return unseen_sql(rows, contract.event_id, since=since, can_retract="is_retracted" in names)


def latest_date(bounds: Iterable[Mapping[str, tuple[Any, Any]]]) -> date:
    """The last date that files have come to, from the (min, max) of their date and instant columns.

    InputError when no file says: an empty table has no date of its own.
    """
    found: list[date] = []
    for file in bounds:
        column = next((name for name in PROGRESS if name in file), None)
        if column is not None:
            last = file[column][1]
            found.append(last.date() if isinstance(last, datetime) else last)
    if not found:
        raise InputError("nothing was loaded, so there is no date to validate for", fix="say --load-date")
    return max(found)
