"""What a table is: its columns, keys, time columns and layout, as frozen values.

``project.contracts`` reads contracts from YAML, ``tables`` holds data against them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.names import nearest_name
from tallystick.spec.uses import PII_CLASSES

LAYERS = ("raw", "clean", "graph", "feature", "label", "training", "segment", "score", "monitor")

# The logical types a column may have. Money is int64 minor units (suffix _minor), an instant is UTC microseconds.
COLUMN_TYPES = ("string", "int32", "int64", "double", "boolean", "date", "timestamp")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column. ``required`` means never null; ``values`` is the closed list of allowed values, empty when open.

    ``filled`` means never null in a row that is written now: rows older than the column may lack it. ``protected``
    marks an attribute by which nobody may be treated differently, such as gender: what is made of it is for fairness
    reports and portfolio cuts, and for a recipe only where it says why (``spec.permissions``).
    """

    name: str
    type: str
    description: str = ""
    required: bool = False
    filled: bool = False
    values: tuple[str, ...] = ()
    pii: str = "none"
    protected: bool = False

    def __post_init__(self) -> None:
        if self.type not in COLUMN_TYPES:
            raise DeclarationError(f"column {self.name} has unknown type {self.type}", fix=f"one of {COLUMN_TYPES}")
        if self.pii not in PII_CLASSES:
            raise DeclarationError(f"column {self.name} has unknown PII class {self.pii}", fix=f"one of {PII_CLASSES}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Retirement:
    """Stored columns that are read no more: ``pattern`` is a column's name, or names with ``*`` in them.

    ``retired_on`` is the first business date without values, None for a column that only changed its name;
    ``replaced_by`` is the column to read instead, empty for none.
    """

    pattern: str
    retired_on: date | None = None
    replaced_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableContract:
    """The contract of one Delta table.

    ``name`` is ``layer.table``. ``columns`` are the data columns in order, partition columns included.
    ``key`` is unique over the whole table. ``entity`` is the column whose hash gives the bucket (empty: no entity,
    bucket 0). ``event_id``, ``event_at`` and ``known_on`` are set for event tables, ``sequence`` when the source
    declares an order within one instant. ``lookup_key`` is set where several events tell of one object over time: it
    names the object, whose state is that of its latest event. ``partition_by`` names the partition columns, which are
    not in the files. ``retired`` tells of columns that the stored table keeps for their history; a pattern there means
    no column that ``columns`` names in force.
    """

    name: str
    description: str
    grain: str
    owner: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()
    entity: str = ""
    event_id: str = ""
    event_at: str = ""
    known_on: str = ""
    sequence: str = ""
    lookup_key: str = ""
    derived_from: tuple[str, ...] = ()
    retired: tuple[Retirement, ...] = ()
    version: str = "1.0.0"
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        layer, _, table = self.name.partition(".")
        if layer not in LAYERS or not table:
            raise DeclarationError(
                f"table name {self.name} is not layer.table", where=self.path, fix=f"layers: {LAYERS}"
            )
        names = [c.name for c in self.columns]
        if len(set(names)) != len(names):
            raise DeclarationError(f"table {self.name} declares a column twice", where=self.path)
        named = (*self.key, *self.partition_by, *self.sort_by)
        special = (self.entity, self.event_id, self.event_at, self.known_on, self.sequence, self.lookup_key)
        unknown = list(dict.fromkeys(c for c in (*named, *special) if c and c not in names))
        if unknown:
            what = f"table {self.name} names unknown columns {', '.join(unknown)}"
            raise DeclarationError(what, where=self.path, fix=nearest_name(unknown[0], names))

    @property
    def layer(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> str:
        """The part of the name after the dot."""
        return self.name.partition(".")[2]

    def column(self, name: str) -> Column:
        """The column called ``name``; DeclarationError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DeclarationError(f"table {self.name} has no column {name}", where=self.path)

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """The columns that are stored in the Parquet files: all but the partition columns."""
        return tuple(c for c in self.columns if c.name not in self.partition_by)
