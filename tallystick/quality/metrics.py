"""What an expectation asks of the data, as SQL (DuckDB): Great Expectations' metrics, so that one query answers all.

Apart from ``judge`` because here stands only what a metric means. A metric means here what it means in the library's
own Spark engine (``tests/spark/test_quality_gate.py`` compares them). What this module cannot say exactly is left to
that engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import parse_condition

# The name that the rows have in the SQL.
ROWS = "_rows"

NUMBERS = ("int32", "int64", "double")
ORDERED = {"int32", "int64", "date", "timestamp"}
ROWS_THAT = re.compile(r"\s*SELECT\s+\*\s+FROM\s+\{batch\}\s+WHERE\s+(.+?)[\s;]*", re.IGNORECASE | re.DOTALL)


class NoSql(Exception):
    """What the library's own engine must answer, since SQL of ours would not surely mean the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A metric that needs no look at the rows: names of columns, or none of their values."""

    value: tuple[str, ...]


def metric_sql(
    name: str, domain: Mapping[str, Any], values: Mapping[str, Any], *, columns: Mapping[str, str]
) -> str | Answer:
    """The metric as one value of a query over the rows, as SQL, or as an ``Answer`` that needs no query.

    ``domain`` and ``values`` are the library's: which rows, and the arguments. ``columns`` are the types of a contract.
    NoSql where the metric, or an argument of it, is not known here.
    """
    where = _row_condition(domain, columns)
    base, _, kind = name.rpartition(".")
    if kind == "unexpected_values" or name == "unexpected_rows_query.table":
        return Answer(())  # values of rows are never asked for
    if name == "table.columns":
        return Answer(tuple(columns))
    if name == "table.row_count":
        return _count(where)
    if name == "unexpected_rows_query.row_count":
        return _count(f"({where}) AND ({_asked_rows(values['unexpected_rows_query'], columns)})")
    if base == "column_pair_values.a_greater_than_b":
        return _pair(kind, domain, values, where, columns)
    if base in UNIQUE:
        return _unique(kind, UNIQUE[base](domain), where)
    if base in CONDITIONS and kind == "unexpected_count":
        column = domain["column"]
        return _unexpected(CONDITIONS[base](_quoted(column), columns[column], values), where)
    if name in EXTREMES and columns[domain["column"]] in NUMBERS:
        return f"{EXTREMES[name]}({_quoted(domain['column'])}) FILTER (WHERE {where})"
    raise NoSql(name)


