"""Finds the rows of a load that something can contradict, and settles them; all others stand alone.

A row whose key no other row of the load has, and no stored one, is a new object and needs no comparison. Nearly all
rows are of that kind, and for them only a number of eight bytes is looked at. The others go through the SQL of
``conflicts``. Equal numbers of different keys do no harm: the SQL compares the keys themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.dialect.engine import answer, connect
from tallystick.ingest.conflicts import PARENT_UNKNOWN
from tallystick.ingest.counts import Outcomes
from tallystick.ingest.earlier import EarlierRows
from tallystick.ingest.placing import Placed, TablePlan, rejects_of
from tallystick.ingest.rejected import ENTERED_LATER
from tallystick.ingest.staging import KEY, Segment, StageWriter, constant, is_among, put, take

# Names of what the SQL reads.
ROWS, COMPARED, PUBLISHED = "load_rows", "compared", "published"


def parent_name(number: int) -> str:
    """The name of the known objects that a table's parent column of that number may name."""
    return f"parent_{number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeTask:
    """A table's rows whose keys fall in one of ``shares`` equal ranges of hashes.

    ``compared`` and ``settled`` are the SQL of ``conflicts`` for DuckDB. ``parents`` are paths of the objects that each
    parent column may name, ``earlier`` the stored rows, None when the table has none.
    """

    plan: TablePlan
    segments: tuple[Segment, ...]
    parked: tuple[str, ...]
    compared: str
    settled: str
    folder: str
    parents: Mapping[str, str] = field(default_factory=dict)
    earlier: EarlierRows | None = None
    share: int = 0
    shares: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a task settled, and where the hashes of all keys that it looked at stand, sorted; empty for none."""

    placed: Placed
    suspects: str = ""


def judge_rows(task: JudgeTask) -> list[Judged]:
    """Find the suspect keys of the task's share and settle all rows that have one."""
    parked = _in_share(_each_once([take(path) for path in task.parked]), task) if task.parked else None
    suspects = _suspects(task, parked)
    if not len(suspects):
        return [Judged(placed=Placed(table=task.plan.table))]
    rows = _gather(task, suspects, parked)
    folder = Path(task.folder)
    path = put(pa.table({KEY: suspects}), folder)
    return [Judged(placed=_placed(_settle(task, rows), task.plan, folder), suspects=path)]


def _each_once(pieces: Sequence[pa.Table]) -> pa.Table:
    """Every parked row once. Each delivery of a load tried it with the views of its own files: the one that met its
    parent counts.
    """
    parked = pa.concat_tables(pieces)
    missed = pc.fill_null(pc.starts_with(parked["_fault"], PARENT_UNKNOWN), False)
    rows = pa.concat_tables([parked.filter(pc.invert(missed)), parked.filter(missed)])
    place = ["_file", "_line", "_branch"]
    told = rows.select(place).append_column("_at", pa.array(range(rows.num_rows), pa.int64()))
    return rows.take(told.group_by(place).aggregate([("_at", "min")])["_at_min"])


def _suspects(task: JudgeTask, parked: pa.Table | None) -> np.ndarray:
    keys = [_share_of(segment.batch.read_keys(), task) for segment in task.segments]
    held = np.sort(np.concatenate(keys)) if keys else np.empty(0, np.uint64)
    found = [np.unique(held[1:][held[1:] == held[:-1]])]
    if parked is not None:
        found.append(parked[KEY].to_numpy())
    if task.earlier is not None and len(held):
        once = held[np.append(True, held[1:] != held[:-1])]
        found.append(task.earlier.matching(task.plan.contract.name, task.plan.contract.event_id, once))
    return np.unique(np.concatenate(found))


def _share_of(keys: np.ndarray, task: JudgeTask) -> np.ndarray:
    return keys if task.shares == 1 else keys[keys % np.uint64(task.shares) == task.share]


def _in_share(rows: pa.Table, task: JudgeTask) -> pa.Table:
    if task.shares == 1:
        return rows
    return rows.filter(pa.array(rows[KEY].to_numpy() % np.uint64(task.shares) == task.share))


def _gather(task: JudgeTask, suspects: np.ndarray, parked: pa.Table | None) -> pa.Table:
    """All rows with a suspect key as ``judged_sql`` gives them."""
    pieces = [] if parked is None else [parked.drop_columns([KEY])]
    for segment in task.segments:
        chosen = np.flatnonzero(is_among(segment.batch.read_keys(), suspects))
        if len(chosen):
            pieces.append(_as_judged(segment, chosen, task.plan))
    names = pieces[0].column_names
    return pa.concat_tables([piece.select(names) for piece in pieces], promote_options="permissive")


