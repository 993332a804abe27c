"""Casts what a mapping selected to the clean table's contract, and gives every row its outcome.

What lives here: types, required columns, allowed values, technical columns, and the reasons of rejects. What must not:
comparison of rows with each other (``ingest.versions``), SQL text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from tallystick.spec.mapping_sql import WHOLE_DATE
from tallystick.spec.sources import KnownOn, Source
from tallystick.spec.tables import Column, TableContract

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame

ORIGIN = ("_file", "_line", "_raw", "_branch", "_is_parked")

SPARK_TYPES = {"string": "string", "int32": "int", "int64": "bigint", "double": "double", "boolean": "boolean"}
WHOLE = ("tinyint", "smallint", "int", "bigint")


ZONED_TEXT = r"[T ]\d{1,2}:.*(Z|[+-]\d{1,2}(:?\d{2})?)\s*$"

# Seconds since 1970 of the years 1 to 9999; beyond them an instant cannot be stored.
FIRST_SECOND, LAST_SECOND = -62135596800, 253402300799


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the rows are for: the table's contract, its rule for ``known_on``, the source and the load date."""

    contract: TableContract
    known_on: KnownOn
    source: Source
    load_date: date

    @property
    def has_own_known_on(self) -> bool:
        """Whether the mapping selects ``known_on``, so that one load may bring several versions of an object."""
        return self.known_on.kind == "column"


def judge_rows(selected: DataFrame, target: Target) -> DataFrame:
    """The contract's columns, the ORIGIN columns, ``_is_excluded``, and ``_fault``: null or reason and column.

    ``selected`` is the result of a branch's SQL. The first fault of a row counts, in this order: a line that could not
    be split, a join not met, a text that could not be read, then per column of the contract: of another type, missing,
    not an allowed value.
    """
    given = {field.name: field.dataType.simpleString() for field in selected.schema.fields}
    contract = target.contract
    mapped = [column for column in contract.columns if column.name in given]
    zone = target.source.zone
    cast = {c.name: _cast(F.col(f"`{c.name}`"), given[c.name], c, zone) for c in mapped}
    typed = selected.select(
        *(value.alias(name) for name, (value, _) in cast.items()),
        *(reason.alias(f"_reason_{name}") for name, (_, reason) in cast.items()),
        *(column for column in selected.columns if column.startswith("_")),
    )
    filled = typed.select("*", *(value.alias(name) for name, value in _technical(target, set(cast)).items()))
    faults = [*_row_faults(), *(fault for c in contract.columns for fault in _column_faults(c, cast, target))]
    is_excluded = F.col("_excluded") & F.col("_problem").isNull()
    return filled.select(
        *(F.col(column.name) for column in contract.columns),
        *ORIGIN,
        is_excluded.alias("_is_excluded"),
        F.when(~is_excluded, F.coalesce(*faults)).alias("_fault"),
    )


def _row_faults() -> list[SparkColumn]:
    told = [F.when(F.col("_problem").isNotNull(), _fault(F.col("_problem"), F.lit(None).cast("string")))]
    for name in ("_missed", "_failed"):
        parts = F.split(name, "[|]")
        told.append(F.when(F.col(name).isNotNull(), _fault(parts[0], F.nullif(parts[1], F.lit("")))))
    return told


def _column_faults(
    column: Column, cast: dict[str, tuple[SparkColumn, SparkColumn]], target: Target
) -> list[SparkColumn]:
    name = F.lit(column.name)
    value = F.col(column.name)
    faults = []
    if column.name in cast:
        reason = F.col(f"_reason_{column.name}")
        faults.append(F.when(reason.isNotNull(), _fault(reason, name)))
    if column.required:
        faults.append(F.when(value.isNull(), _fault(F.lit("missing"), name)))
    if column.values:
        is_other = value.isNotNull() & ~value.isin(*column.values)
        faults.append(F.when(is_other, _fault(F.lit("not_in_values"), name)))
    if column.name == target.contract.entity:
        is_foreign = ~value.startswith(f"{target.source.name}:")
        faults.append(F.when(is_foreign, _fault(F.lit("not_of_this_source"), name)))
    return faults


def _fault(reason: SparkColumn, column: SparkColumn) -> SparkColumn:
    return F.struct(reason.alias("reason"), column.alias("column"))


