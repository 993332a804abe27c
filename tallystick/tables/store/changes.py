"""Tells what has changed in a table since a version: the bounds of the files that were added or removed.

It reads Delta's log and no rows. What a change means for stored features is decided by the ledger of features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tallystick.errors import NotFound
from tallystick.spec.data_files import Bound, DataFile
from tallystick.tables.store.commits import is_layout_commit, undone_by
from tallystick.tables.store.log_copies import entries_here, read_entry
from tallystick.tables.store.log_files import LogFiles, list_log
from tallystick.tables.store.snapshots import live_files
from tallystick.tables.store.warehouse import Warehouse

Bounds = Mapping[str, tuple[Bound, Bound]]


@dataclass(frozen=True, slots=True)
class _Action:
    """One file that a version added or removed; a removed file's bounds stand where it was added."""

    is_added: bool
    file: DataFile


@dataclass(frozen=True, slots=True)
class _Version:
    """What one version changed, and the version that it undid, if it did nothing else."""

    actions: tuple[_Action, ...]
    undoes: int | None = None


@dataclass(frozen=True)
class ChangeLog:
    """The changes of rows in the tables of a warehouse, of one source. Each version's log is read once."""

    warehouse: Warehouse
    source: str
    _versions: dict[tuple[str, int], _Version] = field(default_factory=dict)

    def since(self, name: str, version: int) -> tuple[Bounds, ...] | None:
        """The bounds of every file with rows that came or went after ``version``; -1 stands for "from the beginning".

        A commit that only moves rows between files (compaction) changes nothing, nor does one that was undone. A file
        without bounds gives an empty mapping. None when the log no longer reaches back to ``version``: then anything
        may have changed.
        """
        if not self.warehouse.exists(name):
            return () if version < 0 else None
        newest = self.warehouse.open(name).version()
        if newest < version:
            return None
        log = list_log(self.warehouse.table_path(name))
        entries_here(log, range(version + 1, newest + 1))
        found = {number: self._read(name, number, log) for number in range(version + 1, newest + 1)}
        read = {number: one for number, one in found.items() if one is not None}
        if len(read) < len(found):
            return None
        # A commit that was undone and the one that undid it changed nothing together.
        pairs = {(one.undoes, number) for number, one in read.items() if one.undoes in read}
        gone = {number for pair in pairs for number in pair}
        actions = [action for number, one in read.items() if number not in gone for action in one.actions]
        added = {action.file.rel: action.file.bounds for action in actions if action.is_added}
        removed = {action.file.rel for action in actions if not action.is_added} - set(added)
        if removed:
            try:
                held = live_files(self.warehouse.open(name, version=version))
            except NotFound:
                return None
            added |= {file.rel: file.bounds for file in held if file.rel in removed}
        return tuple(added.get(action.file.rel, {}) for action in actions)

    def _read(self, name: str, version: int, log: LogFiles) -> _Version | None:
        """The changing actions of one version on this source's files; None when its log is gone."""
        if (name, version) not in self._versions:
            entry = read_entry(log, version)
            if entry is None:
                return None
            lines = entry.splitlines()
            # Compaction says that data changed, so that writers notice it (``commits``), but no row did.
            changing = [] if lines and is_layout_commit(lines[0]) else lines
            folder = str(self.warehouse.table_path(name))
            actions = [_action(folder, json.loads(line)) for line in changing if line.strip()]
            ours = tuple(a for a in actions if a is not None and a.file.partition.get("source") == self.source)
            self._versions[name, version] = _Version(ours, undone_by(lines[0]) if lines else None)
        return self._versions[name, version]


def _action(folder: str, line: Mapping[str, Any]) -> _Action | None:
    for kind in ("add", "remove"):
        told = line.get(kind)
        if told is not None and told.get("dataChange", True):
            partition = {name: str(value) for name, value in (told.get("partitionValues") or {}).items()}
            stats = json.loads(told.get("stats") or "{}")
            file = DataFile(
                table_path=folder,
                rel=told["path"],
                size=told.get("size") or 0,
                rows=stats.get("numRecords") or 0,
                partition=partition,
                bounds=_bounds(stats),
            )
            return _Action(kind == "add", file)
    return None


def _bounds(stats: Mapping[str, Any]) -> Bounds:
    """The bounds of the date and instant columns in a file's statistics; empty when it has none."""
    low, high = stats.get("minValues", {}), stats.get("maxValues", {})
    pairs = {name: (_moment(low[name]), _moment(high[name])) for name in low if name in high}
    return {name: (least, most) for name, (least, most) in pairs.items() if least is not None and most is not None}


def _moment(value: object) -> Bound | None:
    """A date or instant as the log writes it; None for any other value."""
    try:
        text = str(value)
        return date.fromisoformat(text) if len(text) == len("2026-03-10") else datetime.fromisoformat(text)
    except ValueError:
        return None