def _as_judged(segment: Segment, chosen: np.ndarray, plan: TablePlan) -> pa.Table:
    rows = pa.Table.from_batches([segment.batch.read()]).take(pa.array(chosen)).drop_columns([KEY])
    size = rows.num_rows
    place = np.searchsorted([part.start for part in segment.parts], chosen, side="right") - 1
    given = {
        **{
            name: constant(value, size, pa.string() if name == "source" else pa.date32())
            for name, value in plan.constants.items()
        },
        "bucket": pa.array([segment.parts[at].bucket for at in place], pa.int32()),
        "period": pa.array([segment.parts[at].period for at in place], pa.string()),
        "_file": pa.repeat(segment.batch.file, size),
        "_is_parked": pa.repeat(False, size),
        "_is_excluded": pa.repeat(False, size),
        "_fault": pa.nulls(size, pa.string()),
    }
    for name, values in given.items():
        rows = rows.append_column(name, values)
    return rows


def _settle(task: JudgeTask, rows: pa.Table) -> pa.Table:
    """The rows with their outcomes, as ``settled_sql`` gives them, and KEY."""
    contract = task.plan.contract
    with connect() as connection:
        connection.register(ROWS, rows)
        for number, path in enumerate(task.parents.values()):
            connection.register(parent_name(number), take(path))
        if task.earlier is not None:
            ids = pc.unique(rows[contract.event_id]).drop_null()
            connection.register(PUBLISHED, task.earlier.find(contract.name, contract.event_id, ids))
        connection.register(COMPARED, answer(connection, task.compared))
        return answer(connection, task.settled)


def _placed(settled: pa.Table, plan: TablePlan, folder: Path) -> Placed:
    """Accepted rows put down for their buckets, and rejects."""
    placed = Placed(table=plan.table, outcomes=Outcomes.of(_counted(settled, plan)))
    status, is_parked = settled["_status"], settled["_is_parked"]
    writer = StageWriter(folder, is_settled=True)
    accepted = settled.filter(pc.equal(status, "accepted"))
    own = [column.name for column in plan.contract.columns if column.name not in plan.constants]
    writer.add(accepted.select(own), file="")
    placed.segments = writer.close()
    waits = pc.fill_null(pc.equal(settled["_reason"], PARENT_UNKNOWN), False)
    is_own = pc.invert(pc.or_(is_parked, _again(settled, plan)))
    told = pc.or_(pc.and_(is_own, pc.equal(status, "rejected")), pc.and_(is_parked, pc.invert(waits)))
    rejects = rejected_rows(settled.filter(told), plan)
    if rejects.num_rows:
        placed.rejects.append(put(rejects, folder))
    return placed


def _again(settled: pa.Table, plan: TablePlan) -> pa.ChunkedArray:
    """Which rows an earlier load has counted already."""
    files = [file for file in pc.unique(settled["_file"]).to_pylist() if file and plan.is_again(file)]
    return pc.and_(pc.is_in(settled["_file"], value_set=pa.array(files, pa.string())), pc.invert(settled["_is_parked"]))


def _counted(settled: pa.Table, plan: TablePlan) -> pa.Table:
    """The rows that count in this load. One that an earlier load counted does only if it enters now."""
    if not plan.again:
        return settled
    again = _again(settled, plan)
    is_new = pc.or_(pc.invert(again), pc.equal(settled["_status"], "accepted"))
    place = settled.column_names.index("_is_parked")
    return settled.set_column(place, "_is_parked", pc.or_(settled["_is_parked"], again)).filter(is_new)


def rejected_rows(settled: pa.Table, plan: TablePlan) -> pa.Table:
    """Settled rows as REJECTS; a parked row without a reason entered."""
    fault = pc.binary_join_element_wise(
        pc.fill_null(settled["_reason"], ENTERED_LATER), pc.fill_null(settled["_column"], ""), "|"
    )
    rows = settled.append_column("_told", fault)
    pieces = [
        rejects_of(part, part["_told"], file=file, raw=part["_raw"], plan=plan)
        for file in pc.unique(rows["_file"]).to_pylist()
        for part in [rows.filter(pc.equal(rows["_file"], file))]
    ]
    return pa.concat_tables(pieces) if pieces else rejects_of(rows, rows["_told"], file="", raw=rows["_raw"], plan=plan)


def all_suspects(paths: Sequence[str]) -> np.ndarray:
    """The suspect keys that tasks of one table found, sorted."""
    found = [take(path)[KEY].to_numpy() for path in paths if path]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)
