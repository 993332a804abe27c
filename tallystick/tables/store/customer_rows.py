"""Reads the rows of one customer out of a table's files, and as little else as the files allow.

Kept apart from ``parquet_files``, whose readers take whole files: a look-up wants a few rows out of many, at once, in
a process that answers again and again. Files are sorted by customer, so the bounds of a row group say whether it can
hold the customer; only such groups are decoded.

A scalar of Arrow would import pandas, which takes longer than a whole answer: rows are found by the codes of the
customers' dictionary, and instants become Python's by ``instants_of``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.errors import NotFound
from tallystick.hashes import hash_text
from tallystick.spec.data_files import DataFile
from tallystick.tables.store.disk import damaged_file_is_setup_error
from tallystick.tables.store.file_access import open_parquet

CUSTOMER = "customer_id"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class CustomerFiles:
    """The files of pinned versions, opened when first asked for and kept open: a footer of many columns takes time.

    ``most`` files are kept, those asked for last. One thread asks at a time.
    """

    most: int = 256
    _open: dict[str, pq.ParquetFile] = field(default_factory=dict)

    def read(self, files: Iterable[DataFile], customer: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The customer's rows in these files, of ``columns`` or all that are in the files, one file after the other.

        None where no file holds the customer. Columns that one of the files lacks are null in its rows. NotFound when a
        file is gone: its version is older than the retention.
        """
        pieces = []
        for file in files:
            with damaged_file_is_setup_error(file.table_path, [file.path]):
                piece = self._read_one(file, customer, columns)
            if piece is not None:
                pieces.append(piece)
        return pa.concat_tables(pieces, promote_options="default") if pieces else None

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _read_one(self, data: DataFile, customer: str, columns: Sequence[str] | None) -> pa.Table | None:
        file = self._opened(data)
        groups = _candidates(file.metadata, customer)
        if not groups:
            return None
        owners = file.read_row_groups(groups, columns=[CUSTOMER], use_threads=False)[CUSTOMER]
        spans = _spans(owners, customer)
        if not spans:
            return None
        held = file.schema_arrow.names
        wanted = held if columns is None else [name for name in columns if name in held]
        rows = file.read_row_groups(groups, columns=wanted, use_threads=False).select(wanted)
        own = pa.concat_tables([rows.slice(first, count) for first, count in spans])
        if CUSTOMER in wanted:
            own = own.set_column(wanted.index(CUSTOMER), CUSTOMER, own[CUSTOMER].cast(pa.string()))
        # A copy: a slice would hold on to all that was decoded.
        return own.combine_chunks()

    def _opened(self, data: DataFile) -> pq.ParquetFile:
        found = self._open.pop(data.path, None)
        if found is None:
            try:
                found = open_parquet(data.path, coerce_int96_timestamp_unit="us", read_dictionary=[CUSTOMER])
            except FileNotFoundError:
                where = data.path.rpartition("/")[2]
                raise NotFound("a file of the pinned version is gone", where=where, fix="pin a newer version") from None
        self._open[data.path] = found
        while len(self._open) > self.most:
            self._open.pop(next(iter(self._open))).close()
        return found


def customer_bucket(customer: str, buckets: int) -> int:
    """The bucket of one customer, as ``store.bucketing.bucket_of`` gives it for a column."""
    return hash_text(customer) % buckets


def instants_of(column: pa.ChunkedArray) -> list[datetime]:
    """The instants of a column of UTC time stamps without nulls, as Python's."""
    return [EPOCH + timedelta(microseconds=micros) for micros in column.cast(pa.int64()).to_pylist()]


def _spans(owners: pa.ChunkedArray, customer: str) -> list[tuple[int, int]]:
    """Where the customer's rows stand, as runs of neighbours: the first place and how many."""
    found, start = [], 0
    for chunk in owners.chunks:
        names = chunk.dictionary.to_pylist()
        if customer in names:
            codes = chunk.indices.cast(pa.int32())
            held = np.frombuffer(codes.buffers()[1], dtype=np.int32)[codes.offset : codes.offset + len(codes)]
            is_own = held == names.index(customer)
            edges = np.flatnonzero(np.diff(np.concatenate(([0], is_own.astype(np.int8), [0]))))
            found += [(start + int(low), int(high - low)) for low, high in zip(edges[::2], edges[1::2], strict=True)]
        start += len(chunk)
    return found


def _candidates(metadata: pq.FileMetaData, customer: str) -> list[int]:
    """The row groups that may hold the customer, by the bounds of the column; without bounds, all."""
    if not metadata.num_row_groups:
        return []
    first = metadata.row_group(0)
    place = next(i for i in range(first.num_columns) if first.column(i).path_in_schema == CUSTOMER)
    found = []
    for number in range(metadata.num_row_groups):
        bounds = metadata.row_group(number).column(place).statistics
        if bounds is None or not bounds.has_min_max or bounds.min <= customer <= bounds.max:
            found.append(number)
    return found
