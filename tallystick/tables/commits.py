"""One commit of ready files, under the slice's lock, and finding it again by its run.

What lives here: the transaction. What must not: checks of rows or files (``door`` makes them first), Spark.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from deltalake import DeltaTable
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from tallystick.errors import ConflictError
from tallystick.tables.files import DataFile
from tallystick.tables.slices import Commit, Run, Slice
from tallystick.tables.snapshots import LiveFile
from tallystick.tables.warehouse import LOG, Warehouse, delta_errors

OTHER_RUN = "another run wrote this slice first"


def held_version(table: DeltaTable, where: Slice) -> int:
    """The version of the slice's lock that this snapshot shows; a writer commits the next one."""
    return table.transaction_version(where.lock) or 0


def find_commit(path: Path, run_id: str, where: Slice, *, after: int = -1) -> Commit | None:
    """The commit by which this run wrote this slice, newest first, in versions greater than ``after``.

    Both engines put the commit's facts into the first line of its log file, so one line a version is read. Versions
    whose log has been cleaned up (past the retention) are not found.
    """
    for log in sorted(path.joinpath(LOG).glob("*.json"), reverse=True):
        if not log.stem.isdigit():
            continue
        if int(log.stem) <= after:
            return None
        with log.open("r", encoding="utf-8") as lines:
            first = lines.readline()
        if run_id in first:
            facts = _user_metadata(first)
            if facts.get("run_id") == run_id and facts.get("slice") == where.name:
                return Commit(int(log.stem), int(facts.get("files", 0)), int(facts.get("rows", 0)))
    return None


def _user_metadata(line: str) -> dict[str, object]:
    try:
        facts = json.loads(json.loads(line)["commitInfo"]["userMetadata"])
    except (KeyError, TypeError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def commit_files(
    warehouse: Warehouse,
    table: DeltaTable,
    name: str,
    *,
    adds: Sequence[DataFile],
    removes: Sequence[LiveFile],
    lock: tuple[Slice, int],
    metadata: str,
) -> None:
    """Add and remove files in one version of the table, as holder of ``lock`` (the slice, its next version).

    ConflictError when anyone committed to the slice since ``table`` was opened; then nothing has changed.
    """
    now = int(time.time() * 1000)  # metadata of the log only, as the protocol wants it
    actions: list[AddAction | RemoveAction] = [
        AddAction(f.path, f.size, dict(f.partition), now, True, f.stats) for f in adds
    ]
    actions += [
        RemoveAction(
            path=f.rel, data_change=True, deletion_timestamp=now, size=f.size, partition_values=dict(f.partition)
        )
        for f in removes
    ]
    where, version = lock
    with delta_errors(f"{name}, slice {where.name}", OTHER_RUN):
        table.create_write_transaction(
            actions=actions,
            mode="append",
            schema=table.schema(),
            partition_by=list(table.metadata().partition_columns),
            commit_properties=CommitProperties(
                custom_metadata={"userMetadata": metadata}, app_transactions=[Transaction(where.lock, version)]
            ),
        )


def confirm_commit(path: Path, run: Run, where: Slice, *, name: str, after: int) -> Commit:
    """The commit that must have followed version ``after``; ConflictError when no version since is ours."""
    found = find_commit(path, run.run_id, where, after=after)
    if found is None:
        raise ConflictError(
            OTHER_RUN, where=f"{name}, slice {where.name}", fix="run it again when the other run is over"
        )
    return found
