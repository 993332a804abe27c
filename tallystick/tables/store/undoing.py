"""Undoes the commits of a publication that did not end: what they added goes, and what they removed comes back.

Apart from ``publications`` because every writer comes here first: it may not build on rows that no reader sees.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from tallystick.errors import ConflictError
from tallystick.spec.data_files import DataFile, WriterFacts
from tallystick.tables.store.commits import UNDOES, FileChange, commit_change, held_version, standing_commits
from tallystick.tables.store.log_copies import read_entry
from tallystick.tables.store.log_files import list_log
from tallystick.tables.store.parquet_files import stats_json
from tallystick.tables.store.publication_state import PUBLICATION, PublicationState, only_publisher
from tallystick.tables.store.slices import Slice
from tallystick.tables.store.snapshots import live_files
from tallystick.tables.store.warehouse import Warehouse, open_newest


def settle(warehouse: Warehouse, names: Collection[str] = ()) -> bool:
    """Undo the publication of these tables (default: of any) that a dead run left open; whether there was one.

    Waits for one that is going on. A writer calls it before it looks at a table.
    """
    before = PublicationState.read(warehouse.root).before
    if not before or (names and before.keys().isdisjoint(names)):
        return False
    with only_publisher(warehouse.root):
        return undo_open(warehouse)


def undo_open(warehouse: Warehouse) -> bool:
    """Undo and close the publication that is open, under the publisher's lock; False when none is.

    Done again after it was interrupted, it does the rest. ConflictError when rows of it were replaced meanwhile, by a
    writer that does not use this package; then it stays open.
    """
    state = PublicationState.read(warehouse.root)
    if not state.is_open:
        return False
    for name, before in state.before.items():
        # Newest first, each on top of those that are undone already.
        for version, facts in list(standing_commits(warehouse.table_path(name), state.run_id, after=before)):
            _undo(warehouse, name, version, facts)
    state.end(warehouse.root)
    return True


def _undo(warehouse: Warehouse, name: str, version: int, facts: Mapping[str, Any]) -> None:
    """Commit the opposite of one version of a table, under the lock of the slice that it wrote."""
    added, removed = _changed_paths(warehouse, name, version)
    newest = open_newest(warehouse.table_path(name))
    adds = [file for file in live_files(newest) if file.rel in added]
    held = _files_with_stats(warehouse.open(name, version=version - 1), removed)
    if (len(adds), len(held)) != (len(added), len(removed)):
        fix = f"remove {PUBLICATION} to show its tables as they are, then replay the last loads"
        raise ConflictError("rows of a publication that did not end were replaced", where=name, fix=fix)
    told = {**facts, "files": len(held), "rows": sum(file.rows for file in held), UNDOES: version}
    where = Slice.of_commit(str(facts["slice"]))
    change = FileChange(where, held_version(newest, where) + 1, held, adds, json.dumps(told))
    commit_change(newest, change, name=name)


def _changed_paths(warehouse: Warehouse, name: str, version: int) -> tuple[set[str], set[str]]:
    """The paths of the files that a version added, and of those that it removed."""
    entry = read_entry(list_log(warehouse.table_path(name)), version) or ""
    actions = [json.loads(line) for line in entry.splitlines() if line.strip()]
    added, removed = ({unquote(a[kind]["path"]) for a in actions if kind in a} for kind in ("add", "remove"))
    return added, removed


def _files_with_stats(table: DeltaTable, paths: Collection[str]) -> list[DataFile]:
    """Those files of the opened version, as a commit needs them to add them again."""
    actions = pa.table(table.get_add_actions(flatten=True))
    columns = [name.removeprefix("min.") for name in actions.column_names if name.startswith("min.")]
    told = {row["path"]: row for row in actions.to_pylist()}
    return [replace(file, written=_facts(told[file.rel], columns)) for file in live_files(table) if file.rel in paths]


def _facts(row: Mapping[str, Any], columns: Collection[str]) -> WriterFacts:
    bounds = {name: (row[f"min.{name}"], row[f"max.{name}"]) for name in columns}
    nulls = {name: row.get(f"null_count.{name}") or 0 for name in columns}
    return WriterFacts(stats=stats_json(row["num_records"], bounds, nulls), nulls={}, is_key_unique=True, layout="")
