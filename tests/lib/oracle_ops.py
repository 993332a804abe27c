"""Each operation from its definition, as SQL over the rows of one window of every observation: part of the oracle.

``kept`` holds the rows that count, with ``_row`` (one number for each window of each observation), ``_value``,
``_day``, ``_business_date`` and the whole business days of the window.
"""

from __future__ import annotations

_WHOLE = "_day >= _first_day AND _day < _end_day"
_COUNTS = "(SELECT _row, _value, count(*) AS n FROM kept WHERE _value IS NOT NULL GROUP BY ALL)"
_SHARES = f"(SELECT _row, n / sum(n) OVER (PARTITION BY _row) AS p FROM {_COUNTS})"
_RANKED = """(SELECT *, row_number() OVER (PARTITION BY _row ORDER BY {order}) AS i,
                count(*) OVER (PARTITION BY _row) AS n FROM kept)"""
_GAPS = (
    "(SELECT _row, _day - lag(_day) OVER (PARTITION BY _row ORDER BY {order}) AS gap FROM kept) WHERE gap IS NOT NULL"
)

# Of doubles, differences from the least one: squares of what is far from 0 would lose the spread.
_FROM_LEAST = """(SELECT _row, {wide} - min({wide}) OVER (PARTITION BY _row) AS _value
              FROM kept WHERE _value IS NOT NULL)"""

# Of each value the rows in the window (n) and in the one before (m), and the place of the last of them.
_SIDES = """(SELECT _row, _value, count(*) FILTER (_is_now) AS n, count(*) FILTER (NOT _is_now) AS m,
                    max(i) FILTER (_is_now) AS last_n, max(i) FILTER (NOT _is_now) AS last_m
             FROM (SELECT *, row_number() OVER (PARTITION BY _row ORDER BY {order}) AS i FROM kept)
             WHERE _value IS NOT NULL GROUP BY _row, _value)"""
_ALIKE = "count(*) FILTER (n > 0 AND m > 0)"

# The rows with the most frequent value of each window; of equally frequent ones the one with the last row.
TOP_ROWS = """(
    SELECT kept.* FROM kept JOIN (
        SELECT _row, max_by(_top, (n, last)) AS _most FROM (
            SELECT _row, _top, count(*) AS n, max(i) AS last
            FROM (SELECT *, row_number() OVER (PARTITION BY _row ORDER BY {order}) AS i FROM kept)
            WHERE _top IS NOT NULL GROUP BY _row, _top)
        GROUP BY _row) USING (_row)
    WHERE _top = _most)"""

