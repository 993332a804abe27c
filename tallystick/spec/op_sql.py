"""Each operation as a SELECT of one value, with places for its parts.

Kept apart from ``feature_sql``, which fills the places, because these texts only need to be read.
"""

from __future__ import annotations

BY_DAY = {"active_days", "longest_streak", "days_since_first", "days_since_last", "mean_gap", "max_gap", "slope",
          "shift_days", "shift_size", "shift_share"}  # fmt: skip
_COUNTS = """FROM (
    SELECT count(*) AS n, sum(count(*)) OVER () AS total
    FROM (
        SELECT {value} AS value
        {rows}
    )
    WHERE value IS NOT NULL
    GROUP BY value
)"""
_GAPS = """FROM (
    SELECT day - lag(day) OVER (ORDER BY {forward}) AS gap
    {rows}
)"""
_ROW = "SELECT (\n    SELECT {value}\n    {rows}\n    ORDER BY {backward}\n    LIMIT 1 OFFSET {skip}\n) AS value"
_LAST = _ROW.replace(" OFFSET {skip}", "")

OPS: dict[str, str] = {
    "count": "SELECT count(*) AS value\n{rows}",
    "sum": "SELECT coalesce(sum({value}), 0) AS value\n{rows}",
    "active_days": "SELECT count(DISTINCT day) AS value\n{rows}",
    "distinct": "SELECT count(DISTINCT {value}) AS value\n{rows}",
    "mean": "SELECT avg({value}) AS value\n{rows}",
    "std": "SELECT stddev_samp({value}) AS value\n{rows}",
    "std_pop": "SELECT stddev_pop({value}) AS value\n{rows}",
    "min": "SELECT min({value}) AS value\n{rows}",
    "max": "SELECT max({value}) AS value\n{rows}",
    "quantile": "SELECT quantile_cont(CAST({value} AS DOUBLE), {q}) AS value\n{rows}",
    "first": _LAST.replace("backward", "forward"),
    "last": _LAST,
    "last_k": _ROW,
    "days_since_first": "SELECT $date - min(day) AS value\n{rows}",
    "days_since_last": "SELECT $date - max(day) AS value\n{rows}",
    "age_days": _LAST.replace("SELECT {value}", "SELECT $date - {value}"),
    "mean_gap": f"SELECT avg(gap) AS value\n{_GAPS}",
    "max_gap": f"SELECT max(gap) AS value\n{_GAPS}",
    "entropy": f"SELECT -sum(n / total * ln(n / total)) AS value\n{_COUNTS}",
    "top_share": f"SELECT max(n / total) AS value\n{_COUNTS}",
    "hhi": f"SELECT sum(n / total * (n / total)) AS value\n{_COUNTS}",
    "pareto": """SELECT coalesce(min(number), 0) AS value
FROM (
    SELECT row_number() OVER largest_first AS number, sum(value) OVER largest_first AS reached,
           sum(value) OVER () AS total
    FROM (
        SELECT {value} AS value
        {rows}
    )
    WHERE value IS NOT NULL
    WINDOW largest_first AS (ORDER BY value DESC ROWS UNBOUNDED PRECEDING)
)
WHERE total > 0 AND 100 * reached >= {percent} * total""",
}

# The rows with the most frequent value, in the place of all rows.
TOP_ROWS = """FROM (
    SELECT *
    FROM (
        SELECT *, {top} AS top_value, count(*) OVER (PARTITION BY {top}) AS alike,
               row_number() OVER (ORDER BY {forward}) AS place
        {rows}
    )
    QUALIFY top_value = arg_max(top_value, (alike, place)) OVER ()
)"""

STREAK = """SELECT coalesce(max(days), 0) AS value
FROM (
    SELECT count(*) AS days
    FROM (
        SELECT day - CAST(row_number() OVER (ORDER BY day) AS INTEGER) AS run
        FROM (
            SELECT DISTINCT day
            {rows}
        )
    )
    GROUP BY run
)"""

SLOPE = """SELECT CASE WHEN count(*) > 1 THEN regr_slope(total, number) ELSE 0 END AS value
FROM (
    SELECT row_number() OVER (ORDER BY day) AS number, coalesce(sum(amount), 0) AS total
    FROM (SELECT CAST(unnest(range({first}, {end}, INTERVAL 1 DAY)) AS DATE) AS day)
    LEFT JOIN (
        SELECT day, {value} AS amount
        {rows}
    ) USING (day)
    GROUP BY day
)"""

# The day is the first one of the new level; a shift that explains next to nothing of the spread is none.
_SHIFT = """SELECT (
    SELECT {value_of_shift}
    FROM (
        SELECT day, k, n, early, whole, spread, power(n * early - k * whole, 2) / (n * k * (n - k)) AS statistic
        FROM (
            SELECT day, row_number() OVER (ORDER BY day) - 1 AS k, count(*) OVER () AS n, sum(total) OVER () AS whole,
                   sum(total) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS early,
                   count(*) OVER () * var_pop(total) OVER () AS spread
            FROM (
                SELECT day, coalesce(sum(amount), 0) AS total
                FROM (SELECT CAST(unnest(range({first}, {end}, INTERVAL 1 DAY)) AS DATE) AS day)
                LEFT JOIN (
                    SELECT day, {value} AS amount
                    {rows}
                ) USING (day)
                WHERE isodow(day) IN ({weekdays})
                GROUP BY day
            )
        )
        WHERE k >= {least} AND n - k >= {least}
        QUALIFY statistic >= max(statistic) OVER () * (1 - 1e-9)
    )
    WHERE statistic > spread * 1e-12
    ORDER BY day DESC
    LIMIT 1
) AS value"""
SHIFTS = {
    name: _SHIFT.replace("{value_of_shift}", text)
    for name, text in (
        ("shift_days", "$date - day"),
        ("shift_size", "((whole - early) / (n - k) - early / k) / nullif(abs(early / k), 0)"),
        ("shift_share", "statistic / spread"),
    )
}
