"""The features as a good SQL writer would write them, for DuckDB and for Spark SQL.

Two styles, ``naive`` (one FILTER aggregate a feature over the joined rows) and ``rings`` (each row is aggregated once
into the ring between two window edges, and rings are added up), for two kinds of work, ``training`` and ``snapshot``.

Windows are half-open; a row counts if ``event_at < as_of`` and ``known_on`` is not after as_of's business date. The
tables are ``events`` and ``asked`` (asked_id, customer_id, as_of, as_of_date). A snapshot has all customers
with a visible row.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from benchmarks.groups import Wanted, wanted
from benchmarks.scale import OFFSET_HOURS, SNAPSHOT_DAY

DIALECTS = ("duckdb", "spark")
STYLES = ("naive", "rings")
WORKS = ("training", "snapshot")

# What a ring must hold of a filter's rows, so that rings can be added up to each op.
_PARTS = {
    "count": ("n",),
    "sum": ("total",),
    "mean": ("n", "total"),
    "std": ("n", "total", "squares"),
    "min": ("least",),
    "max": ("most",),
}
_PART_SQL = {
    "n": "count(*)",
    "total": "sum(amount_minor)",
    "squares": "sum(CAST(amount_minor AS {wide}) * amount_minor)",
    "least": "min(amount_minor)",
    "most": "max(amount_minor)",
}
_MERGE = {"n": "sum", "total": "sum", "squares": "sum", "least": "min", "most": "max"}


_CALLS = {
    "count": "count(*)",
    "sum": "sum(amount_minor)",
    "mean": "avg(amount_minor)",
    "std": "stddev_samp(amount_minor)",
    "min": "min(amount_minor)",
    "max": "max(amount_minor)",
}


def select_sql(dialect: str, style: str, *, width: int, work: str) -> str:
    """The SELECT that gives customer_id, as_of and all columns of the width."""
    writer = _Writer(dialect, work, wanted(width))
    return writer.naive() if style == "naive" else writer.rings()


@dataclass(frozen=True, slots=True)
class _Writer:
    dialect: str
    work: str
    columns: tuple[Wanted, ...]

    def naive(self) -> str:
        made = []
        for column in self.columns:
            found = f"{_CALLS[column.op]} FILTER (WHERE event_at >= {self.edge(column.days)} AND {column.where})"
            # DuckDB adds whole numbers up to a wider type.
            made.append(f"{f'CAST({found} AS BIGINT)' if column.op == 'sum' else found} AS {column.name}")
        return self.finished(f"visible AS ({self.visible()})", f"SELECT {self.keys}, {', '.join(made)} FROM visible")

    def rings(self) -> str:
        tests = " ".join(f"WHEN event_at >= {self.edge(days)} THEN {ring}" for ring, days in enumerate(self.days))
        parts = dict.fromkeys((column.where, part) for column in self.columns for part in _PARTS[column.op])
        names = {key: f"p{number}" for number, key in enumerate(parts)}
        held = [f"{self.part_sql(part)} FILTER (WHERE {where}) AS {name}" for (where, part), name in names.items()]
        made = [f"{self.merged(column, names)} AS {column.name}" for column in self.columns]
        return self.finished(
            f"""visible AS ({self.visible()} AND event_at >= {self.edge(self.days[-1])}),
placed AS (SELECT *, CASE {tests} END AS ring FROM visible),
rings AS (SELECT {self.keys}, ring, {", ".join(held)} FROM placed GROUP BY {self.keys}, ring)""",
            f"SELECT {self.keys}, {', '.join(made)} FROM rings",
        )

    @property
    def days(self) -> list[int]:
        """The lengths of the windows, inner first."""
        return sorted({column.days for column in self.columns})

    @property
    def keys(self) -> str:
        """What rows are grouped by. Spark's files are bucketed by customer, which spares it a shuffle."""
        if self.work == "snapshot":
            return "customer_id"
        return "asked_id" if self.dialect == "duckdb" else "customer_id, asked_id"

    def edge(self, days: int) -> str:
        """The far edge of a window; that of a training set is computed once an observation."""
        return self.instant(days) if self.work == "snapshot" else f"low_{days}"

    def instant(self, days_before: int) -> str:
        midnight = dt.datetime.combine(SNAPSHOT_DAY, dt.time()) - dt.timedelta(hours=OFFSET_HOURS, days=days_before)
        return f"TIMESTAMPTZ '{midnight}+00'" if self.dialect == "duckdb" else f"TIMESTAMP '{midnight} UTC'"

    def visible(self) -> str:
        """The rows that an observation sees."""
        if self.work == "snapshot":
            source, as_of, as_of_date = "events", self.instant(0), f"DATE '{SNAPSHOT_DAY}'"
        else:
            source, as_of, as_of_date = "events JOIN edges USING (customer_id)", "as_of", "as_of_date"
        return f"SELECT * FROM {source} WHERE event_at < {as_of} AND known_on <= {as_of_date} AND NOT is_retracted"

    def finished(self, with_sql: str, select: str) -> str:
        """The whole statement. Without rows counts and sums are 0 and the rest is null."""
        names = [f"coalesce({c.name}, 0) AS {c.name}" if c.op in ("count", "sum") else c.name for c in self.columns]
        features = ", ".join(names)
        found = f"found AS ({select} GROUP BY {self.keys})"
        if self.work == "snapshot":
            return f"WITH {with_sql},\n{found}\nSELECT customer_id, {self.instant(0)} AS as_of, {features} FROM found"
        lows = ", ".join(f"as_of - INTERVAL {days} DAY AS low_{days}" for days in self.days)
        named = "asked_id" if self.dialect == "duckdb" else "asked_id AS found_id"
        joined = "asked_id" if self.dialect == "duckdb" else "found_id"
        return f"""WITH edges AS (SELECT *, {lows} FROM asked), {with_sql},
{found}, joined AS (SELECT {named}, {", ".join(c.name for c in self.columns)} FROM found)
SELECT customer_id, as_of, {features} FROM asked LEFT JOIN joined ON asked.asked_id = joined.{joined}"""

    def part_sql(self, part: str) -> str:
        return _PART_SQL[part].format(wide="HUGEINT" if self.dialect == "duckdb" else "DECIMAL(19, 0)")

    def merged(self, column: Wanted, names: dict[tuple[str, str], str]) -> str:
        """A column from the parts of its rings."""
        ring = self.days.index(column.days)

        def part(name: str) -> str:
            return f"{_MERGE[name]}({names[column.where, name]}) FILTER (WHERE ring <= {ring})"

        if column.op in ("count", "sum"):
            return f"CAST({part('n' if column.op == 'count' else 'total')} AS BIGINT)"
        if column.op == "mean":
            return f"{part('total')} / nullif(CAST({part('n')} AS DOUBLE), 0)"
        if column.op == "std":
            n, total, squares = (f"CAST({part(name)} AS DOUBLE)" for name in ("n", "total", "squares"))
            return f"CASE WHEN {n} > 1 THEN sqrt(({squares} - {total} * {total} / {n}) / ({n} - 1)) END"
        return part("least" if column.op == "min" else "most")
