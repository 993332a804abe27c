"""Casts what a mapping selected to the clean table's contract, and finds the first fault of every row: as SQL text.

One row at a time: ``conflicts`` compares rows with each other, ``spec.mapping_sql`` has the mapping's own SQL.

Text, because a table's whole way from view to outcome is then one query: building it of Column objects took thousands
of calls into the JVM per table, and longer than running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tallystick.spec.clean_tables import LONGEST_WORD, holds_words
from tallystick.spec.mappings import text_sql
from tallystick.spec.readings import FIRST_DAY, LAST_DAY, LOCAL_TEXT, NUMBER_TEXT, ZONED_TEXT
from tallystick.spec.sources import KnownOn, Source
from tallystick.spec.tables import Column, TableContract

ORIGIN = ("_file", "_line", "_raw", "_branch", "_is_parked")

# The date that a mapping itself gives for ``known_on``, as it was delivered.
NAMED_ON = "_named_on"

SPARK_TYPES = {"string": "string", "int32": "int", "int64": "bigint", "double": "double", "boolean": "boolean"}
# Spark's types whose values are whole numbers, and the doubles beyond which not every whole number is one of them.
INTEGERS = ("tinyint", "smallint", "int", "bigint")
LAST_WHOLE = {"double": 1 << 53, "float": 1 << 24}


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the rows are for: the table's contract, its rule for ``known_on``, the source and the load date.

    ``delivery`` is the name of the one that the rows are of, ``again`` the names of those whose rows an earlier load
    has; ``has_several`` says that the load reads other deliveries, too.
    """

    contract: TableContract
    known_on: KnownOn
    source: Source
    load_date: date
    delivery: str = ""
    again: frozenset[str] = frozenset()
    has_several: bool = False

    @property
    def has_own_known_on(self) -> bool:
        """Whether the mapping selects ``known_on``, so that one load may bring several versions of an object."""
        return self.known_on.kind == "column"

    @property
    def is_raised(self) -> bool:
        """Whether dates that the mapping gives are raised to the load date: what came after the history was not known
        before it came, whatever it says.
        """
        return self.has_own_known_on and not self.source.is_history(self.load_date)

    @property
    def load_date_sql(self) -> str:
        """The load date as SQL."""
        return f"DATE '{self.load_date.isoformat()}'"


def judged_sql(selected: str, given: Mapping[str, str], target: Target) -> str:
    """A query of the contract's columns, the ORIGIN columns, ``_is_excluded``, and ``_fault``: null or
    ``reason|column``; where the mapping gives ``known_on``, also NAMED_ON.

    ``selected`` is a branch's query and ``given`` the types of its columns. The first fault of a row counts, in this
    order: a line that could not be split, a join not met, a text that could not be read; a value of another type; then
    per column of the contract: missing, not an allowed value.
    """
    contract = target.contract
    mapped = [column for column in contract.columns if column.name in given]
    cast = {column: _cast_sql(column, given[column.name], target.source.zone) for column in mapped}
    carried = ", ".join(name_sql(name) for name in given if name.startswith("_"))
    own = {contract.known_on: NAMED_ON} if target.has_own_known_on else {}
    typed = ", ".join(f"{value} AS {name_sql(own.get(c.name, c.name))}" for c, (value, _) in cast.items())
    mistyped = [fault for _, fault in cast.values() if fault]
    made = _technical_sql(target, {column.name for column in mapped}.difference(own))
    filled = ", ".join(f"{value} AS {name_sql(name)}" for name, value in made.items())
    faults = [
        "CASE WHEN _problem IS NOT NULL THEN CONCAT(_problem, '|') END",
        "_missed",
        "_failed",
        "_mistyped",
        _case_sql([fault for column in contract.columns for fault in _column_faults(column, target)]),
    ]
    columns = ", ".join([*(name_sql(column.name) for column in contract.columns), *own.values()])
    excluded = "(_excluded AND _problem IS NULL)"
    return (
        f"SELECT {columns}, {', '.join(ORIGIN)}, {excluded} AS _is_excluded,"
        f" CASE WHEN NOT {excluded} THEN COALESCE({', '.join(faults)}) END AS _fault"
        f" FROM (SELECT *, {filled} FROM"
        f" (SELECT {typed}, {_case_sql(mistyped)} AS _mistyped, {carried}"
        f" FROM ({selected})))"
    )


def name_sql(name: str) -> str:
    """A column's or view's name as SQL."""
    return f"`{name.replace('`', '``')}`"


