"""What one feature means as SQL that computes it.

A SELECT that a reader can run in DuckDB for one customer at one instant. The kernel does not run it; tests compare the
two.

The SQL is written to be read, one feature a query. Its parameters tell by their names what they hold:
``$as_of`` the instant, ``$date`` its business date, ``$back_30d`` the instant 30 local days before it, ``$date_30d``
that instant's date, ``$first_day_30d`` the first business day that begins there or later, ``$days_30d`` the calendar
days between them, ``$customer_id``, ``$zone``, and ``$observation_id``
where the group counts the rows of one observation.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tallystick.spec.among import ROW_OF, Among, table_name
from tallystick.spec.bases import Base, Cell, FeatureColumn, group_bases
from tallystick.spec.calendar import business_date, business_instant, shift_back
from tallystick.spec.checks import readable_columns
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.combined_sql import combined_sql
from tallystick.spec.comparison_sql import COMPARISONS
from tallystick.spec.expression_sql import expression_sql, holds_lag, lags_in, ordered_lag
from tallystick.spec.expressions import columns_used, parse_expression
from tallystick.spec.features import FeatureGroup, Lookup
from tallystick.spec.formula_sql import STEPS_OF, formula_sql, zscore_sql
from tallystick.spec.month_sql import FIRST_DAY, NEXT_MONTH, month_steps
from tallystick.spec.names import OTHER, value_name
from tallystick.spec.op_sql import BY_DAY, OPS, SHIFTS, SLOPE, STREAK, TOP_ROWS
from tallystick.spec.tables import TableContract
from tallystick.spec.windows import distance_text, parse_window

Value = str | int | dt.date | dt.datetime

_PARAMETER = re.compile(r"\$([a-z]+(?:_[a-z]+)*(?:_[0-9]+(?:min|[hdm]))?)\b")


def feature_sql(group: FeatureGroup, column: FeatureColumn, contracts: Mapping[str, TableContract]) -> str:
    """The SQL that computes ``column`` for one customer at one instant: one row, one value, DuckDB's dialect.

    Tables are called ``layer.table`` and hold the rows of one source. Parameters: ``sql_parameters``.
    """
    return SqlWriter.of(group, contracts).query(column)


def sql_parameters(
    sql: str, *, customer_id: str, as_of: dt.datetime, zone: str, observation_id: str = ""
) -> dict[str, Value]:
    """The value of every parameter of ``sql`` for this customer at this instant in this business zone.

    ``observation_id`` is for groups that count the rows of one observation (``per``).
    """
    names = dict.fromkeys(_PARAMETER.findall(sql))
    texts = {"customer_id": customer_id, "zone": zone, "observation_id": observation_id}
    return {name: texts[name] if name in texts else _instant(name, as_of=as_of, zone=zone) for name in names}


def sql_with_values(sql: str, values: Mapping[str, Value]) -> str:
    """``sql`` with literals in the place of those parameters that ``values`` holds."""

    def literal(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if value is None:
            return match[0]
        if isinstance(value, int):
            return str(value)
        if isinstance(value, dt.datetime):
            return f"TIMESTAMPTZ '{value.astimezone(dt.UTC).isoformat(sep=' ')}'"
        return f"DATE '{value}'" if isinstance(value, dt.date) else "'" + value.replace("'", "''") + "'"

    return _PARAMETER.sub(literal, sql)


def base_columns(group: FeatureGroup, base: Base, types: Mapping[str, str]) -> list[str]:
    """The columns that the base's conditions, category and value read, each once. ``types`` are those readable."""
    measure = base.measure
    found = [name for text in _texts(group, base) for name in columns_used(parse_expression(text, types, has_lag=True))]
    return list(dict.fromkeys([*found, *([measure.by] if measure.by else [])]))


def _texts(group: FeatureGroup, base: Base) -> list[str]:
    """The expressions of a base: its value, its ``each`` and its conditions."""
    measure = base.measure
    value = measure.value if base.op.rule.takes != "none" else ""
    texts = (value, measure.each, measure.top, group.where, measure.where, group.filters.get(base.filter, ""))
    return [text for text in texts if text]


