"""The SQL of an operation over whole calendar months, as steps of the query that explains a feature.

Kept apart from ``feature_sql`` because it begins where that ends: with the SQL of an aggregate over one month.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.spec.expression_sql import expression_sql, lags_in, ordered_lag
from tallystick.spec.series import Series

# The columns of a month that the SQL of its aggregates may name: its first day and that of the month after.
FIRST_DAY, NEXT_MONTH = "first_day", "next_month"

_OPS = {
    "count": "SELECT count(*) FILTER (value) AS {name}\nFROM valued\nWHERE number <= {months}",
    "longest_streak": """SELECT coalesce(max(months), 0) AS {name}
FROM (
    SELECT count(*) AS months
    FROM (
        SELECT number - row_number() OVER (ORDER BY number) AS run
        FROM valued
        WHERE value AND number <= {months}
    )
    GROUP BY run
)""",
    "current_streak": """SELECT coalesce(min(number) FILTER (value IS NOT TRUE), {months} + 1) - 1 AS {name}
FROM valued
WHERE number <= {months}""",
    "mean": "SELECT avg(value) AS {name}\nFROM valued\nWHERE number <= {months}",
    "std": "SELECT stddev_samp(value) AS {name}\nFROM valued\nWHERE number <= {months}",
    "min": "SELECT min(value) AS {name}\nFROM valued\nWHERE number <= {months}",
    "max": "SELECT max(value) AS {name}\nFROM valued\nWHERE number <= {months}",
}
_LAST = "SELECT value AS {name}\nFROM valued\nWHERE number = {back}"


def month_steps(series: Series, aggregates: Mapping[str, str], *, name: str) -> list[tuple[str, str]]:
    """Names and texts of the steps, the last one without a name. ``aggregates`` are queries of one month by stem."""
    types = dict.fromkeys(series.stems, "double")
    before = {lag: f"before_{number}" for number, lag in enumerate(lags_in([series.value], types), 1)}
    lagged = "".join(f", {ordered_lag(lag, 'number DESC')} AS {column}" for lag, column in before.items())
    month = "date_trunc('month', $date)"
    months = (
        f"SELECT number, CAST({month} - to_months(number) AS DATE) AS {FIRST_DAY},\n"
        f"       CAST({month} - to_months(number - 1) AS DATE) AS {NEXT_MONTH}\n"
        f"FROM (SELECT CAST(unnest(range(1, {series.length + 1})) AS INTEGER) AS number)"
    )
    columns = ",\n".join(f"    (\n{_indented(aggregates[stem])}\n    ) AS {stem}" for stem in series.stems)
    value = expression_sql(series.value, types, lags=before)
    source = f"(SELECT *{lagged} FROM series)" if before else "series"
    text = _OPS.get(series.op, _LAST).format(name=name, months=series.months, back=series.back)
    return [
        ("months", months),
        ("series", f"SELECT number,\n{columns}\nFROM months"),
        ("valued", f"SELECT number, {value} AS value\nFROM {source}"),
        ("", text),
    ]


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.splitlines())
