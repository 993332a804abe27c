"""Observations that somebody gives: any file or table of customers and instants, split by bucket for the tasks.

The driver reads the rows once, in batches, and writes each bucket's rows to a file of its own below the warehouse: a
task then reads what it needs and no more, however many rows are given.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import csv
from pyarrow import parquet as pq

from tallystick.errors import InputError
from tallystick.places import RemotePath
from tallystick.spec.calendar import business_instant
from tallystick.spec.sources import Source
from tallystick.spec.tables import LAYERS, Column, TableContract
from tallystick.tables.store.bucketing import bucket_of
from tallystick.tables.store.duckdb_files import let_duckdb_read
from tallystick.tables.store.file_access import file_system, inner_path
from tallystick.tables.store.snapshots import arrow_dataset
from tallystick.tables.store.warehouse import Warehouse

# The name under which tasks know these files. It is no table: nothing is committed.
GIVEN = "raw.observations"
GIVEN_CONTRACT = TableContract(
    name=GIVEN,
    description="Observations as they were given",
    grain="one row per observation, repeated or not",
    owner="whoever gives them",
    columns=(
        Column(name="observation_id", type="string", required=True, description="Its key", pii="pseudonymous"),
        Column(name="customer_id", type="string", required=True, description="The customer", pii="pseudonymous"),
        Column(name="as_of", type="timestamp", required=True, description="The instant, UTC"),
    ),
    key=("observation_id", "as_of"),
    entity="customer_id",
)
_INSTANT = pa.timestamp("us", "UTC")
_SCHEMA = pa.schema([("observation_id", pa.string()), ("customer_id", pa.string()), ("as_of", _INSTANT)])
_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv"}
_AS_OF = "as_of is an instant with its offset (2026-03-10T15:30:00+08:00) or a date, which means its local midnight"


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenFiles:
    """The split observations: a file for each bucket that has any, and how many rows were given."""

    files: dict[int, str]
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Named:
    """The columns that hold an observation's own key and its instant."""

    key: str
    as_of: str

    @property
    def columns(self) -> list[str]:
        """What is read, each column once."""
        return list(dict.fromkeys((self.key, "customer_id", self.as_of)))


@contextmanager
def split_observations(
    warehouse: Warehouse, text: str, *, source: Source, key: str = "customer_id", as_of: str = "as_of"
) -> Iterator[GivenFiles]:
    """The observations in ``text``, a Parquet or CSV file, a folder of Parquet files, or a ``layer.table``, by bucket.

    ``key`` and ``as_of`` are its columns of those meanings; it has ``customer_id`` besides. The files are gone when the
    block ends. InputError, naming no value: a column is missing or has another type, a customer, key or instant is
    null, a customer is of another source, or nothing is given.
    """
    # Below the warehouse, not in TMPDIR: on a cluster the tasks run on other machines and see only the warehouse.
    home = warehouse.root / "_given"
    home.mkdir(parents=True, exist_ok=True)
    is_folder = not isinstance(home, RemotePath)
    folder = Path(mkdtemp(prefix=f"{source.name}-", dir=home)) if is_folder else home / f"{source.name}-{uuid4().hex}"
    try:
        named = _Named(key=key, as_of=as_of)
        yield _split(_batches(warehouse, text, named), folder, source=source, named=named, where=text)
    finally:
        if is_folder:
            shutil.rmtree(folder, ignore_errors=True)
        for left in folder.rglob("*.parquet"):
            left.unlink(missing_ok=True)


def _batches(warehouse: Warehouse, text: str, named: _Named) -> Iterator[pa.RecordBatch]:
    path = Path(text).expanduser()
    layer = text.partition(".")[0]
    if not path.exists() and layer in LAYERS and "/" not in text:
        return _scan(arrow_dataset(warehouse.open(text)), text, named)
    if not path.exists():
        raise InputError("there is no such file", where=text, fix="a Parquet or CSV file, or a layer.table")
    kind = "parquet" if path.is_dir() else _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError("the file's kind is not known by its name", where=text, fix="end it with .parquet or .csv")
    if kind == "csv":
        # Identifiers that look like numbers stay texts.
        convert = csv.ConvertOptions(
            column_types={"customer_id": pa.string(), named.key: pa.string()}, strings_can_be_null=True
        )
        return _scan(_opened(path, ds.CsvFileFormat(convert_options=convert), text), text, named)
    return _scan(_opened(path, ds.ParquetFileFormat(), text), text, named)


