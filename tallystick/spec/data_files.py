"""One data file of a table: the value that writers, versions, planning and compaction share.

It stands in ``spec`` because a stage plans with files and must not know the store that they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from tallystick.errors import ContractError

Bound = date | datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class WriterFacts:
    """What only the writer of a file can tell without reading it again; the commit checks it against the contract.

    ``stats`` is Delta's JSON. ``nulls`` counts nulls of the columns that have any. ``is_key_unique`` is about this
    file alone. ``layout`` is the fingerprint of the columns, types and order that it was written in.
    """

    stats: str
    nulls: Mapping[str, int]
    is_key_unique: bool
    layout: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """One Parquet file of a table, just written or named by a version.

    ``rel`` is its path below the table's folder ``table_path``. ``partition`` has its values as text. ``bounds`` are
    the (min, max) of date and instant columns, as far as they are known: exact in a new file, what the log says in a
    version. ``written`` is None for a file read from the log. ``column_bytes`` are the compressed bytes of each
    column, filled where the footer was read.
    """

    table_path: str
    rel: str
    size: int
    rows: int
    partition: Mapping[str, str]
    bounds: Mapping[str, tuple[Bound, Bound]] = field(default_factory=dict)
    written: WriterFacts | None = None
    column_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{self.table_path}/{self.rel}"

    @property
    def facts(self) -> WriterFacts:
        """What its writer found out; ContractError for a file that a version names already."""
        if self.written is None:
            raise ContractError("the file is no new one", where=f"file {self.rel}", fix="hand in what write_file gave")
        return self.written
