"""Publishes slices of several tables at once: readers see all of them or none, whatever stops the run.

Delta commits to one table at a time. So a file says first from which versions the commits start, and whoever reads
through this package sees those until it says that the last one is made (``publication_state``, docs/adr/0014).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from deltalake.exceptions import DeltaError

from tallystick.errors import ContractError, TallystickError
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.door import CheckedWrite, check_write, commit_write
from tallystick.tables.store.publication_state import PublicationState, only_publisher
from tallystick.tables.store.slices import Commit, Run, Slice
from tallystick.tables.store.undoing import settle, undo_open
from tallystick.tables.store.warehouse import Warehouse, ensure_tables


@dataclass(frozen=True, kw_only=True, slots=True)
class TableChange:
    """What ``replace_files`` is given for one table: the slice and the files that it is to hold.

    ``run`` is the publication's run as this table's commit records it, where declarations or inputs are its own.
    """

    contract: TableContract
    files: Sequence[DataFile]
    where: Slice
    run: Run | None = None


def publish(warehouse: Warehouse, changes: Sequence[TableChange], *, run: Run) -> list[Commit]:
    """``replace_files`` for every change, seen by readers all at once; returns their commits in the same order.

    All changes are checked before the first is committed. After an error, and after a kill, readers see what they saw
    before; commits that were made are undone, at once or by the next writer. The second call with the same run changes
    nothing. ContractError and ConflictError as for ``replace_files``.
    """
    if {run.run_id} != {run.run_id, *(change.run.run_id for change in changes if change.run)}:
        raise ContractError("a publication is of one run", where=f"run {run.run_id}", fix="give all changes its id")
    recover(warehouse)
    tables = ensure_tables(warehouse, [change.contract for change in changes])
    writes = [
        check_write(tables[c.contract.name], c.contract, c.files, where=c.where, run=c.run or run) for c in changes
    ]
    if all(write.done for write in writes):
        return [commit_write(warehouse, write) for write in writes]
    with only_publisher(warehouse.root):
        undo_open(warehouse)
        try:
            return _commit_all(warehouse, writes, run_id=run.run_id)
        except BaseException:
            # What cannot be undone now stays hidden from readers until the next writer undoes it.
            with suppress(TallystickError, DeltaError, OSError):
                undo_open(warehouse)
            raise


def recover(warehouse: Warehouse) -> bool:
    """Undo what a publication left whose run was killed; whether there was anything to undo.

    Waits for a publication that is going on. Readers need it not: they see the tables as before it. Any writer of its
    tables does the same first.
    """
    return settle(warehouse)


def _commit_all(warehouse: Warehouse, writes: Sequence[CheckedWrite], *, run_id: str) -> list[Commit]:
    before = {write.name: warehouse.newest_version(write.name) for write in writes}
    opened = PublicationState.read(warehouse.root).begin(warehouse.root, run_id=run_id, before=before)
    commits = [commit_write(warehouse, write) for write in writes]
    opened.end(warehouse.root)
    return commits
