"""Lists the files of one version of a table, and chooses among them by partition and by bounds; no Spark.

A job pins the versions of all its inputs at its start. Loads that are committed meanwhile do not change what it reads,
and the versions can be recorded with its result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow.fs import SubTreeFileSystem

from tallystick.spec.data_files import Bound, DataFile
from tallystick.tables.store.file_access import ask_at_once, file_system, inner_path, is_remote, read_small
from tallystick.tables.store.log_copies import place_of
from tallystick.tables.store.slices import Slice
from tallystick.tables.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

# Spark cuts the instants in its statistics to milliseconds: a stored maximum stands for that whole millisecond.
TRUNCATION = timedelta(milliseconds=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A version of a table and its files, fixed for a whole job: later commits do not change what it reads."""

    name: str
    path: str
    version: int
    files: tuple[DataFile, ...]

    def where(self, **values: object) -> Pinned:
        """The same version with only the files of these partition values, e.g. ``where(source="a", bucket=3)``."""
        wanted = {name: str(value) for name, value in values.items()}
        kept = [f for f in self.files if all(f.partition.get(name) == value for name, value in wanted.items())]
        return replace(self, files=tuple(kept))

    def overlapping(self, column: str, *, low: Bound | None = None, high: Bound | None = None) -> Pinned:
        """The same version less the files that surely hold no row with ``low <= column < high``."""
        where = Slice.to_read(column=column, between=(low, high))
        return replace(self, files=tuple(f for f in self.files if placement(f.bounds, where) != "outside"))

    @property
    def rows(self) -> int:
        """The rows of all files."""
        return sum(f.rows for f in self.files)

    @property
    def paths(self) -> tuple[str, ...]:
        """The absolute paths of all files."""
        return tuple(f.path for f in self.files)


def pin(warehouse: Warehouse, name: str, *, version: int | None = None) -> Pinned:
    """The files of the table's version (default: the newest), in a stable order. NotFound when there is none."""
    table = warehouse.open(name, version=version)
    return Pinned(name, str(warehouse.table_path(name)), table.version(), tuple(live_files(table)))


def pin_all(warehouse: Warehouse, names: Iterable[str]) -> dict[str, Pinned]:
    """The newest versions of several tables as of one moment: a publication is in all of them or in none."""
    wanted = list(names)
    return warehouse.at_one_moment(lambda: {name: pin(warehouse, name) for name in wanted})


def live_files(table: DeltaTable) -> list[DataFile]:
    """All files of the opened version, ordered by path."""
    folder = str(place_of(table))
    # By its own interface: ``pa.table`` would import pandas to see whether this is a frame.
    actions = pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()
    parts = [name for name in actions.column_names if name.startswith("partition.")]
    dated = [
        name.removeprefix("min.")
        for name in actions.column_names
        if name.startswith("min.") and pa.types.is_temporal(actions.schema.field(name).type)
    ]
    bounds = [f"{side}.{column}" for column in dated for side in ("min", "max")]
    plain = actions.select(["path", "size_bytes", "num_records", *parts]).to_pylist()
    found = {name: _bound_values(actions[name]) for name in bounds}
    rows = [row | {name: values[place] for name, values in found.items()} for place, row in enumerate(plain)]
    return sorted((_live_file(folder, row, parts, dated) for row in rows), key=lambda f: f.rel)


def arrow_dataset(table: DeltaTable) -> ds.FileSystemDataset:
    """The rows of the opened version for Arrow's and DuckDB's scans, read by Arrow's own file system.

    Deltalake's own one is written in Python, and a scan that needs no more rows leaves reads running in Arrow's
    threads: one that calls Python while the process ends aborts it ("terminate called without an active exception").
    """
    folder = str(place_of(table))
    return table.to_pyarrow_dataset(filesystem=SubTreeFileSystem(inner_path(folder), file_system(folder)))


def fetched_dataset(table: DeltaTable, *, most: int, chosen: pc.Expression | None = None) -> ds.FileSystemDataset:
    """``arrow_dataset`` for a scan that begins at once: of a table in a store, its small files are here already.

    That is one request a file, where Arrow makes three. Nothing is fetched of more than ``most`` files, of which the
    scan may want some only. ``chosen`` is a filter that it has: files that surely hold no row of it are left out.
    """
    whole, folder = arrow_dataset(table), str(place_of(table))
    fragments = list(whole.get_fragments(chosen)) if is_remote(folder) else []
    if not 0 < len(fragments) <= most:
        return whole
    contents = ask_at_once(read_small, [f"{folder}/{fragment.path}" for fragment in fragments])
    here = [
        fragment
        if content is None
        else whole.format.make_fragment(pa.py_buffer(content), partition_expression=fragment.partition_expression)
        for fragment, content in zip(fragments, contents, strict=True)
    ]
    return type(whole)(here, whole.schema, whole.format, whole.filesystem)


def file_paths(table: DeltaTable) -> Iterator[str]:
    """The paths of the files of the opened version, which are looked up when the first is asked for."""
    yield from (file.path for file in live_files(table))


def _bound_values(column: pa.ChunkedArray) -> list[Bound | None]:
    """The dates or instants of a column; Arrow would import pandas for every instant with a zone."""
    if not pa.types.is_timestamp(column.type):
        return list(column.to_pylist())
    micros = column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64()).to_pylist()
    return [None if one is None else _EPOCH + timedelta(microseconds=one) for one in micros]


def _live_file(folder: str, row: dict[str, Any], parts: list[str], dated: list[str]) -> DataFile:
    pairs = {column: (row[f"min.{column}"], row[f"max.{column}"]) for column in dated}
    return DataFile(
        table_path=folder,
        rel=row["path"],
        size=row["size_bytes"],
        rows=row["num_records"] or 0,  # unknown for a file of another writer; ours always say it
        partition={name.removeprefix("partition."): str(row[name]) for name in parts},
        bounds={column: pair for column, pair in pairs.items() if pair[0] is not None and pair[1] is not None},
    )


def in_partition(partition: Mapping[str, str], where: Slice) -> bool:
    """Whether a file's partition values are the slice's."""
    return all(partition.get(name) == value for name, value in where.partition.items())


def placement(bounds: Mapping[str, tuple[Bound, Bound]], where: Slice) -> str:
    """Where a file of the slice's partition lies: ``inside`` the bounds, ``outside``, or ``across`` (also: unknown)."""
    if where.low is None and where.high is None:
        return "inside"
    if where.column not in bounds:
        return "across"  # the file must be read to know
    least, most = bounds[where.column]
    is_truncated = isinstance(most, datetime) and most.microsecond % 1000 == 0
    beyond = most + TRUNCATION if is_truncated else most
    is_above_low = where.low is None or least >= where.low
    is_below_high = where.high is None or (beyond <= where.high if is_truncated else most < where.high)
    if is_above_low and is_below_high:
        return "inside"
    starts_after = where.high is not None and least >= where.high
    ends_before = where.low is not None and (beyond <= where.low if is_truncated else most < where.low)
    return "outside" if starts_after or ends_before else "across"