def _count(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


def _unexpected(broken: str, where: str) -> str:
    """The rows that break a condition; null where there are no rows at all, as in the library."""
    return f"CAST(sum(CASE WHEN {broken} THEN 1 ELSE 0 END) FILTER (WHERE {where}) AS BIGINT)"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _row_condition(domain: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """The rows that an expectation is about; ``TRUE`` for all."""
    condition = domain.get("row_condition")
    if condition is None:
        return "TRUE"
    # As the library keeps a condition that the engine, here SQL, is to read.
    text = condition.get("pass_through_filter") if isinstance(condition, Mapping) else None
    if not isinstance(text, str) or domain.get("condition_parser") != "spark":
        raise NoSql("row_condition")
    return _condition(text, columns)


def _asked_rows(query: str, columns: Mapping[str, str]) -> str:
    """The condition of ``SELECT * FROM {batch} WHERE condition``."""
    found = ROWS_THAT.fullmatch(query)
    if found is None:
        raise NoSql("unexpected_rows_query")
    return _condition(found[1], columns)


def _condition(text: str, columns: Mapping[str, str]) -> str:
    """A condition in the SQL of features, which Spark and DuckDB read alike; its escapes of LIKE they do not."""
    try:
        parse_condition(text, columns)
    except DeclarationError:
        raise NoSql("condition") from None
    if "\\" in text:
        raise NoSql("condition")
    return text


def _in_set(column: str, kind: str, values: Mapping[str, Any]) -> str:
    """Rows whose value is not in the set; a null is in none and counts in none."""
    allowed = values["value_set"]
    if allowed is None:
        return "FALSE"
    return f"{column} NOT IN ({_listed(allowed, kind)})" if allowed else f"{column} IS NOT NULL"


def _not_in_set(column: str, kind: str, values: Mapping[str, Any]) -> str:
    refused = values["value_set"]
    return f"{column} IN ({_listed(refused, kind)})" if refused else "FALSE"


def _listed(values: Any, kind: str) -> str:
    wanted = {"string": str, "int32": int, "int64": int}.get(kind)
    if wanted is None or not all(type(value) is wanted for value in values):
        raise NoSql("value_set")
    return ", ".join(_text(value) if wanted is str else str(value) for value in values)


def _outside(column: str, kind: str, values: Mapping[str, Any]) -> str:
    """Rows whose value is not between the bounds."""
    low, high = values.get("min_value"), values.get("max_value")
    if low is None and high is None:
        raise NoSql("bounds")
    over, under = ">" if values.get("strict_min") else ">=", "<" if values.get("strict_max") else "<="
    bounds = [(over, low), (under, high)]
    inside = [f"{column} {sign} {_bound(bound, kind)}" for sign, bound in bounds if bound is not None]
    if low is not None and high is not None and low > high:
        raise NoSql("bounds")
    return f"NOT ({' AND '.join(inside)})"


def _bound(bound: Any, kind: str) -> str:
    if kind in NUMBERS and type(bound) in (int, float) and math.isfinite(bound):
        # The library compares with a double, whatever number was written.
        return f"CAST('{float(bound)!r}' AS DOUBLE)"
    if kind == "timestamp" and isinstance(bound, date):
        moment = bound if isinstance(bound, datetime) else datetime.combine(bound, time(), UTC)
        instant = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return f"TIMESTAMPTZ '{instant.isoformat(sep=' ')}'"
    if kind == "date" and isinstance(bound, date) and not isinstance(bound, datetime):
        return f"DATE '{bound.isoformat()}'"
    raise NoSql("bound")


def _length_outside(column: str, kind: str, values: Mapping[str, Any]) -> str:
    if kind != "string":
        raise NoSql("length")
    return _outside(f"length({column})", "int64", values)


def _no_match(column: str, kind: str, values: Mapping[str, Any]) -> str:
    return f"NOT {_match(column, kind, values)}"


def _match(column: str, kind: str, values: Mapping[str, Any]) -> str:
    if kind != "string":
        raise NoSql("regex")
    # Not at the top: whoever reads findings imports this package, and a chain of imports stays short.
    from tallystick.dialect import NotTranslated
    from tallystick.dialect.regexes import java_pattern

    try:
        pattern = java_pattern(values["regex"]).text
    except NotTranslated:
        raise NoSql("regex") from None
    return f"regexp_matches({column}, {_text(pattern)})"


def _key_of_column(domain: Mapping[str, Any]) -> tuple[list[str], str]:
    return [domain["column"]], "any_value_is_missing"


def _key_of_columns(domain: Mapping[str, Any]) -> tuple[list[str], str]:
    return domain["column_list"], domain["ignore_row_if"]


def _unique(kind: str, key: tuple[list[str], str], where: str) -> str:
    """Rows that share their key with another row; of a key with a null as the library's ``ignore_row_if`` says."""
    names, ignored = key
    columns = [_quoted(name) for name in names]
    joined = {"all_values_are_missing": " AND ", "any_value_is_missing": " OR "}.get(ignored)
    if joined is None and ignored != "never":
        raise NoSql("ignore_row_if")
    missing = joined.join(f"{column} IS NULL" for column in columns) if joined else "FALSE"
    counted = f"({where}) AND NOT ({missing})"
    if kind == "filtered_row_count":
        return _count(counted)
    if kind != "unexpected_count":
        raise NoSql(kind)
    groups = f"SELECT count(*) AS n FROM {ROWS} WHERE {counted} GROUP BY {', '.join(columns)} HAVING count(*) > 1"
    return f"(SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM ({groups}))"


def _pair(
    kind: str, domain: Mapping[str, Any], values: Mapping[str, Any], where: str, columns: Mapping[str, str]
) -> str:
    """Rows whose first value is not greater than the second; of a pair with a null as ``ignore_row_if`` says."""
    names = [domain["column_A"], domain["column_B"]]
    if len(types := {columns[name] for name in names}) > 1 or not types <= ORDERED:
        raise NoSql("types")
    first, second = (_quoted(name) for name in names)
    ignored = domain["ignore_row_if"]
    joined = {"both_values_are_missing": " AND ", "either_value_is_missing": " OR "}.get(ignored)
    if joined is None and ignored != "neither":
        raise NoSql("ignore_row_if")
    missing = f"{first} IS NULL{joined}{second} IS NULL" if joined else "FALSE"
    counted = f"({where}) AND NOT ({missing})"
    if kind == "filtered_row_count":
        return _count(counted)
    if kind != "unexpected_count":
        raise NoSql(kind)
    equal = f" OR {first} IS NOT DISTINCT FROM {second}" if values.get("or_equal") else ""
    # No rows are 0 here, and not null as in conditions on one column: so it is in the library.
    return _count(f"{counted} AND NOT ({first} > {second}{equal})")


# The rows that break an expectation about one column. A row without a value breaks none but those about nulls.
CONDITIONS: Mapping[str, Callable[[str, str, Mapping[str, Any]], str]] = {
    "column_values.nonnull": lambda column, kind, values: f"{column} IS NULL",
    "column_values.null": lambda column, kind, values: f"{column} IS NOT NULL",
    "column_values.in_set": _in_set,
    "column_values.not_in_set": _not_in_set,
    "column_values.between": _outside,
    "column_values.value_length.between": _length_outside,
    "column_values.match_regex": _no_match,
    "column_values.not_match_regex": _match,
}

UNIQUE: Mapping[str, Callable[[Mapping[str, Any]], tuple[list[str], str]]] = {
    "column_values.unique": _key_of_column,
    "compound_columns.unique": _key_of_columns,
}

EXTREMES = {"column.min": "min", "column.max": "max"}
