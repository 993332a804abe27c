"""Compaction: the small files of old loads become few large ones, with the same rows.

No lock of a slice is taken, because the rows do not change: a writer that replaces any of the merged files meets the
commit in the log, since of two transactions that remove one file only the first succeeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.bucketing import mark_of
from tallystick.tables.store.commits import FileChange, commit_change, confirm_commit, held_version
from tallystick.tables.store.schemas import stats_columns
from tallystick.tables.store.slices import Commit, Run, Slice
from tallystick.tables.store.snapshots import live_files
from tallystick.tables.store.stored_schema import with_stored
from tallystick.tables.store.undoing import settle
from tallystick.tables.store.warehouse import Warehouse, check_protocol
from tallystick.tables.upkeep.rewriting import TARGET_BYTES, Merge

# The column whose bounds tell a file's age: the load that brought its rows, or the instants they were computed for.
AGE_COLUMNS = ("loaded_on", "as_of")


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutPlan:
    """What one commit will move in a table: ``merges`` of files of ``version``, all of one source.

    ``contract`` is the table's with the columns that only the stored table has: they are written again too.
    ``buckets`` is the number of buckets that the rows move to; 0 when they stay in theirs.
    """

    contract: TableContract
    source: str
    version: int
    merges: tuple[Merge, ...]
    buckets: int = 0

    @property
    def files(self) -> int:
        """How many files will be replaced."""
        return sum(len(merge.files) for merge in self.merges)


def plan_compaction(
    warehouse: Warehouse, contract: TableContract, *, source: str, before: date, target_bytes: int = TARGET_BYTES
) -> LayoutPlan:
    """The merges that would leave the source's partitions with one small file each, beside those of target size.

    Only files are touched whose rows were all loaded (or computed for an instant) before the date ``before``; of those,
    only files smaller than ``target_bytes``, and only where a partition has two or more. A table without rows of the
    source, or without a column that tells their age, has no merges.
    """
    settle(warehouse, [contract.name])
    table = warehouse.open(contract.name)
    check_protocol(table, contract.name)
    known = stats_columns(contract)
    # A column without bounds in the log tells nothing of a file's age; a table without such a column has no merges.
    column = next((name for name in AGE_COLUMNS if name in known), "")
    groups: dict[tuple[tuple[str, str], ...], list[DataFile]] = defaultdict(list)
    for file in live_files(table):
        is_small = file.size < target_bytes and file.partition.get("source") == source
        if is_small and _is_older(file, column, before):
            groups[tuple(sorted(file.partition.items()))].append(file)
    merges = tuple(
        Merge(table=contract.name, files=tuple(files), partition=dict(key))
        for key, files in sorted(groups.items())
        if len(files) > 1
    )
    return LayoutPlan(contract=with_stored(contract, table), source=source, version=table.version(), merges=merges)


def _is_older(file: DataFile, column: str, before: date) -> bool:
    """Whether all rows are older; a file whose bounds are unknown is not."""
    if column not in file.bounds:
        return False
    most = file.bounds[column][1]
    if isinstance(most, datetime):
        return most < datetime.combine(before, time(), tzinfo=UTC)
    return most < before


def commit_layout(warehouse: Warehouse, plan: LayoutPlan, *, files: Sequence[DataFile], run: Run) -> Commit:
    """Swap the plan's files for ``files`` (from ``write_merge``) in one version that changes no row.

    Rows that moved to other buckets set the table's mark in the same version. ConflictError when a load or another
    run has replaced one of the files since the plan was made; then the table is as that run left it, and doing it again
    does the rest.
    """
    name = plan.contract.name
    table = warehouse.open(name, version=plan.version)
    where = Slice.of_layout(name, plan.source)
    removes = [file for merge in plan.merges for file in merge.files]
    metadata = run.metadata(where, files=len(files), rows=sum(file.rows for file in files))
    marks = {mark_of(plan.source): plan.buckets} if plan.buckets else {}
    change = FileChange(where, held_version(table, where) + 1, files, removes, metadata, marks)
    commit_change(table, change, name=name)
    return confirm_commit(warehouse.table_path(name), run, where, name=name, after=plan.version)
