"""Which rows a run owns and by what name it locks them, who the run is, and what its commit returned.

Names of slices are made here and nowhere else: writers of the same rows must take the same lock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from tallystick.errors import DeclarationError
from tallystick.spec.tables import TableContract

# How the slices end under which files are merged or moved to other buckets.
LAYOUT = "/layout"

NOTHING: Mapping[str, str] = MappingProxyType({})
Instants = tuple[datetime | None, datetime | None]
Bounds = tuple[date | datetime | None, date | datetime | None]

# Partition values become parts of paths and of SQL; nothing outside this set was tried with all three engines.
PLAIN = re.compile(r"[0-9A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows one run owns: all of ``partition``'s values, narrowed to ``low <= column < high`` when a column is set.

    ``low`` and ``high`` are dates or instants with a zone; None is no bound. The slice's ``name`` is its lock: writers
    of the same rows must use the same name, or two of them may both win an empty slice. So nobody types a name: the
    class methods ``of_...`` make one from what the slice is of. ``buckets`` is the number of
    buckets that its rows of ``partition["source"]`` lie in; 0 when the writer does not say, and then it is not checked.
    """

    name: str
    partition: Mapping[str, str] = field(default_factory=dict)
    column: str = ""
    low: date | datetime | None = None
    high: date | datetime | None = None
    buckets: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "partition", {name: plain_value(name, value) for name, value in self.partition.items()}
        )
        if not self.name:
            raise DeclarationError("a slice has no name", fix="name it after the table part it owns")
        if self.buckets and "source" not in self.partition:
            raise DeclarationError("buckets without a source", where=f"slice {self.name}", fix="set partition source")
        if not self.column and (self.low is not None or self.high is not None):
            raise DeclarationError("bounds without a column", where=f"slice {self.name}", fix="set column")
        for bound in (self.low, self.high):
            if isinstance(bound, datetime) and bound.tzinfo is None:
                raise DeclarationError("a bound has no time zone", where=f"slice {self.name}", fix="use UTC instants")

    @classmethod
    def of_source(cls, table: str, source: str, *, buckets: int = 0) -> Slice:
        """All rows of a source in a table."""
        return cls(f"{table}/{source}", {"source": source}, buckets=buckets)

    @classmethod
    def of_load(cls, table: str, source: str, day: date, *, buckets: int = 0) -> Slice:
        """The rows that the load of that day brought of a source to a table (``loaded_on``)."""
        end = day + timedelta(days=1)
        return cls(f"{table}/{source}/{day}", {"source": source}, "loaded_on", day, end, buckets)

    @classmethod
    def of_findings(cls, table: str, source: str, day: date) -> Slice:
        """What a validation found on that day in a source's tables (``validated_on``)."""
        end = day + timedelta(days=1)
        return cls(f"{table}/{source}/{day}", {"source": source}, "validated_on", day, end)

    @classmethod
    def of_features(
        cls, table: str, source: str, observations: str, *, between: Instants = (None, None), buckets: int = 0
    ) -> Slice:
        """A feature table's rows of one observation set, of all instants or of ``low <= as_of < high``."""
        partition = {"observations": observations, "source": source}
        return cls(f"{table}/{observations}/{source}", partition, *_as_of(between), buckets)

    @classmethod
    def of_graph(cls, table: str, source: str, *, between: tuple[date | None, date | None], buckets: int = 0) -> Slice:
        """A graph's rows of one source, of all snapshots or of those with ``low <= known_on < high``."""
        column = "known_on" if any(between) else ""
        return cls(f"{table}/{source}", {"source": source}, column, *between, buckets)

    @classmethod
    def of_scores(
        cls, table: str, source: str, recipe: str, *, between: Instants = (None, None), buckets: int = 0
    ) -> Slice:
        """A score table's rows of one recipe, of all instants or of ``low <= as_of < high``."""
        return cls(f"{table}/{recipe}/{source}", {"recipe": recipe, "source": source}, *_as_of(between), buckets)

    @classmethod
    def of_flags(
        cls, table: str, source: str, observations: str, *, between: Instants = (None, None), buckets: int = 0
    ) -> Slice:
        """What rules say of one observation set, of all instants or of ``low <= as_of < high``."""
        partition = {"observations": observations, "source": source}
        return cls(f"{table}/{observations}/{source}", partition, *_as_of(between), buckets)

    @classmethod
    def of_segments(cls, table: str, source: str, *, between: Instants = (None, None), buckets: int = 0) -> Slice:
        """A segment table's rows of one source, of all instants or of ``low <= as_of < high``."""
        return cls(f"{table}/{source}", {"source": source}, *_as_of(between), buckets)

    @classmethod
    def of_labels(cls, table: str, source: str, observations: str, *, buckets: int = 0) -> Slice:
        """A label's rows of one observation set, all of them, since each may have matured."""
        partition = {"observations": observations, "source": source}
        return cls(f"{table}/{observations}/{source}", partition, buckets=buckets)

    @classmethod
    def of_training(cls, table: str, source: str, *, buckets: int = 0) -> Slice:
        """The rows of a source that a recipe was trained on: those of the newest training, all of them."""
        return cls.of_source(table, source, buckets=buckets)

    @classmethod
    def of_audit(cls, table: str, source: str) -> Slice:
        """What audits found in a source's recipes: one table for all recipes, so one lock for all of them."""
        return cls.of_source(table, source)

    @classmethod
    def of_partition(cls, table: str, partition: Mapping[str, str]) -> Slice:
        """One partition of a small table, whatever its columns are."""
        return cls("/".join([table, *partition.values()]), partition)

    @classmethod
    def of_layout(cls, table: str, source: str) -> Slice:
        """What compaction and re-bucketing of a source's table lock: each other, and no writer, for no row changes."""
        return cls(f"{table}/{source}{LAYOUT}", {"source": source})

    @classmethod
    def of_commit(cls, name: str) -> Slice:
        """The slice that a commit named, without its rows: for another commit that takes its lock."""
        return cls(name)

    @classmethod
    def to_read(
        cls, partition: Mapping[str, str] = NOTHING, column: str = "", *, between: Bounds = (None, None)
    ) -> Slice:
        """Rows that are only read: the slice serves as a condition, and nobody takes its lock."""
        return cls("read", partition, column, *between)

    def beside(self, mark: str) -> Slice:
        """A slice without rows that belongs to this one, for a commit that notes ``mark`` and writes nothing."""
        return Slice(f"{self.name}/{mark}")

    @property
    def lock(self) -> str:
        """The application transaction id that every writer of the slice takes."""
        return f"slice:{self.name}"

    def sql(self, contract: TableContract) -> str:
        """The slice as one SQL condition, with literals of the columns' types. An empty slice filter is ``true``."""
        parts = [f"{name} = {_literal_sql(value, contract, name)}" for name, value in self.partition.items()]
        if self.low is not None:
            parts.append(f"{self.column} >= {_bound_sql(self.low)}")
        if self.high is not None:
            parts.append(f"{self.column} < {_bound_sql(self.high)}")
        return " AND ".join(parts) or "true"

    def check(self, contract: TableContract) -> None:
        """DeclarationError unless the slice names columns of the contract in the roles they have there."""
        where = f"slice {self.name} of {contract.name}"
        stray = sorted(set(self.partition) - set(contract.partition_by))
        if stray:
            raise DeclarationError(
                f"{stray} are not partition columns", where=where, fix=f"one of {contract.partition_by}"
            )
        if not self.column:
            return
        column = contract.column(self.column)
        kinds = {"date": date, "timestamp": datetime}
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if column.type not in kinds or column.name in contract.partition_by or not column.required:
            raise DeclarationError(
                f"column {column.name} cannot bound a slice", where=where, fix="a required date or timestamp"
            )
        if any(isinstance(bound, datetime) != (column.type == "timestamp") for bound in bounds):
            raise DeclarationError(
                f"bounds are not of the type of {column.name}", where=where, fix=f"use {column.type} bounds"
            )


