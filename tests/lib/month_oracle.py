"""The oracle of what is computed over whole calendar months, from the cells of each month."""

from __future__ import annotations

import datetime as dt
import re
import statistics
from typing import Any

import duckdb
import pyarrow as pa

from tallystick.spec.series import Series

Value = int | float | None

# As the tests write it: no brackets in the brackets.
LAG = re.compile(r"LAG\([^()]*\)(?: OVER \(PARTITION BY [^()]*\))?")
LAST_VALUE = re.compile(r"LAST_VALUE\([^()]*\)(?: OVER \(PARTITION BY [^()]*\))?")


def month_start(day: dt.date, back: int) -> dt.date:
    """The first day of the month ``back`` months before that of ``day``."""
    for _ in range(back):
        day = day.replace(day=1) - dt.timedelta(days=1)
    return day.replace(day=1)


def values_over_months(
    connection: duckdb.DuckDBPyConnection, series: Series, cells: list[list[Value]], *, is_whole: list[bool]
) -> list[Value]:
    """``cells`` are the months of each stem, latest first: the expression in SQL, month by month, then the op.

    ``is_whole`` says which stems are whole numbers.
    """
    length, size = series.length, len(cells[0])
    places = range(size * length)
    columns = {"_row": pa.array([n // length for n in places]), "_month": pa.array([n % length for n in places])}
    for number, (stem, whole) in enumerate(zip(series.stems, is_whole, strict=True)):
        values = [cells[number * length + n % length][n // length] for n in places]
        columns[stem] = pa.array(values, pa.int64() if whole else pa.float64())
    connection.register("months_given", pa.table(columns))
    text = series.value
    for pattern in (LAG, LAST_VALUE):
        text = pattern.sub(lambda found: f"({found[0]} OVER (PARTITION BY _row ORDER BY _month DESC))", text)
    found: list[list[Any]] = [[None] * length for _ in range(size)]
    for row, month, value in connection.execute(f"SELECT _row, _month, {text} FROM months_given").fetchall():
        found[row][month] = value
    return [_of_months(series.op, values[: series.months]) for values in found]


def _of_months(op: str, values: list[Any]) -> Value:
    """An operation over months, latest first."""
    texts = "".join("x" if value is True else "." for value in values)
    if op in ("count", "longest_streak", "current_streak"):
        runs = [len(run) for run in texts.split(".")]
        return {"count": texts.count("x"), "longest_streak": max(runs), "current_streak": runs[0]}[op]
    if op.startswith("last"):
        chosen = values[int(op.removeprefix("last_")) - 1 if op != "last" else 0]
        return None if chosen is None else float(chosen)
    known = [float(value) for value in values if value is not None]
    if len(known) < (2 if op == "std" else 1):
        return None
    return {"mean": statistics.fmean, "std": statistics.stdev, "min": min, "max": max}[op](known)
