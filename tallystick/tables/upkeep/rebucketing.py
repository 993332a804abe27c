"""Re-bucketing: plans how a source's rows of one table move to another number of buckets.

The fence comes first: a change of the table's properties, which makes every transaction fail that began before it. A
writer that begins later reads the fence and refuses. So no row can enter in the old number while the rows are moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from deltalake import DeltaTable

from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.bucketing import fence_of, fenced_buckets, files_of, held_buckets, is_bucketed, mark_of
from tallystick.tables.store.commits import commit_mark
from tallystick.tables.store.log_copies import committing
from tallystick.tables.store.slices import Run, Slice
from tallystick.tables.store.stored_schema import with_stored
from tallystick.tables.store.undoing import settle
from tallystick.tables.store.warehouse import Warehouse, check_protocol, delta_errors
from tallystick.tables.upkeep.compaction import LayoutPlan
from tallystick.tables.upkeep.rewriting import Merge


def plan_rebucketing(
    warehouse: Warehouse, contract: TableContract, *, source: str, buckets: int, run: Run
) -> LayoutPlan:
    """Close the table to writers of another number of buckets, and say what must be moved: nothing when all is right.

    Files of one load, or of one compaction, make one merge, so a load stays apart from the others; in a table that
    does not tell loads, all files of a partition do. A table without customers, or without rows of the source, has no
    merges. Until the plan is committed (``commit_layout``) the table takes rows from nobody.
    """
    settle(warehouse, [contract.name])
    table = warehouse.open(contract.name)
    check_protocol(table, contract.name)
    nothing = LayoutPlan(contract=contract, source=source, version=table.version(), merges=())
    if not is_bucketed(contract):
        return nothing
    held = held_buckets(table, contract, source=source, wanted=buckets)
    fenced = fenced_buckets(table, source)
    if held in (None, buckets):
        # A fence that an unfinished re-bucketing left would keep the right writers out.
        if fenced not in (None, buckets):
            _set_fence(table, contract.name, source, buckets)
        if held and not table.transaction_version(mark_of(source)):
            where = Slice.of_layout(contract.name, source)
            commit_mark(
                warehouse.open(contract.name), mark_of(source), buckets, where=where, run=run, name=contract.name
            )
        return nothing
    if fenced != buckets:
        _set_fence(table, contract.name, source, buckets)
    table = warehouse.open(contract.name)
    merges = _plan_merges(contract.name, files_of(table, source), buckets)
    written = with_stored(contract, table)
    return LayoutPlan(contract=written, source=source, version=table.version(), merges=merges, buckets=buckets)


def _set_fence(table: DeltaTable, name: str, source: str, buckets: int) -> None:
    with delta_errors(name, "another run changed the table at the same moment"), committing(table) as own:
        own.alter.set_table_properties({fence_of(source): str(buckets)}, raise_if_not_exists=False)


def _plan_merges(name: str, files: Sequence[DataFile], buckets: int) -> tuple[Merge, ...]:
    groups: dict[tuple[tuple[str, str], ...], list[DataFile]] = defaultdict(list)
    for file in files:
        rest = {key: value for key, value in file.partition.items() if key != "bucket"}
        loads = {"": str(file.bounds["loaded_on"])} if "loaded_on" in file.bounds else {}
        groups[tuple(sorted({**rest, **loads}.items()))].append(file)
    return tuple(
        Merge(
            table=name,
            files=tuple(group),
            partition={key: value for key, value in group[0].partition.items() if key != "bucket"},
            buckets=buckets,
        )
        for _, group in sorted(groups.items())
    )