def _as_of(between: Instants) -> tuple[str, datetime | None, datetime | None]:
    low, high = between
    return "as_of" if low or high else "", low, high


def plain_value(name: str, value: object) -> str:
    """A partition value as the text Delta stores; DeclarationError for characters outside letters, digits, _ and -."""
    text = str(value)
    if not PLAIN.fullmatch(text):
        raise DeclarationError(
            f"partition column {name} has a value with other characters", fix="use letters, digits, _ and -"
        )
    return text


def _literal_sql(value: str, contract: TableContract, name: str) -> str:
    kind = contract.column(name).type
    if kind in ("int32", "int64"):
        return str(int(value))
    return f"DATE '{value}'" if kind == "date" else f"'{value}'"


def _bound_sql(bound: date | datetime) -> str:
    if isinstance(bound, datetime):
        return f"TIMESTAMP '{bound.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f')}+00:00'"
    return f"DATE '{bound.isoformat()}'"


@dataclass(frozen=True, slots=True)
class Run:
    """Who writes: what a commit records, so that every version of a table can be traced.

    ``inputs`` are the versions of the tables that were read, by name; ``fingerprint`` is that of the declarations.
    ``known_by`` is the date, as text, by which everything that the rows rest on was known; empty where no date was set.
    ``outcomes_known_by`` is the same of the outcomes that a model learned from whose scores the rows are.
    ``is_first_try`` says that the id was never used before, so that nobody looks for what it wrote.
    """

    run_id: str
    job: str
    code_version: str
    fingerprint: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)
    known_by: str = ""
    outcomes_known_by: str = ""
    is_first_try: bool = False

    def metadata(self, where: Slice, *, files: int, rows: int) -> str:
        """The JSON text stored as the commit's ``userMetadata``; ``between`` are the slice's bounds."""
        facts = {
            "run_id": self.run_id,
            "slice": where.name,
            "job": self.job,
            "code_version": self.code_version,
            "fingerprint": self.fingerprint,
            "inputs": dict(sorted(self.inputs.items())),
            "files": files,
            "rows": rows,
            "between": [bound.isoformat() if bound else None for bound in (where.low, where.high)],
        }
        dates = {"known_by": self.known_by, "outcomes_known_by": self.outcomes_known_by}
        return json.dumps(facts | {name: day for name, day in dates.items() if day})


@dataclass(frozen=True, slots=True)
class Commit:
    """What a write did: the version that holds it, its files and rows; ``skipped`` when the run had done it before."""

    version: int
    files: int
    rows: int
    skipped: bool = False
