"""The operations that compare a window with the window before, each as a SELECT of one value with places for its parts.

Kept apart from ``op_sql`` because these look at the rows of both windows; ``now`` tells them apart.
"""

from __future__ import annotations

_BOTH = """FROM (
    SELECT value, count(*) FILTER (is_now) AS n, count(*) FILTER (NOT is_now) AS m,
           max(number) FILTER (is_now) AS last_n, max(number) FILTER (NOT is_now) AS last_m
    FROM (
        SELECT {value} AS value, {now} AS is_now, row_number() OVER (ORDER BY {forward}) AS number
        {rows}
    )
    WHERE value IS NOT NULL
    GROUP BY value
)"""
# The sides of a comparison need no order of rows.
_COUNTS = """FROM (
    SELECT count(*) FILTER (is_now) AS n, count(*) FILTER (NOT is_now) AS m
    FROM (
        SELECT {value} AS value, {now} AS is_now
        {rows}
    )
    WHERE value IS NOT NULL
    GROUP BY value
)"""
_AGAIN, _FIRST, _GONE = (f"count(*) FILTER ({both})" for both in ("n > 0 AND m > 0", "m = 0", "n = 0"))

COMPARISONS: dict[str, str] = {
    "kept": f"SELECT {_AGAIN} AS value\n{_COUNTS}",
    "new": f"SELECT {_FIRST} AS value\n{_COUNTS}",
    "lost": f"SELECT {_GONE} AS value\n{_COUNTS}",
    "kept_share": f"SELECT {_AGAIN} / nullif(count(*) FILTER (m > 0), 0) AS value\n{_COUNTS}",
    "new_share": f"SELECT {_FIRST} / nullif(count(*) FILTER (n > 0), 0) AS value\n{_COUNTS}",
    "jaccard": f"SELECT {_AGAIN} / nullif(count(*), 0) AS value\n{_COUNTS}",
    "similarity": f"SELECT sum(n * m) / nullif(sqrt(sum(n * n) * sum(m * m)), 0) AS value\n{_COUNTS}",
    "usual_share": f"""SELECT CASE WHEN sum(m) > 0
       THEN coalesce(sum(n) FILTER (is_usual), 0) / nullif(sum(n), 0) END AS value
FROM (
    SELECT n, m, m > 0 AND m * count(*) FILTER (m > 0) OVER () >= sum(m) OVER () AS is_usual
    {_COUNTS.replace(chr(10), chr(10) + "    ")}
)""",
    "top_kept": f"""SELECT CASE WHEN sum(n) > 0 AND sum(m) > 0
       THEN CAST(arg_max(value, (n, last_n)) = arg_max(value, (m, last_m)) AS INTEGER) END AS value
{_BOTH}""",
    "old_top_share": f"""SELECT CASE WHEN sum(m) > 0 THEN arg_max(n, (m, last_m)) / nullif(sum(n), 0) END AS value
{_BOTH}""",
}