def _opened(path: Path, kind: ds.FileFormat, text: str) -> ds.Dataset:
    try:
        return ds.dataset(path, format=kind)
    except pa.ArrowInvalid:
        # Arrow's message may quote a row.
        what = "the file is empty, broken, or has a column twice"
        raise InputError(what, where=text, fix="one line of names, each once, then the rows") from None


def _scan(dataset: ds.Dataset, text: str, named: _Named) -> Iterator[pa.RecordBatch]:
    lacking = [name for name in named.columns if name not in dataset.schema.names]
    if lacking:
        needed = " and ".join(named.columns)
        raise InputError(f"there is no column {' or '.join(lacking)}", where=text, fix=f"columns {needed}")
    try:
        yield from dataset.to_batches(columns=named.columns)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Arrow's message may quote a row.
        raise InputError("a row cannot be read in the type of the rows before it", where=text, fix=_AS_OF) from None


def _split(batches: Iterator[pa.RecordBatch], folder: Path, *, source: Source, named: _Named, where: str) -> GivenFiles:
    writers: dict[int, pq.ParquetWriter] = {}
    rows = 0
    try:
        for batch in batches:
            if not batch.num_rows:
                continue
            made = _conform(batch, source=source, named=named, where=where)
            rows += made.num_rows
            buckets = bucket_of(made["customer_id"], source.layout.buckets)
            for bucket in np.unique(buckets).tolist():
                if bucket not in writers:
                    writers[bucket] = _writer(str(folder / f"{bucket}.parquet"))
                writers[bucket].write_table(made.filter(pa.array(buckets == bucket)))
    finally:
        for writer in writers.values():
            writer.close()
    if not rows:
        raise InputError("no observation is given", where=where)
    files = {bucket: str(folder / f"{bucket}.parquet") for bucket in sorted(writers)}
    if named.key != "customer_id" and _has_shared_id(list(files.values())):
        what = f"one {named.key} stands for two customers at one instant"
        raise InputError(what, where=where, fix="give each observation a key of its own")
    return GivenFiles(files=files, rows=rows)


def _writer(path: str) -> pq.ParquetWriter:
    return pq.ParquetWriter(inner_path(path), _SCHEMA, filesystem=file_system(path))


def _has_shared_id(paths: list[str]) -> bool:
    """Whether an observation_id has two customers at one instant, in whatever buckets they are."""
    # DuckDB, because it spills to disk where an Arrow group_by would not.
    import duckdb

    with duckdb.connect() as connection:
        let_duckdb_read(connection, paths)
        rows = connection.read_parquet(paths)
        key = "observation_id, as_of"
        found = rows.aggregate(f"{key}, count(DISTINCT customer_id) AS n", key).filter("n > 1").limit(1)
        return bool(found.fetchall())


def _conform(batch: pa.RecordBatch, *, source: Source, named: _Named, where: str) -> pa.Table:
    given = pa.table(batch)
    for name in named.columns:
        nulls = given[name].null_count
        if nulls:
            raise InputError(f"{nulls} rows have no {name}", where=where, fix="remove or fill them")
    customers = _texts(given, "customer_id", where=where, fix=f"texts such as {source.name}:123")
    keys = _texts(given, named.key, where=where, fix="texts that tell the observations apart")
    foreign = pc.sum(pc.invert(pc.starts_with(customers, f"{source.name}:"))).as_py()
    if foreign:
        what = f"{foreign} rows are of no customer of {source.name}"
        raise InputError(what, where=where, fix=f"their ids begin with {source.name}:")
    return pa.table([keys, customers, _instants(given[named.as_of], source.zone, where)], schema=_SCHEMA)


def _texts(given: pa.Table, name: str, *, where: str, fix: str) -> pa.ChunkedArray:
    column = given[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise InputError(f"{name} is {column.type}", where=where, fix=fix)
    return column.cast(pa.string())


def _instants(column: pa.ChunkedArray, zone: str, where: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_date(kind):
        coded = column.combine_chunks().cast(pa.date32()).dictionary_encode()
        midnights = [business_instant(datetime.combine(day, time()), zone) for day in coded.dictionary.to_pylist()]
        return pa.chunked_array([pa.array(midnights, _INSTANT).take(coded.indices)])
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        raise InputError(f"as_of is {kind}", where=where, fix=_AS_OF)
    try:
        return column.cast(_INSTANT)
    except pa.ArrowInvalid:
        raise InputError("as_of is finer than a microsecond", where=where, fix="round it") from None