def _case_sql(faults: list[str]) -> str:
    """The first of ``condition THEN text`` parts that holds; null when none does."""
    return f"CASE {' '.join(f'WHEN {fault}' for fault in faults)} END" if faults else "CAST(NULL AS STRING)"


def _column_faults(column: Column, target: Target) -> list[str]:
    name, faults = name_sql(column.name), []
    if column.name == target.contract.known_on:
        days = f"DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}'"
        faults.append(f"{name} NOT BETWEEN {days} THEN 'not_a_date|{column.name}'")
    if column.required:
        faults.append(f"{name} IS NULL THEN 'missing|{column.name}'")
    if column.values:
        allowed = ", ".join(text_sql(value) for value in column.values)
        faults.append(f"{name} NOT IN ({allowed}) THEN 'not_in_values|{column.name}'")
    if holds_words(column):
        faults.append(f"CHAR_LENGTH({name}) > {LONGEST_WORD} THEN 'free_text|{column.name}'")
    if column.name == target.contract.entity:
        prefix = text_sql(f"{target.source.name}:")
        faults.append(f"NOT STARTSWITH({name}, {prefix}) THEN 'not_of_this_source|{column.name}'")
    return faults


def _technical_sql(target: Target, mapped: set[str]) -> dict[str, str]:
    """The columns that no mapping fills, and defaults of those it left out."""
    contract, source = target.contract, target.source
    local_date = f"TO_DATE(FROM_UTC_TIMESTAMP({name_sql(contract.event_at)}, {text_sql(source.zone)}))"
    pattern = "yyyy" if source.layout.period == "year" else "yyyy-MM"
    bucket = f"PMOD(XXHASH64({name_sql(contract.entity)}), {source.layout.buckets})" if contract.entity else "0"
    made = {
        "source": text_sql(source.name),
        "bucket": f"CAST({bucket} AS INT)",
        "period": f"DATE_FORMAT({local_date}, '{pattern}')" if contract.entity else "'all'",
        "loaded_on": target.load_date_sql,
        contract.known_on: _known_on_sql(target, local_date),
        "is_retracted": "FALSE",
    }
    for column in contract.columns:
        made.setdefault(column.name, f"CAST(NULL AS {SPARK_TYPES.get(column.type, column.type)})")
    return {column.name: made[column.name] for column in contract.columns if column.name not in mapped}


def _known_on_sql(target: Target, local_date: str) -> str:
    """The rule's date, but after the source's history no earlier than the load that brought the row."""
    load_date = target.load_date_sql
    given = NAMED_ON if target.has_own_known_on else local_date
    rule = load_date if target.known_on.kind == "load_date" else f"DATE_ADD({given}, {target.known_on.days})"
    if target.source.is_history(target.load_date):
        return rule
    # GREATEST skips nulls, and a row without event_at, or without a date of its own, has no known_on either.
    return f"CASE WHEN {given} IS NOT NULL THEN GREATEST({rule}, {load_date}) END"


def _cast_sql(column: Column, given: str, zone: str) -> tuple[str, str]:
    """The value in the contract's type, null where it has none, and then its fault; no fault where any value fits.

    A value of a type that says another thing is none: a truth value is no number, a number is no instant. What a number
    counts (seconds, days, or 20240215) is for the mapping to say.
    """
    value = name_sql(column.name)
    if column.type == "string":
        return f"CAST({value} AS STRING)", ""
    kind = SPARK_TYPES.get(column.type, column.type)
    if given == "void":
        return f"CAST({value} AS {kind})", ""
    casts = {
        "int32": lambda: _whole_sql(value, given, kind),
        "int64": lambda: _whole_sql(value, given, kind),
        "double": lambda: _double_sql(value, given),
        "boolean": lambda: _boolean_sql(value, given),
        "date": lambda: _date_sql(value, given, zone),
        "timestamp": lambda: _instant_sql(value, given, zone),
    }
    cast = casts[column.type]() or f"CAST(NULL AS {kind})"
    reason = f"'{_REASONS[column.type]}|{column.name}'"
    if column.type in ("int32", "int64") and (_is_number(given) or given == "string"):
        whole = f"'not_a_whole_number|{column.name}'"
        is_number = f"{value} RLIKE {text_sql(NUMBER_TEXT)}" if given == "string" else "TRUE"
        reason = f"CASE WHEN {is_number} THEN {whole} ELSE {reason} END"
    return cast, f"{value} IS NOT NULL AND ({cast}) IS NULL THEN {reason}"