OPS: dict[str, str] = {
    "kept": f"SELECT _row, {_ALIKE} FROM {_SIDES} GROUP BY _row",
    "new": f"SELECT _row, count(*) FILTER (m = 0) FROM {_SIDES} GROUP BY _row",
    "lost": f"SELECT _row, count(*) FILTER (n = 0) FROM {_SIDES} GROUP BY _row",
    "kept_share": f"SELECT _row, {_ALIKE} / count(*) FROM {_SIDES} WHERE m > 0 GROUP BY _row",
    "new_share": f"SELECT _row, count(*) FILTER (m = 0) / count(*) FROM {_SIDES} WHERE n > 0 GROUP BY _row",
    "jaccard": f"SELECT _row, {_ALIKE} / count(*) FROM {_SIDES} GROUP BY _row",
    "similarity": f"""
        SELECT _row, sum(n * m) / (sqrt(sum(n * n)) * sqrt(sum(m * m)))
        FROM {_SIDES} GROUP BY _row HAVING sum(n) > 0 AND sum(m) > 0""",
    "usual_share": f"""
        SELECT _row, coalesce(sum(n) FILTER (m > 0 AND m >= usual), 0) / sum(n)
        FROM (SELECT *, avg(m) FILTER (m > 0) OVER (PARTITION BY _row) AS usual FROM {_SIDES})
        GROUP BY _row HAVING sum(n) > 0 AND sum(m) > 0""",
    "top_kept": f"""
        SELECT _row, (max_by(_value, (n, last_n)) = max_by(_value, (m, last_m)))::INT
        FROM {_SIDES} GROUP BY _row HAVING sum(n) > 0 AND sum(m) > 0""",
    "old_top_share": f"""
        SELECT _row, max_by(n, (m, last_m)) / sum(n)
        FROM {_SIDES} GROUP BY _row HAVING sum(n) > 0 AND sum(m) > 0""",
    "count": "SELECT _row, count(*) FROM kept GROUP BY _row",
    "sum": "SELECT _row, sum(_value) FROM kept GROUP BY _row",
    "active_days": "SELECT _row, count(DISTINCT _day) FROM kept GROUP BY _row",
    "distinct": "SELECT _row, count(DISTINCT _value) FROM kept GROUP BY _row",
    "longest_streak": f"""
        SELECT _row, max(n) FROM (
            SELECT _row, count(*) AS n FROM (
                SELECT _row, _day - row_number() OVER (PARTITION BY _row ORDER BY _day)::INT AS island
                FROM (SELECT DISTINCT _row, _day FROM kept WHERE {_WHOLE}))
            GROUP BY _row, island)
        GROUP BY _row""",
    "mean": "SELECT _row, sum(_value)::DOUBLE / count(_value) FROM kept GROUP BY _row",
    "std": f"""
        SELECT _row, sqrt((count(*) * sum(_value * _value) - sum(_value) * sum(_value)) / (count(*) * (count(*) - 1)))
        FROM {_FROM_LEAST} GROUP BY _row HAVING count(*) > 1""",
    "std_pop": f"""
        SELECT _row, sqrt(count(*) * sum(_value * _value) - sum(_value) * sum(_value)) / count(*)
        FROM {_FROM_LEAST} GROUP BY _row""",
    "min": "SELECT _row, min(_value) FROM kept GROUP BY _row",
    "max": "SELECT _row, max(_value) FROM kept GROUP BY _row",
    "quantile": "SELECT _row, quantile_cont(_value::DOUBLE, {q}) FROM kept GROUP BY _row",
    "first": f"SELECT _row, _value FROM {_RANKED} WHERE i = 1",
    "last": f"SELECT _row, _value FROM {_RANKED} WHERE i = n",
    "last_k": f"SELECT _row, _value FROM {_RANKED} WHERE i = n - {{k}} + 1",
    "days_since_first": "SELECT _row, max(_business_date - _day) FROM kept GROUP BY _row",
    "days_since_last": "SELECT _row, min(_business_date - _day) FROM kept GROUP BY _row",
    "age_days": "SELECT _row, _business_date - _value FROM (SELECT *, row_number() OVER (PARTITION BY _row ORDER BY"
    " {order}) AS i, count(*) OVER (PARTITION BY _row) AS n FROM kept WHERE _value IS NOT NULL) WHERE i = n",
    "mean_gap": f"SELECT _row, avg(gap) FROM {_GAPS} GROUP BY _row",
    "max_gap": f"SELECT _row, max(gap) FROM {_GAPS} GROUP BY _row",
    "entropy": f"SELECT _row, -sum(p * ln(p)) FROM {_SHARES} GROUP BY _row",
    "top_share": f"SELECT _row, max(p) FROM {_SHARES} GROUP BY _row",
    "hhi": f"SELECT _row, sum(p * p) FROM {_SHARES} GROUP BY _row",
    "pareto": """
        SELECT _row, min(k) FROM (
            SELECT _row, row_number() OVER largest AS k, sum({wide}) OVER largest AS reached,
                   sum({wide}) OVER (PARTITION BY _row) AS total
            FROM kept WHERE _value IS NOT NULL
            WINDOW largest AS (PARTITION BY _row ORDER BY _value DESC ROWS UNBOUNDED PRECEDING))
        WHERE total > 0 AND reached * 1000000 >= total * round({q} * 1000000)::HUGEINT
        GROUP BY _row""",
    "slope": f"""
        SELECT _row, (count(*) * sum(x * y) - sum(x) * sum(y)) / (count(*) * sum(x * x) - sum(x) * sum(x))
        FROM (SELECT d._row, d.x, coalesce(t.y, 0) AS y
              FROM (SELECT _row, unnest(range(_end_day - _first_day)) AS x FROM {{span}}) d
              LEFT JOIN (SELECT _row, _day - _first_day AS x, sum({{wide}}) AS y
                         FROM kept WHERE {_WHOLE} GROUP BY _row, _day, _first_day) t USING (_row, x))
        GROUP BY _row HAVING count(*) > 1""",
}

# What shifts are looked for in.
DAILY_SUMS = "SELECT _row, _day, sum({wide}) FROM kept WHERE _value IS NOT NULL GROUP BY _row, _day"
