"""Writes the accepted rows of one bucket and period as one file of the clean table; nothing is committed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.ingest.conflicts import PARENT_UNKNOWN
from tallystick.ingest.counts import Outcome
from tallystick.ingest.judging import all_suspects
from tallystick.ingest.placing import Placed, TablePlan, rejects_of
from tallystick.ingest.resources import TableFiles
from tallystick.ingest.staging import KEY, StagedBatch, StagedPart, constant, copied, is_among, put, take


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteTask:
    """The parts of one bucket and period. ``suspects`` are paths of the keys that were settled apart, ``parents`` paths
    of the objects that each column may name.
    """

    plan: TablePlan
    bucket: int
    period: str
    parts: tuple[tuple[StagedBatch, StagedPart], ...]
    suspects: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)
    storage: TableFiles
    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The files of a bucket, and what happened to its rows that had not been settled before."""

    placed: Placed
    files: tuple[Any, ...] = ()


def write_bucket(task: WriteTask) -> list[Written]:
    """Leave out what was settled as no row, or names a parent that nobody delivered, and write the rest sorted."""
    placed = Placed(table=task.plan.table)
    suspects = all_suspects(task.suspects)
    parents = {column: take(path)["_id"] for column, path in task.parents.items()}
    rejects: list[pa.Table] = []
    pieces = []
    for batch, part in task.parts:
        rows = pa.Table.from_batches([batch.read_part(part)])
        if not batch.is_settled:
            is_again = task.plan.is_again(batch.file)
            rows = _alone(rows, suspects)
            fault = _orphans(rows, parents)
            if fault is not None:
                orphans = pc.is_valid(fault)
                if not is_again:
                    told = fault.filter(orphans)
                    _count(placed, rows.filter(orphans), told, batch.file)
                    rejects.append(_rejects(rows.filter(orphans), told, batch.file, task.plan))
                rows = rows.filter(pc.invert(orphans))
            if rows.num_rows:
                first = (batch.file, pc.min(rows["_line"]).as_py())
                placed.outcomes.add(Outcome("accepted", is_parked=is_again), rows.num_rows, first)
        if rows.num_rows:
            pieces.append(copied(rows.select(_stored(task.plan))))
    if rejects:
        placed.rejects.append(put(pa.concat_tables(rejects), Path(task.folder)))
    if not pieces:
        return [Written(placed=placed)]
    return [Written(placed=placed, files=(_write(task, pieces),))]


def _stored(plan: TablePlan) -> list[str]:
    """The staged columns that the table has."""
    apart = {*plan.constants, "bucket", "period"}
    return [column.name for column in plan.contract.columns if column.name not in apart]


def _alone(rows: pa.Table, suspects: np.ndarray) -> pa.Table:
    if not len(suspects):
        return rows
    met = is_among(rows[KEY].to_numpy(), suspects)
    return rows.filter(pa.array(~met)) if met.any() else rows


def _orphans(rows: pa.Table, parents: Mapping[str, pa.ChunkedArray]) -> pa.ChunkedArray | None:
    """``parent_unknown|column`` for rows that name an unknown parent, by the first such column; None without any."""
    fault: pa.ChunkedArray | None = None
    for column, known in parents.items():
        unknown = pc.and_(pc.is_valid(rows[column]), pc.invert(pc.is_in(rows[column], value_set=known)))
        if pc.any(unknown).as_py():
            told = pc.if_else(unknown, f"{PARENT_UNKNOWN}|{column}", pa.scalar(None, pa.string()))
            fault = told if fault is None else pc.coalesce(fault, told)
    return fault


def _count(placed: Placed, rows: pa.Table, fault: pa.ChunkedArray, file: str) -> None:
    told = pa.table({"fault": fault, "line": rows["_line"]})
    for row in told.group_by("fault").aggregate([("line", "count"), ("line", "min")]).to_pylist():
        outcome = Outcome("rejected", PARENT_UNKNOWN, row["fault"].partition("|")[2])
        placed.outcomes.add(outcome, row["line_count"], (file, row["line_min"]))


def _rejects(rows: pa.Table, fault: pa.ChunkedArray, file: str, plan: TablePlan) -> pa.Table:
    return rejects_of(rows, fault, file=file, raw=rows["_raw"], plan=plan)


def _write(task: WriteTask, pieces: list[pa.Table]) -> Any:
    """Write the rows of the pieces, sorted; the list is empty after it, so that they can be let go of meanwhile."""
    contract = task.plan.contract
    rows = pa.concat_tables(pieces, promote_options="permissive")
    pieces.clear()
    for name, value in task.plan.constants.items():
        kind = pa.string() if name == "source" else pa.date32()
        rows = rows.append_column(name, constant(value, rows.num_rows, kind))
    places = {"source": task.plan.source, "bucket": str(task.bucket), "period": task.period}
    partition = {name: places[name] for name in contract.partition_by}
    columns = {column.name: rows[column.name] for column in contract.file_columns}
    del rows
    return task.storage.write(contract.name, partition, _sorted(columns, contract.sort_by))


def _sorted(columns: dict[str, pa.ChunkedArray], by: Sequence[str]) -> pa.Table:
    """The columns as a table in that order. Each is taken out of the mapping when it has been sorted: all rows twice
    would be the most that a load holds.
    """
    keys = [(name, "ascending") for name in by if name in columns]
    if not keys:
        return pa.table(columns)
    order = pc.sort_indices(pa.table(columns), keys)
    return pa.table({name: columns.pop(name).combine_chunks().take(order) for name in list(columns)})