def _technical(target: Target, mapped: set[str]) -> dict[str, SparkColumn]:
    """The columns that no mapping fills, and defaults of those it left out."""
    contract, source = target.contract, target.source
    local_date = F.to_date(F.from_utc_timestamp(contract.event_at, source.zone))
    load_date = F.lit(target.load_date.isoformat()).cast("date")
    pattern = "yyyy" if source.layout.period == "year" else "yyyy-MM"
    has_entity = bool(contract.entity)
    bucket = F.pmod(F.xxhash64(contract.entity), F.lit(source.layout.buckets)) if has_entity else F.lit(0)
    made = {
        "source": F.lit(source.name),
        "bucket": bucket.cast("int"),
        "period": F.date_format(local_date, pattern) if has_entity else F.lit("all"),
        "loaded_on": load_date,
        contract.known_on: _known_on(target, local_date, load_date),
        "is_retracted": F.lit(False),
    }
    for column in contract.columns:
        made.setdefault(column.name, F.lit(None).cast(SPARK_TYPES.get(column.type, column.type)))
    return {column.name: made[column.name] for column in contract.columns if column.name not in mapped}


def _known_on(target: Target, local_date: SparkColumn, load_date: SparkColumn) -> SparkColumn:
    """The rule's date, but after the source's history no earlier than the load that brought the row."""
    rule = load_date if target.known_on.kind == "load_date" else F.date_add(local_date, target.known_on.days)
    # greatest() skips nulls, and a row without event_at has no known_on either.
    later = F.when(local_date.isNotNull(), F.greatest(rule, load_date))
    return rule if target.source.is_history(target.load_date) else later


def _cast(value: SparkColumn, given: str, column: Column, zone: str) -> tuple[SparkColumn, SparkColumn]:
    """The value in the contract's type, null where it has none, and then the reason."""
    casts: dict[str, Callable[[], tuple[SparkColumn, SparkColumn]]] = {
        "string": lambda: (value.cast("string"), F.lit(None).cast("string")),
        "int32": lambda: _whole(value, given, "int"),
        "int64": lambda: _whole(value, given, "bigint"),
        "double": lambda: _number(value),
        "boolean": lambda: _with_reason(value, value.try_cast("boolean"), "not_a_boolean"),
        "date": lambda: _with_reason(value, _date(value, given, zone), "not_a_date"),
        "timestamp": lambda: _with_reason(value, _instant(value, given, zone), "not_a_time"),
    }
    return casts[column.type]()


def _with_reason(value: SparkColumn, cast: SparkColumn, reason: str) -> tuple[SparkColumn, SparkColumn]:
    return cast, F.when(value.isNotNull() & cast.isNull(), F.lit(reason))


def _whole(value: SparkColumn, given: str, kind: str) -> tuple[SparkColumn, SparkColumn]:
    """A whole number: a fraction is a fault, because cutting it off would change an amount in silence."""
    cast = value.try_cast(kind)
    if given not in (*WHOLE, "string", "void"):
        cast = F.when(cast == value, cast)
    is_number = value.try_cast("double").isNotNull()
    reason = F.when(is_number, F.lit("not_a_whole_number")).otherwise(F.lit("not_a_number"))
    return cast, F.when(value.isNotNull() & cast.isNull(), reason)


def _number(value: SparkColumn) -> tuple[SparkColumn, SparkColumn]:
    cast = value.try_cast("double")
    finite = F.when(F.abs(cast) < F.lit(float("inf")), cast)
    return _with_reason(value, finite, "not_a_number")


def _date(value: SparkColumn, given: str, zone: str) -> SparkColumn:
    if given == "timestamp":
        return F.to_date(F.from_utc_timestamp(value, zone))
    if given == "string":
        return F.when(value.rlike(WHOLE_DATE), value.try_cast("date"))
    return value.cast("date") if given in ("date", "timestamp_ntz", "void") else F.lit(None).cast("date")


def _instant(value: SparkColumn, given: str, zone: str) -> SparkColumn:
    """UTC: a timestamp is an instant already, a number is epoch seconds, all else is the zone's wall clock.

    A wall clock time that a clock change skipped moves forward by the gap; one that came twice is the first. A text may
    end in Z or an offset and is then an instant.
    """
    if given == "timestamp":
        return value
    if given == "string":
        read = F.when(value.rlike(WHOLE_DATE), value.try_cast("timestamp"))
        return F.when(value.rlike(ZONED_TEXT), read).otherwise(F.to_utc_timestamp(read, zone))
    if given in ("date", "timestamp_ntz", "void"):
        return F.to_utc_timestamp(value.cast("timestamp"), zone)
    if given == "boolean":
        return F.lit(None).cast("timestamp")
    is_storable = value.between(FIRST_SECOND, LAST_SECOND)
    return F.timestamp_seconds(F.when(is_storable, value))