def _instant(name: str, *, as_of: dt.datetime, zone: str) -> Value:
    match name:
        case "as_of":
            return as_of
        case "date":
            return business_date(as_of, zone)
    kind, _, text = name.rpartition("_")
    edge = shift_back(as_of, parse_window(text), zone)
    day = business_date(edge, zone)
    if kind == "back":
        return edge
    if kind == "date":
        return day
    if kind == "days":
        return (business_date(as_of, zone) - day).days
    begins = business_instant(dt.datetime.combine(day, dt.time()), zone) >= edge
    return day if begins else day + dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SqlWriter:
    """Writes the SQL of many features of one group: what they share is looked up once. See ``feature_sql``."""

    group: FeatureGroup
    contracts: Mapping[str, TableContract]
    bases: Mapping[str, Base]
    types: Mapping[str, str]
    lags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, group: FeatureGroup, contracts: Mapping[str, TableContract]) -> SqlWriter:
        """The writer of a group; DeclarationError where it does not fit its tables."""
        return cls(group=group, contracts=contracts, bases=group_bases(group), types=readable_columns(group, contracts))

    def query(self, column: FeatureColumn) -> str:
        """The SQL of one feature of the group."""
        if column.formula == COMBINED:
            return combined_sql(self.group, column, self.contracts, query=self._query_of)
        bases = [self.bases[cell.stem] for cell in column.cells]
        texts = [text for base in bases for text in _texts(self.group, base)]
        lags = {lag: f"before_{number}" for number, lag in enumerate(lags_in(texts, self.types), 1)}
        return replace(self, lags=lags)._query(column)

    def _query_of(self, owner: FeatureGroup, column: FeatureColumn) -> str:
        """The SQL of a feature of this group or of one beside it."""
        return (self if owner is self.group else SqlWriter.of(owner, self.contracts)).query(column)

    def _query(self, column: FeatureColumn) -> str:
        steps = [("known", self._known()), ("visible", self._visible(column))]
        if column.series is not None:
            last = {cell.stem: self._cell(cell) for cell in column.cells if cell.lag == 0}
            return _joined([*steps, *month_steps(column.series, last, name=column.name)])
        parts = [self._cell(cell) for cell in column.cells]
        if column.formula == "cell":
            steps.append(("", parts[0].replace("AS value", f"AS {column.name}", 1)))
        elif column.formula == "zscore":
            steps += [("now", parts[0]), ("earlier", "\nUNION ALL\n".join(parts[1:]))]
            steps.append(("", zscore_sql(column.name)))
        else:
            names = STEPS_OF.get(column.formula, ("above", "below"))
            steps += list(zip(names, parts, strict=True))
            steps.append(("", f"{formula_sql(column)} AS {column.name}\nFROM {', '.join(names)}"))
        return _joined(steps)

    def _known(self) -> str:
        contract, group = self.contracts[self.group.table], self.group
        order = f"PARTITION BY {contract.event_id} ORDER BY loaded_on DESC, {contract.known_on} DESC"
        newest = f"row_number() OVER ({order})"
        kept = f"WHERE {group.entity} = $customer_id AND {contract.known_on} <= $date"
        name = f", '{table_name(group.table)}' AS {ROW_OF}" if group.among else ""
        own = f"SELECT *, {newest} AS newest{name}\nFROM {group.table}\n{kept}"
        return "\nUNION ALL BY NAME\n".join([own, *map(self._among, group.among)])

    def _among(self, among: Among) -> str:
        """Rows of another table, in the columns that LAG sees; what its condition refuses counts as retracted."""
        own, theirs = self.contracts[self.group.table], self.contracts[among.table]
        types = {column.name: column.type for column in theirs.columns}
        holds = f" OR ({expression_sql(among.where, types, lags={})}) IS NOT TRUE" if among.where else ""
        first = f", {-(2**63)} AS {own.sequence}" if own.sequence else ""
        order = f"PARTITION BY {theirs.event_id} ORDER BY loaded_on DESC, {theirs.known_on} DESC"
        return (
            f"SELECT {theirs.entity} AS {self.group.entity}, {theirs.event_at} AS {self.group.event_at},\n"
            f"       chr(1) || {theirs.event_id} AS {own.event_id}{first}, '{among.name}' AS {ROW_OF},\n"
            f"       is_retracted IS TRUE{holds} AS is_retracted,\n"
            f"       row_number() OVER ({order}) AS newest\n"
            f"FROM {among.table}\nWHERE {theirs.entity} = $customer_id AND {theirs.known_on} <= $date"
        )

    def _visible(self, column: FeatureColumn) -> str:
        bases = [self.bases[cell.stem] for cell in column.cells]
        read = {name for base in bases for name in base_columns(self.group, base, self.types)}
        at = self.group.event_at
        needs_day = column.series is not None or {base.op.name for base in bases} & BY_DAY
        day = f", CAST(timezone($zone, {at}) AS DATE) AS day" if needs_day else ""
        inner, outer = (self._lag_columns(is_outer=flag) for flag in (False, True))
        day += "".join(f",\n       {lag}" for lag in inner)
        tables = ["known"]
        for lookup in self.group.lookups:
            if read.intersection(lookup.columns):
                tables.append(self._lookup(lookup))
        own = f" AND {self.group.per} = $observation_id" if self.group.per else ""
        kept = f"newest = 1 AND is_retracted IS NOT TRUE AND {at} < $as_of{own}"
        visible = f"SELECT *{day}\nFROM {' '.join(tables)}\nWHERE {kept}"
        more = ",\n       ".join(outer)
        return f"SELECT *, {more}\nFROM (\n{_indented(visible)}\n)" if outer else visible

    def _lag_columns(self, *, is_outer: bool) -> list[str]:
        """Columns with what LAG and LAST_VALUE give: those that hold another one need it as a column (outer)."""
        found = [(lag, name) for lag, name in self.lags.items() if holds_lag(lag) == is_outer]
        return [f"{ordered_lag(lag, self._order()[0], self.lags)} AS {name}" for lag, name in found]

    def _lookup(self, lookup: Lookup) -> str:
        ours, theirs = (self.contracts[name] for name in (self.group.table, lookup.table))
        # Keys of looked-up rows are unique within a source.
        has_source = all("source" in {c.name for c in contract.columns} for contract in (ours, theirs))
        keys = f"source, {lookup.on}" if has_source else lookup.on
        event = f"source, {theirs.event_id}" if has_source else theirs.event_id
        gone = " AND is_retracted IS NOT TRUE" if "is_retracted" in {c.name for c in theirs.columns} else ""
        newest = f"row_number() OVER (PARTITION BY {event} ORDER BY loaded_on DESC, known_on DESC)"
        known = f"SELECT *, {newest} AS newest\nFROM {lookup.table}\nWHERE known_on <= $date"
        order = f"{theirs.event_at} DESC, loaded_on DESC, known_on DESC, {theirs.event_id} DESC"
        found = (
            f"SELECT {keys}, {', '.join(lookup.columns)}\nFROM (\n{_indented(known)}\n)\n"
            f"WHERE newest = 1{gone} AND {theirs.event_at} < $as_of\n"
            f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
        )
        return f"LEFT JOIN (\n{_indented(found)}\n) USING ({keys})"

    def _cell(self, cell: Cell) -> str:
        base = self.bases[cell.stem]
        kept = [*self._window(cell, base), *self._conditions(base)]
        if base.op.name in ("longest_streak", "slope", *SHIFTS):
            return self._by_days(base, cell, kept)
        value = self._value(base)
        forward, backward = self._order()
        if base.op.name == "age_days":
            kept.append(f"{value} IS NOT NULL")
        rows = f"FROM visible{_where(kept)}"
        if base.measure.each:
            each = self._expression(base.measure.each)
            rows = f"FROM visible{_where([*kept, f'{value} IS NOT NULL', f'{each} IS NOT NULL'])}"
            rows = f"FROM (\n    SELECT sum({value}) AS total\n{_indented(rows)}\n    GROUP BY {each}\n)"
            value = "total"
        if base.measure.top:
            top = self._expression(base.measure.top)
            rows = f"FROM visible{_where([*kept, f'{top} IS NOT NULL'])}"
            rows = _filled(TOP_ROWS, top=top, forward=forward, rows=rows)
        return _filled(
            {**OPS, **COMPARISONS}[base.op.name], value=value, q=f"{base.op.q:.6g}", percent=f"{base.op.q * 100:.6g}",
            skip=str(base.op.k - 1), forward=forward, backward=backward, rows=rows, now=self._begins(cell),
        )  # fmt: skip

    def _by_days(self, base: Base, cell: Cell, kept: list[str]) -> str:
        """The operations that look at whole business days of the window."""
        window = cell.span
        first = "(SELECT min(day) FROM visible)"
        if window.unit == "calendar":
            first = FIRST_DAY
        elif not window.is_all:
            first = f"$first_day_{distance_text(window.unit, cell.far)}"
        end = f"$date_{distance_text(window.unit, cell.near)}" if cell.near else "$date"
        if window.unit == "calendar":
            end = NEXT_MONTH
        else:
            kept = [*kept, f"day >= {first}", f"day < {end}"]
        rows = f"FROM visible{_where(kept)}"
        template = {"longest_streak": STREAK, "slope": SLOPE, **SHIFTS}[base.op.name]
        if base.op.name in SHIFTS:
            first = f"greatest({first}, (SELECT min(day) FROM visible))"
        weekdays = ", ".join(map(str, sorted(base.measure.weekdays or range(1, 8))))
        return _filled(
            template, value=self._value(base), rows=rows, first=first, end=end, least=str(base.op.k), weekdays=weekdays
        )

    def _window(self, cell: Cell, base: Base) -> Iterator[str]:
        """The conditions of the rows of a window, and of the window before where the operation looks at it."""
        unit = cell.span.unit
        before = base.before(cell) if base.op.rule.compares else None
        if before is not None:
            far = cell.far + before.count
            if before.is_all:
                pass
            elif unit == "calendar":
                yield f"day >= CAST({FIRST_DAY} - to_months({before.count}) AS DATE)"
            else:
                yield f"{self.group.event_at} >= $back_{distance_text(unit, far)}"
        elif unit != "all":
            yield self._begins(cell)
        if unit == "calendar":
            yield f"day < {NEXT_MONTH}"
        elif cell.near:
            yield f"{self.group.event_at} < $back_{distance_text(unit, cell.near)}"

    def _begins(self, cell: Cell) -> str:
        """What is true of the rows from the window's far edge on."""
        unit = cell.span.unit
        if unit == "calendar":
            return f"day >= {FIRST_DAY}"
        return "" if unit == "all" else f"{self.group.event_at} >= $back_{distance_text(unit, cell.far)}"

    def _conditions(self, base: Base) -> Iterator[str]:
        if self.group.among:
            yield f"{ROW_OF} = '{table_name(self.group.table)}'"
        for text in (self.group.where, base.measure.where, self.group.filters.get(base.filter, "")):
            if text:
                yield self._expression(text)
        category = base.measure.by
        if category:
            declared = self.group.by[category]
            if base.value == OTHER:
                listed = ", ".join(_quoted(value) for value in declared)
                yield f"({category} IS NULL OR {category} NOT IN ({listed}))"
            else:
                yield f"{category} = {_quoted(next(v for v in declared if value_name(v) == base.value))}"

    def _value(self, base: Base) -> str:
        if base.op.rule.takes == "none":
            return ""
        text, kind = self._expression(base.measure.value), self._type_of(base.measure.value)
        if kind == "double" and self.types.get(text) != "double":
            return f"CAST({text} AS DOUBLE)"
        return f"CAST({text} AS INTEGER)" if kind == "boolean" and base.op.rule.takes == "number" else text

    def _type_of(self, text: str) -> str:
        return parse_expression(text, self.types, where=self.group.where_text, has_lag=True).type

    def _expression(self, text: str) -> str:
        return expression_sql(text, self.types, lags=self.lags)

    def _order(self) -> tuple[str, str]:
        """The order of rows forward and backward."""
        contract = self.contracts[self.group.table]
        order = [self.group.event_at, contract.event_id]
        if contract.sequence:
            order.insert(1, contract.sequence)
        forward = ", ".join(f"{n} NULLS LAST" if n == contract.sequence else n for n in order)
        backward = ", ".join(f"{n} DESC NULLS FIRST" if n == contract.sequence else f"{n} DESC" for n in order)
        return forward, backward


def _joined(steps: list[tuple[str, str]]) -> str:
    named = [f"{name} AS (\n{_indented(text)}\n)" for name, text in steps if name]
    return f"WITH {', '.join(named)}\n{steps[-1][1]}"


def _where(conditions: list[str]) -> str:
    return "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _filled(template: str, **parts: str) -> str:
    """The template with its parts in the place of ``{name}``; lines of a part keep the indentation of their place.

    Not str.format: a declared text may hold braces of its own.
    """
    lines = []
    for line in template.splitlines():
        margin = line[: len(line) - len(line.lstrip())]
        made = re.sub(r"\{(\w+)\}", lambda match: parts[match[1]], line)
        lines.append(made.replace("\n", f"\n{margin}"))
    return "\n".join(lines)
