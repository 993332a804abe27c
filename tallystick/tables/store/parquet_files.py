"""Writes and reads the Parquet files of a table inside a task: no Delta log, no Spark, no driver.

What the commit must know of a file is found while its rows are still in memory (``DataFile``), so the driver never
reads a file again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.errors import ContractError, NotFound
from tallystick.places import RemotePath, to_place
from tallystick.spec.data_files import DataFile, WriterFacts
from tallystick.spec.tables import TableContract
from tallystick.tables.store.disk import damaged_file_is_setup_error, full_disk_is_setup_error
from tallystick.tables.store.file_access import file_system, inner_path, open_output, open_parquet, read_small
from tallystick.tables.store.schemas import conform, layout_fingerprint, stats_columns
from tallystick.tables.store.slices import plain_value

# Small enough that a reader of some customers skips most of a file, large enough for a few pages a column.
ROW_GROUP_ROWS = 131_072

# Of features a reader may want one customer, and decodes hundreds of columns of the whole group for that: a look-up
# in any bank takes what 16,384 rows take, and writing a tenth more.
FEATURE_GROUP_ROWS = 16_384

# Types that are stored as differences of neighbours.
_PACKED = ("int32", "int64", "date", "timestamp")


def write_file(
    table_path: str | Path, rel: str, data: pa.Table, partition: Mapping[str, object], contract: TableContract
) -> DataFile:
    """Write ``data``, sorted as the contract says and without its partition columns, to ``<table_path>/<rel>``.

    ``rel`` is new for every attempt of a task; a file that exists already is an error, so is an empty one. The file
    belongs to no version of the table until ``replace_files`` commits it. Wrong columns or types are a ContractError;
    nulls and repeated keys are counted here and judged at the commit.
    """
    where = f"{contract.name}, file {rel}"
    check_rel(rel, where)
    values = {name: plain_value(name, value) for name, value in partition.items()}
    if set(values) != set(contract.partition_by):
        raise ContractError(f"partition {sorted(values)} is not {sorted(contract.partition_by)}", where=where)
    rows = conform(data, contract, where)
    if rows.num_rows == 0:
        raise ContractError("a file without rows", where=where, fix="write no file for an empty partition")
    counts = zip(rows.column_names, (column.null_count for column in rows.itercolumns()), strict=True)
    nulls = {name: count for name, count in counts if count}
    bounds = {name: _bounds(rows[name]) for name in stats_columns(contract)}
    path = to_place(table_path) / rel
    size = _write(rows, path, contract, where)
    dated = {name: pair for name, pair in bounds.items() if isinstance(pair[0], date)}
    facts = WriterFacts(
        stats=stats_json(rows.num_rows, bounds, nulls),
        nulls=nulls,
        is_key_unique=has_unique_key(rows, contract),
        layout=layout_fingerprint(contract),
    )
    return DataFile(
        table_path=str(table_path),
        rel=rel,
        size=size,
        rows=rows.num_rows,
        partition=values,
        bounds=dated,
        written=facts,
    )


def new_rel(partition: dict[str, object]) -> str:
    """A new relative path for a file of the partition, Hive style."""
    return "/".join([*(f"{name}={value}" for name, value in partition.items()), f"{uuid.uuid4().hex}.parquet"])


def check_rel(rel: str, where: str) -> None:
    """ContractError unless ``rel`` is a Parquet path inside the table."""
    parts = PurePosixPath(rel).parts
    is_inside = not rel.startswith("/") and ".." not in parts and parts and not parts[0].startswith(("_", "."))
    if not is_inside or not rel.endswith(".parquet"):
        raise ContractError("the path of a file must lie inside its table and end in .parquet", where=where)


def has_unique_key(rows: pa.Table, contract: TableContract) -> bool:
    """Whether no two rows of the table share the key's columns that are in the files (nulls compare as equal)."""
    key = [name for name in contract.key if name not in contract.partition_by]
    if not key:
        return not contract.key or rows.num_rows <= 1
    return bool(rows.select(key).group_by(key, use_threads=False).aggregate([]).num_rows == rows.num_rows)


def _bounds(column: pa.ChunkedArray) -> tuple[Any, Any]:
    pair = pc.min_max(column).as_py()
    return pair["min"], pair["max"]


def stats_json(rows: int, bounds: Mapping[str, tuple[object, object]], nulls: Mapping[str, int]) -> str:
    """A file's statistics as Delta's log has them: bounds and nulls of the columns of ``bounds``, which may be null."""
    known = {name: pair for name, pair in bounds.items() if pair[0] is not None}
    return json.dumps(
        {
            "numRecords": rows,
            "minValues": {name: _stat(pair[0]) for name, pair in known.items()},
            "maxValues": {name: _stat(pair[1]) for name, pair in known.items()},
            "nullCount": {name: nulls.get(name, 0) for name in bounds},
        }
    )


