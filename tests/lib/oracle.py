"""The oracle of features: naive SQL in DuckDB, one query for an aggregate in all its windows, from the definition.

Windows by zoneinfo, visibility and look-ups by correlated subqueries, one aggregate a query. Only the expansion of a
declaration into columns is shared (``spec.columns``).

Instants are naive UTC timestamps here. Inside ``where`` and ``value`` a timestamp column is the local wall clock.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from tallystick.spec.bases import Base, Cell, FeatureColumn, group_bases
from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup, Lookup
from tallystick.spec.names import OTHER, value_name
from tallystick.spec.ops import SHIFT_OPS
from tallystick.spec.tables import TableContract
from tests.lib.month_oracle import LAG, LAST_VALUE, month_start, values_over_months
from tests.lib.oracle_edges import back, measured, skipped
from tests.lib.oracle_ops import DAILY_SUMS, OPS, TOP_ROWS
from tests.lib.place_oracle import gyration, kilometres
from tests.lib.shift_oracle import shift

Value = int | float | None
UTC = dt.UTC


def compute_with_oracle(
    events: pa.Table,
    observations: pa.Table,
    group: FeatureGroup,
    contracts: Mapping[str, TableContract],
    *,
    zone: str,
    dimensions: Mapping[str, pa.Table] | None = None,
    review_days: int = 0,
) -> dict[str, list[Value]]:
    """Every feature of ``group`` for every observation, in the given order; ``dimensions`` are looked-up tables.

    Rows count that are known ``review_days`` after the date of as_of, in the version in force on that date.
    """
    oracle = _Oracle(observations, group, contracts[group.table], ZoneInfo(zone))
    oracle.load(events, observations, review_days=review_days)
    oracle.lay_among((dimensions or {}), contracts)
    for lookup in group.lookups:
        oracle.look_up(lookup, (dimensions or {})[lookup.table], contracts[lookup.table])
    columns = group_columns(group, contracts)
    oracle.find_cells(columns)
    return {column.name: oracle.column(column) for column in columns}


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One database for all oracles of a process, since opening one takes longer than most of them."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    # A quotient by 0 is null.
    connection.execute("SET ieee_floating_point_ops = false; SET error_on_division_by_zero = false")
    return connection


class _Oracle:
    def __init__(self, observations: pa.Table, group: FeatureGroup, contract: TableContract, zone: ZoneInfo) -> None:
        self.group = group
        self.contract = contract
        self.zone = zone
        self.bases = group_bases(group)
        self.cells: dict[Cell, list[Value]] = {}
        self.lags: dict[str, str] = {}
        self.spans: dict[tuple[tuple[Cell, str], ...], str] = {}
        self.values: dict[str, tuple[str, str]] = {}
        self.as_of = [moment.replace(tzinfo=UTC) for moment in _naive(observations.column("as_of"))]
        self.local = [self._local(moment) for moment in self.as_of]
        self.connection = _connection()

    def load(self, events: pa.Table, observations: pa.Table, *, review_days: int) -> None:
        order = [("_at", ""), ("_is_own", ""), (self.contract.sequence, "NULLS LAST"), (self.contract.event_id, "")]
        self.order = ", ".join(f"{name} {nulls}" for name, nulls in order if name)
        rows = self._rows(events, self.group.event_at)
        asked = pa.table(
            {
                "_row": pa.array(range(observations.num_rows), pa.int64()),
                "_customer": observations.column("customer_id").cast(pa.string()),
                "_as_of": pa.array(_naive(observations.column("as_of")), pa.timestamp("us")),
                "_business_date": pa.array([self._business_date(at) for at in self.as_of], pa.date32()),
                "_decided": pa.array(
                    [self._business_date(at) + dt.timedelta(days=review_days) for at in self.as_of], pa.date32()
                ),
            }
        )
        self.connection.register("asked", asked)
        self.connection.register("rows_given", rows)
        self.connection.execute(f"""
            CREATE OR REPLACE TABLE visible AS
            SELECT asked.*, e.*, true AS _is_own, '{self.group.table.partition(".")[2]}' AS row_of
            FROM asked JOIN rows_given e ON e.{self.group.entity} = _customer
            WHERE (e.loaded_on, e.known_on) = (
                    SELECT max((v.loaded_on, v.known_on)) FROM rows_given v
                    WHERE v.{self.contract.event_id} = e.{self.contract.event_id}
                      AND v.{self.group.entity} = _customer AND v.known_on <= _decided)
              AND NOT coalesce(e.is_retracted, false)
              AND _at < _as_of""")
        self.business_dates = asked.column("_business_date").to_pylist()
        self.first_days: dict[int, dt.date] = dict(
            self.connection.execute("SELECT _row, arg_min(_day, _at) FROM visible GROUP BY _row").fetchall()
        )

    def lay_among(self, rows: Mapping[str, pa.Table], contracts: Mapping[str, TableContract]) -> None:
        """Add the rows of other tables that each observation sees: those in force, if the condition holds for them."""
        for among in self.group.among:
            contract = contracts[among.table]
            self.connection.register("among_given", self._rows(rows[among.table], contract.event_at))
            self.connection.execute(f"""
                INSERT INTO visible BY NAME
                SELECT asked.*, e.{contract.entity} AS {self.group.entity}, e._at, e._day, e.event_at,
                       e.{contract.event_id} AS {self.contract.event_id}, false AS _is_own,
                       '{among.table.partition(".")[2]}' AS row_of
                FROM asked JOIN among_given e ON e.{contract.entity} = _customer
                WHERE (e.loaded_on, e.known_on) = (
                        SELECT max((v.loaded_on, v.known_on)) FROM among_given v
                        WHERE v.{contract.event_id} = e.{contract.event_id}
                          AND v.{contract.entity} = _customer AND v.known_on <= _decided)
                  AND NOT coalesce(e.is_retracted, false) AND _at < _as_of AND ({among.where or "true"})""")

    def look_up(self, lookup: Lookup, rows: pa.Table, contract: TableContract) -> None:
        """Give each visible row the columns of the other table's visible row that is the latest by ``event_at``."""
        self.connection.register("other_given", self._rows(rows, contract.event_at))
        source = "source" if "source" in rows.column_names else "NULL"
        gone = "coalesce(o.is_retracted, false)" if "is_retracted" in rows.column_names else "false"
        at = f"o._at, o.loaded_on, o.known_on, o.{contract.event_id}"
        named = ", ".join(f"_found.{name} AS {name}" for name in lookup.columns)
        self.connection.execute(f"""
            CREATE OR REPLACE TABLE visible AS
            WITH other AS (SELECT *, {source} AS _source FROM other_given),
            seen AS (
                SELECT asked._row, o.{lookup.on}, arg_max(o, ({at})) AS _found
                FROM asked JOIN other o ON o._source IS NULL OR o._source = split_part(_customer, ':', 1)
                WHERE (o.loaded_on, o.known_on) = (
                        SELECT max((v.loaded_on, v.known_on)) FROM other v
                        WHERE v.{contract.event_id} = o.{contract.event_id}
                          AND v._source IS NOT DISTINCT FROM o._source AND v.known_on <= _decided)
                  AND NOT {gone} AND o._at < _as_of
                GROUP BY ALL)
            SELECT visible.*, {named} FROM visible LEFT JOIN seen USING (_row, {lookup.on})""")

    def _rows(self, rows: pa.Table, event_at: str) -> pa.Table:
        """Rows with local wall clocks for instants, and with the instant and business date of the event."""
        columns: dict[str, Any] = {}
        for name in rows.column_names:
            column = rows.column(name)
            if pa.types.is_timestamp(column.type):
                local = [
                    None if at is None else at.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)
                    for at in _naive(column)
                ]
                columns[name] = pa.array(local, pa.timestamp("us"))
            elif pa.types.is_integer(column.type):
                columns[name] = column.cast(pa.int64())
            else:
                columns[name] = column
        instants = _naive(rows.column(event_at))
        columns["_at"] = pa.array(instants, pa.timestamp("us"))
        columns["_day"] = pa.array([self._business_date(at.replace(tzinfo=UTC)) for at in instants], pa.date32())
        return pa.table(columns)

    def column(self, column: FeatureColumn) -> list[Value]:
        cells = [self.cells[cell] for cell in column.cells]
        if column.formula == "cell":
            return cells[0]
        if column.series is not None:
            is_whole = [self.bases[stem].op.rule.gives == "int64" for stem in column.series.stems]
            return values_over_months(self.connection, column.series, cells, is_whole=is_whole)
        rows = zip(*cells, strict=True)
        if column.formula == "share":
            return [_quotient(a, b) for a, b in rows]
        if column.formula in ("distance", "gyration"):
            made = {"distance": kilometres, "gyration": gyration}[column.formula]
            return [None if None in row else made(*row) for row in rows]
        if column.formula == "change":
            return [None if a is None or b is None else _quotient(a - b, abs(b)) for a, b in rows]
        if column.formula == "ratio":
            first, second = (self._lengths(cell) for cell in column.cells)
            return [
                None if a is None or b is None else _quotient(a / d1, b / d2)
                for (a, b), d1, d2 in zip(rows, first, second, strict=True)
            ]
        return [_zscore(list(row)) for row in rows]

    def find_cells(self, columns: Iterable[FeatureColumn]) -> None:
        """Compute what the columns are made of: each aggregate in all windows that any of them needs."""
        wanted: dict[str, dict[Cell, None]] = {}
        for column in columns:
            for cell in column.cells:
                wanted.setdefault(cell.stem, {})[cell] = None
        for stem, cells in wanted.items():
            self._query(self.bases[stem], list(cells))

    def _query(self, base: Base, cells: list[Cell]) -> None:
        conditions = [self.group.where, base.measure.where, self.group.filters.get(base.filter, "")]
        conditions.extend(["_is_own", self._category_sql(base)])
        conditions = [self._with_lags(text) for text in conditions]
        kept = " AND ".join(f"({text})" for text in conditions if text) or "true"
        top = f"({self._with_lags(base.measure.top)})" if base.measure.top else "NULL"
        value, wide = self._value_sql(self._with_lags(base.measure.value or "NULL"))
        span = self._span_table(tuple((cell, self._base(base, cell)) for cell in cells))
        sql = OPS.get(base.op.name, DAILY_SUMS).format(order=self.order, q=base.op.q, k=base.op.k, wide=wide, span=span)
        if base.measure.each:
            keys = f"_row, ({self._with_lags(base.measure.each)})"
            sums = f"SELECT _row, sum({wide}) AS _value FROM kept WHERE _value IS NOT NULL GROUP BY {keys}"
            sql = sql.replace("FROM kept", f"FROM ({sums} HAVING {keys.removeprefix('_row, ')} IS NOT NULL)")
        if base.measure.top:
            sql = sql.replace("FROM kept", f"FROM {TOP_ROWS.format(order=self.order)}")
        found = self.connection.execute(f"""
            WITH kept AS (
                SELECT visible.* EXCLUDE (_row), {span}._row AS _row, {value} AS _value, {top} AS _top, _first_day,
                       _end_day, (_low IS NULL OR _at >= _low) AS _is_now
                FROM visible JOIN {span} ON visible._row = _observation
                WHERE (_begin IS NULL OR _at >= _begin) AND _at < _high AND ({kept}))
            {sql}""").fetchall()
        empty = 0 if base.op.rule.empty == "0" else None
        values = self._shifts(base, cells, found) if base.op.name in SHIFT_OPS else dict(found)
        size = len(self.as_of)
        for place, cell in enumerate(cells):
            self.cells[cell] = [_number(values.get(place * size + row), empty) for row in range(size)]

    def _shifts(self, base: Base, cells: list[Cell], found: list[Any]) -> dict[int, Value]:
        """Of each window the shift of its daily totals: whole days of the window from the first visible row on."""
        totals: dict[int, dict[dt.date, Any]] = {}
        for row, day, total in found:
            totals.setdefault(row, {})[day] = total
        values, size = {}, len(self.as_of)
        for row in range(size * len(cells)):
            today, (_, _, first, end) = self.business_dates[row % size], self._span(row % size, cells[row // size])
            first = max(first, self.first_days.get(row % size, end))
            days = [first + dt.timedelta(days=n) for n in range((end - first).days)]
            days = [day for day in days if day.isoweekday() in (base.measure.weekdays or range(1, 8))]
            values[row] = shift(base.op.name, totals.get(row, {}), days, least=base.op.k, today=today)
        return values

    def _with_lags(self, text: str) -> str:
        """The text with a column in the place of each LAG and LAST_VALUE, of the rows that an observation sees."""
        text = re.sub(r"EPOCH\(((?:LAG\()?)event_at", r"epoch(\1_at", text)
        for pattern in (LAG, LAST_VALUE):
            text = self._with_columns(text, pattern.findall(text))
        return text

    def _with_columns(self, text: str, calls: list[str]) -> str:
        for found in calls:
            if found not in self.lags:
                self.lags[found] = f"_lag_{len(self.lags)}"
                call, _, keys = found.partition(" OVER (PARTITION BY ")
                over = ", ".join(["_row", *keys.rstrip(")").split(", ")] if keys else ["_row"])
                self.connection.execute(f"""
                    CREATE OR REPLACE TABLE visible AS
                    SELECT *, {call} OVER (PARTITION BY {over} ORDER BY {self.order}) AS {self.lags[found]}
                    FROM visible""")
            text = text.replace(found, self.lags[found])
        return text

    def _value_sql(self, value: str) -> tuple[str, str]:
        """The value and the type its exact sums need. Booleans count as 0 and 1, decimals are doubles."""
        if value not in self.values:
            sql = f"SELECT typeof({value}) FROM (SELECT * FROM visible UNION ALL BY NAME SELECT NULL AS _at) LIMIT 1"
            kind = self.connection.execute(sql).fetchall()[0][0]
            if kind in ("BOOLEAN", "INTEGER"):
                value_cast = f"({value})::BIGINT"
            else:
                value_cast = f"({value})::DOUBLE" if kind.startswith("DECIMAL") else f"({value})"
            is_double = kind == "DOUBLE" or kind.startswith("DECIMAL")
            self.values[value] = (value_cast, "_value::DOUBLE" if is_double else "_value::HUGEINT")
        return self.values[value]

    def _category_sql(self, base: Base) -> str:
        category = base.measure.by
        if not category:
            return ""
        declared = ", ".join(f"'{value}'" for value in self.group.by[category])
        if base.value == OTHER:
            return f"{category} IS NULL OR {category} NOT IN ({declared})"
        raw = next(value for value in self.group.by[category] if value_name(value) == base.value)
        return f"{category} = '{raw}'"

    def _base(self, base: Base, cell: Cell) -> str:
        """The length of the window before, of an operation that looks at it; empty for all others."""
        return (base.measure.base or cell.window) if base.op.rule.compares else ""

    def _span_table(self, windows: tuple[tuple[Cell, str], ...]) -> str:
        """A table with each observation's windows, numbered on from window to window: instants, and the first and end
        of the whole business days.
        """
        if windows not in self.spans:
            spans = [
                (row, self._begin(row, *window), *self._span(row, window[0]))
                for window in windows
                for row in range(len(self.as_of))
            ]
            names = ("_row", "_observation", "_begin", "_low", "_high", "_first_day", "_end_day")
            instant, date = pa.timestamp("us", "UTC"), pa.date32()
            kinds = (pa.int64(), pa.int64(), instant, instant, instant, date, date)
            numbered = [(number, *span) for number, span in enumerate(spans)]
            columns = [pa.array(column, kind) for column, kind in zip(zip(*numbered, strict=True), kinds, strict=True)]
            columns[2:5] = [column.cast(pa.timestamp("us")) for column in columns[2:5]]
            name = self.spans[windows] = f"span_{len(self.spans)}"
            self.connection.register("span_given", pa.table(columns, names=names))
            self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM span_given")
        return self.spans[windows]

    def _begin(self, row: int, cell: Cell, base: str) -> dt.datetime | None:
        """The first instant of the rows that are looked at: of the window, or of the one before it (``base``)."""
        if not base or base == "all":
            return None if base else self._span(row, cell)[0]
        if cell.window == "month":
            months = 1 if base == "month" else int(base[:-1])
            first = month_start(self.business_dates[row], cell.lag + 1 + months)
            return self._instant(dt.datetime.combine(first, dt.time()))
        (count, unit), (more, _) = measured(cell.window), measured(base)
        return self._edge(row, unit, count * (cell.lag + 1) + skipped(cell) + more)

    def _span(self, row: int, cell: Cell) -> tuple[dt.datetime | None, dt.datetime, dt.date, dt.date]:
        """Far and near edge of an observation's window, and the first and end of its whole business days."""
        window, lag = cell.window, cell.lag
        if window == "month":
            first, end = (month_start(self.business_dates[row], lag + back) for back in (1, 0))
            low, high = (self._instant(dt.datetime.combine(day, dt.time())) for day in (first, end))
            return low, high, first, end
        count, unit = (0, "all") if window == "all" else measured(window)
        near = count * lag + skipped(cell)
        high = self._edge(row, unit, near) if near else self.as_of[row]
        end_day = self._business_date(high)
        if unit == "all":
            return None, high, self.first_days.get(row, end_day), end_day
        low = self._edge(row, unit, near + count)
        day = self._business_date(low)
        is_whole = self._instant(dt.datetime.combine(day, dt.time())) >= low
        return low, high, day if is_whole else day + dt.timedelta(days=1), end_day

    def _edge(self, row: int, unit: str, count: int) -> dt.datetime:
        """So many minutes, days or months before as_of: minutes pass, days and months are those of the wall clock."""
        if unit == "min":
            return self.as_of[row] - dt.timedelta(minutes=count)
        return self._instant(back(self.local[row], unit, count))

    def _lengths(self, cell: Cell) -> list[float]:
        count, unit = measured(cell.window)
        if unit == "min":
            return [count / 1440] * len(self.local)
        near = skipped(cell)
        edges = [(back(local, unit, near), back(local, unit, near + count)) for local in self.local]
        return [(end.date() - begin.date()).days for end, begin in edges]

    def _local(self, instant: dt.datetime) -> dt.datetime:
        """The wall clock, which shows midnight when a date begins, also where the clock skips that hour."""
        local = instant.astimezone(self.zone).replace(tzinfo=None)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if self._instant(midnight) == instant else local

    def _instant(self, local: dt.datetime) -> dt.datetime:
        return local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)

    def _business_date(self, instant: dt.datetime) -> dt.date:
        """The printed local date, but a date never comes back once the next one has begun."""
        day = instant.astimezone(self.zone).date()
        following = day + dt.timedelta(days=1)
        return following if instant >= self._instant(dt.datetime.combine(following, dt.time())) else day


def _naive(column: Any) -> list[dt.datetime]:
    """Instants as naive UTC."""
    return [at and at.replace(tzinfo=None) for at in column.cast(pa.timestamp("us")).to_pylist()]


def _number(value: Any, empty: Value) -> Value:
    if value is None:
        return empty
    return value if isinstance(value, int) else float(value)


def _quotient(above: Value, below: Value) -> Value:
    return None if above is None or below is None or below == 0 else above / below


def _zscore(cells: list[Value]) -> Value:
    now, earlier = cells[0], [cell for cell in cells[1:] if cell is not None]
    if now is None or len(earlier) < 3 or min(earlier) == max(earlier):
        return None
    mean = math.fsum(earlier) / len(earlier)
    std = math.sqrt(math.fsum((cell - mean) ** 2 for cell in earlier) / (len(earlier) - 1))
    return (now - mean) / std
