"""Replaces a slice of a table with ready files or with an Arrow table; ``frames`` does it for a Spark DataFrame.

A Delta commit of ready files checks nothing: neither types, nulls and keys nor whether the rows lie in the slice. All
of that is checked here, and every writer without Spark comes through here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from tallystick.errors import ConflictError, ContractError
from tallystick.places import RemotePath
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.bucketing import check_rows, check_writer, mark_of
from tallystick.tables.store.commits import (
    FileChange,
    commit_change,
    confirm_commit,
    find_commit,
    find_done,
    held_version,
)
from tallystick.tables.store.file_access import size_of
from tallystick.tables.store.file_writer import split_file
from tallystick.tables.store.keys import check_keys
from tallystick.tables.store.log_copies import place_of
from tallystick.tables.store.parquet_files import check_rel, new_rel, write_file
from tallystick.tables.store.schemas import arrow_schema, check_names, layout_fingerprint
from tallystick.tables.store.slices import Commit, Run, Slice
from tallystick.tables.store.snapshots import in_partition, live_files, placement
from tallystick.tables.store.stored_schema import with_stored
from tallystick.tables.store.undoing import settle
from tallystick.tables.store.warehouse import Warehouse, ensure_table


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedWrite:
    """A write that was checked and not yet committed: the table as it was then, and what is to change.

    ``done`` is the commit by which the run had written the slice before; then there is nothing left to do.
    """

    name: str
    table: DeltaTable
    run: Run
    where: Slice
    change: FileChange | None = None
    done: Commit | None = None


def replace_files(
    warehouse: Warehouse, contract: TableContract, files: Sequence[DataFile], *, where: Slice, run: Run
) -> Commit:
    """Make the slice hold exactly the rows of ``files`` (from ``write_file``), in one version of the table.

    Rows outside the slice stay: of an old file that lies partly inside, they are rewritten. No files empty the slice.
    The second call with the same run and slice changes nothing and returns the first one's commit as ``skipped``.
    ContractError when the files break the contract or the slice, ConflictError when another run wrote the slice since
    this call began; in both cases the table is as before.
    """
    settle(warehouse, [contract.name])
    table = ensure_table(warehouse, contract)
    return commit_write(warehouse, check_write(table, contract, files, where=where, run=run))


def check_write(
    table: DeltaTable, contract: TableContract, files: Sequence[DataFile], *, where: Slice, run: Run
) -> CheckedWrite:
    """Check all that ``replace_files`` checks, and write the rows outside the slice again; nothing is committed.

    ``table`` is the contract's (``ensure_table``). Whoever commits to the slice after it was opened wins.
    """
    where.check(contract)
    path = place_of(table)
    # As of the opened version: whoever committed to the slice since then took this lock first, and our commit fails.
    lock = held_version(table, where)
    checked = CheckedWrite(name=contract.name, table=table, run=run, where=where)
    done = find_done(table, run, where)
    if done is not None:
        return replace(checked, done=replace(done, skipped=True))
    mark = check_writer(table, contract, where=where)
    live = live_files(table)
    check_files(path, contract, files, where=where)
    # A file that the table holds already would be added and removed in one commit.
    stale = {f.rel for f in live} & {f.rel for f in files}
    if stale or len({f.rel for f in files}) != len(files):
        raise ContractError("a file is handed in twice", where=f"table {contract.name}", fix="write new files")
    check_keys(path, contract, files)
    ours = [f for f in live if in_partition(f.partition, where)]
    places = {f.rel: placement(f.bounds, where) for f in ours}
    # Compaction merges loads, so a file may hold rows of other slices: those are written to a file of their own.
    crossing = [f for f in ours if places[f.rel] == "across"]
    kept, swapped = _rewrite_outside(with_stored(contract, table), crossing, where)
    removes = [f for f in ours if places[f.rel] == "inside"] + swapped
    metadata = run.metadata(where, files=len(files), rows=sum(f.rows for f in files))
    marks = {} if mark is None else {mark_of(where.partition["source"]): mark}
    return replace(checked, change=FileChange(where, lock + 1, [*files, *kept], removes, metadata, marks))


def commit_write(warehouse: Warehouse, checked: CheckedWrite) -> Commit:
    """Commit what was checked; ConflictError when another run has written the slice since, then nothing has changed."""
    if checked.change is None:
        if checked.done is None:
            raise ContractError("there is nothing to commit", where=f"table {checked.name}")
        return checked.done
    before, path = checked.table.version(), warehouse.table_path(checked.name)
    try:
        version = commit_change(checked.table, checked.change, name=checked.name)
    except ConflictError:
        # An object store may have taken the entry and its answer been lost: then the entry in our way is our own.
        found = find_commit(path, checked.run.run_id, checked.where, after=before)
        if found is None or not isinstance(warehouse.root, RemotePath):
            raise
        return found
    if version is not None:
        facts = json.loads(checked.change.metadata)
        return Commit(version, facts["files"], facts["rows"])
    return confirm_commit(path, checked.run, checked.where, name=checked.name, after=before)


def replace_arrow(warehouse: Warehouse, contract: TableContract, data: pa.Table, *, where: Slice, run: Run) -> Commit:
    """``replace_files`` for a small Arrow table with its partition columns: one sorted file for each partition.

    Of a run that wrote the slice before, no file is written.
    """
    where.check(contract)
    check_names(data.column_names, [c.name for c in contract.columns], f"table {contract.name}")
    settle(warehouse, [contract.name])
    table = ensure_table(warehouse, contract)
    done = find_done(table, run, where)
    if done is not None:
        return replace(done, skipped=True)
    files = write_arrow(warehouse, contract, data, where=where)
    return commit_write(warehouse, check_write(table, contract, files, where=where, run=run))


def write_arrow(warehouse: Warehouse, contract: TableContract, data: pa.Table, *, where: Slice) -> list[DataFile]:
    """The files that ``replace_arrow`` would commit: a sorted one for each partition; no version names them yet."""
    check_names(data.column_names, [c.name for c in contract.columns], f"table {contract.name}")
    check_rows(data, contract, where)
    return _write_parts(warehouse.table_path(contract.name), contract, data)


def _write_parts(path: Path, contract: TableContract, data: pa.Table) -> list[DataFile]:
    by = list(contract.partition_by)
    wanted = arrow_schema(c for c in contract.columns if c.name in by)
    for field in wanted:
        if data[field.name].null_count:
            raise ContractError(f"partition column {field.name} has nulls", where=f"table {contract.name}")
    keys = data.select(by).group_by(by).aggregate([]).to_pylist() if by else [{}] if data.num_rows else []
    files = []
    for key in keys:
        mask: pa.ChunkedArray | None = None
        for name, value in key.items():
            same = pc.equal(data[name], value)
            mask = same if mask is None else pc.and_(mask, same)
        part = (data if mask is None else data.filter(mask)).drop_columns(by)
        if contract.sort_by:
            order = [(name, "ascending") for name in contract.sort_by if name not in by]
            part = part.sort_by(order)
        files.append(write_file(path, new_rel(key), part, key, contract))
    return files


def check_files(path: Path, contract: TableContract, files: Sequence[DataFile], *, where: Slice) -> None:
    """ContractError unless each file of the table at ``path`` is as described, and fits the contract and the slice."""
    layout = layout_fingerprint(contract)
    filled = {column.name for column in contract.file_columns if column.required or column.filled}
    for file in files:
        at = f"table {contract.name}, file {file.rel}"
        check_rel(file.rel, at)
        # Looked for below the table that is committed to, wherever the task thought it wrote.
        if size_of(path / file.rel) != file.size:
            raise ContractError("the file is not there as it was written", where=at, fix="write it again")
        if file.facts.layout != layout or set(file.partition) != set(contract.partition_by):
            raise ContractError("the file was written for another contract", where=at, fix="write it again")
        nulls = [name for name in file.facts.nulls if name in filled]
        if nulls:
            raise ContractError(
                f"required columns {nulls} have nulls", where=at, fix="reject such rows before the write"
            )
        if not in_partition(file.partition, where):
            raise ContractError(f"rows outside the slice {where.name}: another partition", where=at)
        if where.column and _is_outside(file, where):
            raise ContractError(f"rows outside the slice {where.name}: {where.column} is out of bounds", where=at)


def _is_outside(file: DataFile, where: Slice) -> bool:
    least, most = file.bounds[where.column]
    return (where.low is not None and least < where.low) or (where.high is not None and most >= where.high)


def _rewrite_outside(
    contract: TableContract, crossing: Sequence[DataFile], where: Slice
) -> tuple[list[DataFile], list[DataFile]]:
    """Files with the rows of ``crossing`` that lie outside the slice, and the files that they replace."""
    kept, swapped = [], []
    for file in crossing:
        inside, outside = split_file(contract, file=file, where=where)
        if inside:  # otherwise the log's bounds were wider than the rows, and there is nothing to replace
            swapped.append(file)
            kept += outside
    return kept, swapped