def _stat(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value


def parquet_options(contract: TableContract) -> dict[str, Any]:
    """How every writer of this project stores a table's columns: pyarrow's options but for the row groups.

    Whole numbers, dates and instants as differences of neighbours: written a third faster, read twice as fast, and no
    larger after zstd. Dictionaries pay for texts only; on hundreds of numeric columns they cost time and save little.
    Features are many columns of few rows that nobody could skip by: packed ones gain 2 % by compression, and only what
    tells the rows apart has bounds.
    """
    columns = contract.file_columns
    texts = [column.name for column in columns if column.type == "string"]
    packed = {column.name: "DELTA_BINARY_PACKED" for column in columns if column.type in _PACKED}
    options = {"use_dictionary": texts, "column_encoding": packed}
    if contract.layer != "feature":
        return options | {"compression": "zstd"}
    kinds = {c.name: "none" if c.name in packed else "lz4" if c.type == "double" else "zstd" for c in columns}
    key = [column.name for column in columns if column.name in contract.key]
    return options | {"compression": kinds, "write_statistics": key}


def _write(rows: pa.Table, path: Path, contract: TableContract, where: str) -> int:
    """Write the file; its bytes."""
    # A store is not asked: a name is drawn by chance, and two requests a file are many of a small night's.
    if not isinstance(path, RemotePath) and path.exists():
        raise ContractError("the file exists already", where=where, fix="use a new name for every attempt")
    with full_disk_is_setup_error(where):
        try:
            with open_output(path) as sink:
                most = FEATURE_GROUP_ROWS if contract.layer == "feature" else ROW_GROUP_ROWS
                pq.write_table(rows, sink, row_group_size=most, **parquet_options(contract))
                size = int(sink.tell())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return size


def read_files(
    paths: Sequence[str], columns: Sequence[str] | pa.Schema, *, filters: pc.Expression | None = None
) -> pa.Table:
    """The rows of Parquet files one after the other, ``columns`` only; runs in tasks, so it uses one thread.

    Partition columns are not in the files. Given an Arrow schema instead of names, a column that a file does not have
    yet is null and the result has exactly the schema's types: texts of a dictionary type come as the codes that stand
    in the file. No path gives no rows (with names alone: no columns).
    NotFound when a file is gone: its version is older than the retention.
    """
    with damaged_file_is_setup_error(_table_of(paths), paths):
        return _read_all(paths, columns, filters)


def _table_of(paths: Sequence[str]) -> str:
    """The name of the table whose files these are, ``layer.table``: the two folders above the partitions."""
    parents = Path(paths[0]).parts[:-1] if paths else ()
    return ".".join([part for part in parents if "=" not in part][-2:]) or "a table"


def _read_all(paths: Sequence[str], columns: Sequence[str] | pa.Schema, filters: pc.Expression | None) -> pa.Table:
    if isinstance(columns, pa.Schema):
        coded = [field.name for field in columns if pa.types.is_dictionary(field.type)]
        pieces = [_with_schema(_read_one(path, columns.names, filters, coded=coded), columns) for path in paths]
        return pa.concat_tables(pieces) if pieces else columns.empty_table()
    pieces = [_read_one(path, list(columns), filters) for path in paths]
    unknown = set(columns).difference(*(piece.column_names for piece in pieces)) if pieces else set()
    if unknown:
        raise NotFound(f"no file has the columns {sorted(unknown)}", where=Path(paths[0]).parent.name)
    return pa.concat_tables(pieces, promote_options="default") if pieces else pa.table({})


def _read_one(path: str, names: list[str], filters: pc.Expression | None, *, coded: Sequence[str] = ()) -> pa.Table:
    """The columns of ``names`` that the file has, in their order."""
    try:
        with _open(path, coded) as file:
            held = set(file.schema_arrow.names)
            columns = [name for name in names if name in held]
            # Without a filter one open file is enough; pyarrow's reader of datasets, which filters, opens it again.
            if filters is None:
                return file.read(columns, use_threads=False).select(columns)
    except FileNotFoundError:
        where = Path(path).name
        raise NotFound("a file of the pinned version is gone", where=where, fix="pin a newer version") from None
    content = read_small(path)
    source = (
        {"source": inner_path(path), "filesystem": file_system(path)}
        if content is None
        else {"source": pa.BufferReader(content)}
    )
    return pq.read_table(**source, columns=columns, filters=filters, use_threads=False, partitioning=None)


def _open(path: str, coded: Sequence[str]) -> pq.ParquetFile:
    options = {"coerce_int96_timestamp_unit": "us"}
    try:
        return open_parquet(path, read_dictionary=list(coded), **options)
    except KeyError:  # a file that lacks one of these columns
        with open_parquet(path) as file:
            held = set(file.schema_arrow.names)
        return open_parquet(path, read_dictionary=[name for name in coded if name in held], **options)


def _with_schema(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    arrays = [
        piece[field.name].cast(field.type) if field.name in piece.column_names else pa.nulls(piece.num_rows, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