_INF = "DOUBLE('Infinity')"
_REASONS = {
    "int32": "not_a_number",
    "int64": "not_a_number",
    "double": "not_a_number",
    "boolean": "not_a_boolean",
    "date": "not_a_date",
    "timestamp": "not_a_time",
}


def _is_number(given: str) -> bool:
    return given in INTEGERS or given in LAST_WHOLE or given.startswith("decimal")


def _whole_sql(value: str, given: str, kind: str) -> str:
    """A whole number: a fraction is a fault, because cutting it off would change an amount in silence, and so is a
    double so large that it may stand for another number.
    """
    cast = f"TRY_CAST({value} AS {kind})"
    if given in INTEGERS or given == "string":
        return cast
    if given in LAST_WHOLE:
        return f"CASE WHEN {cast} = {value} AND ABS({value}) < {LAST_WHOLE[given]} THEN {cast} END"
    return f"CASE WHEN {cast} = {value} THEN {cast} END" if _is_number(given) else ""


def _double_sql(value: str, given: str) -> str:
    """A finite number."""
    if not _is_number(given) and given != "string":
        return ""
    text = f"REGEXP_EXTRACT({value}, {text_sql(NUMBER_TEXT)}, 0)" if given == "string" else value
    return f"NULLIF(NULLIF(NULLIF(TRY_CAST({text} AS DOUBLE), {_INF}), -{_INF}), DOUBLE('NaN'))"


def _boolean_sql(value: str, given: str) -> str:
    """A truth value, as Spark knows the words for one; of numbers only 0 and 1 are."""
    if _is_number(given):
        return f"CASE WHEN {value} = 0 THEN FALSE WHEN {value} = 1 THEN TRUE END"
    return f"TRY_CAST({value} AS BOOLEAN)" if given in ("string", "boolean") else ""


def _date_sql(value: str, given: str, zone: str) -> str:
    """A day of the years 1 to 9999. An instant's day is the one on the zone's wall clock, a text's the one it says."""
    if given == "string":
        local = f"TRY_CAST({_looking_like(value, LOCAL_TEXT)} AS DATE)"
        zoned = (
            f"TO_DATE(FROM_UTC_TIMESTAMP(TRY_CAST({_looking_like(value, ZONED_TEXT)} AS TIMESTAMP), {text_sql(zone)}))"
        )
        return _between(f"COALESCE({local}, {zoned})", "DATE '0001-01-01'", "DATE '9999-12-31'")
    if given == "timestamp":
        day = f"TO_DATE(FROM_UTC_TIMESTAMP({value}, {text_sql(zone)}))"
        return f"CASE WHEN {value} BETWEEN {_FIRST} AND {_LAST} THEN {day} END"
    if given in ("date", "timestamp_ntz"):
        return _between(f"CAST({value} AS DATE)", "DATE '0001-01-01'", "DATE '9999-12-31'")
    return ""


def _instant_sql(value: str, given: str, zone: str) -> str:
    """UTC: a timestamp is an instant already, and so is a text with Z, an offset or a zone behind it; all else is the
    zone's wall clock.

    A wall clock time that a clock change skipped moves forward by the gap; one that came twice is the first.
    """
    if given == "string":
        local = f"TO_UTC_TIMESTAMP(TRY_CAST({_looking_like(value, LOCAL_TEXT)} AS TIMESTAMP), {text_sql(zone)})"
        zoned = f"TRY_CAST({_looking_like(value, ZONED_TEXT)} AS TIMESTAMP)"
        return _between(f"COALESCE({local}, {zoned})", _FIRST, _LAST)
    if given == "timestamp":
        return _between(value, _FIRST, _LAST)
    if given in ("date", "timestamp_ntz"):
        # Looked at before it is shifted: an instant that is too far out stops the query.
        local = f"CASE WHEN {value} BETWEEN DATE '{FIRST_DAY}' AND DATE '{LAST_DAY}' THEN {value} END"
        return f"TO_UTC_TIMESTAMP(CAST({local} AS TIMESTAMP), {text_sql(zone)})"
    return ""


_FIRST, _LAST = f"TIMESTAMP '{FIRST_DAY} 00:00:00'", f"TIMESTAMP '{LAST_DAY} 23:59:59.999999'"


def _between(value: str, first: str, last: str) -> str:
    return f"CASE WHEN {value} BETWEEN {first} AND {last} THEN {value} END"


def _looking_like(value: str, pattern: str) -> str:
    return f"REGEXP_EXTRACT({value}, {text_sql(pattern)}, 0)"
