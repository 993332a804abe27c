"""Commits ready files in one transaction under the slice's lock, and finds a run's commit again.

Apart from ``door``, which checks rows and files first: Delta checks nothing of that, and compaction commits files that
need no such check.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from tallystick.errors import ConflictError
from tallystick.spec.data_files import DataFile
from tallystick.tables.store.log_copies import committing, first_lines, place_of
from tallystick.tables.store.log_files import list_log
from tallystick.tables.store.slices import LAYOUT, Commit, Run, Slice
from tallystick.tables.store.snapshots import live_files
from tallystick.tables.store.warehouse import delta_errors, open_newest

# Among a commit's facts: the version that it undid.
UNDOES = "undoes"

OTHER_RUN = "another run wrote this slice first"

# How often a commit is tried while others commit to other slices of the table. Each try is against a newer version, so
# only a table with five commits in a row within milliseconds defeats it, and the run can then be repeated.
ATTEMPTS = 5


def held_version(table: DeltaTable, where: Slice) -> int:
    """The version of the slice's lock that this snapshot shows; a writer commits the next one."""
    return table.transaction_version(where.lock) or 0


def find_done(table: DeltaTable, run: Run, where: Slice) -> Commit | None:
    """The commit by which this run wrote this slice before the table was opened; None when it did not."""
    # No entry is read where the slice is new, nor beyond its first commit.
    lock = held_version(table, where)
    return None if run.is_first_try or not lock else find_commit(place_of(table), run.run_id, where, lock=lock)


def find_commit(path: Path, run_id: str, where: Slice, *, after: int = -1, lock: int | None = None) -> Commit | None:
    """The commit by which this run wrote this slice, newest first, in versions greater than ``after``.

    A commit that was undone is none. Versions whose log has been cleaned up (past the retention) are not found. With
    the slice's ``lock`` (``held_version``) no entry is read beyond the slice's first commit.
    """
    for version, facts in _standing(path, where.name, after=after, lock=lock):
        if facts.get("slice") == where.name and facts.get("run_id") == run_id:
            return Commit(version, int(facts["files"]), int(facts["rows"]))
    return None


def standing_commits(path: Path, run_id: str, *, after: int = -1) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The run's commits that were not undone, newest first, in versions greater than ``after``: version and facts."""
    return (told for told in _standing(path, run_id, after=after) if told[1].get("run_id") == run_id)


def last_facts(path: Path, slice_name: str) -> Mapping[str, Any]:
    """What the newest commit of a slice recorded: ``inputs``, ``fingerprint`` and so on; empty when none is found."""
    for _, facts in _standing(path, slice_name):
        if facts.get("slice") == slice_name:
            return facts
    return {}


def facts_holding(
    path: Path, slice_name: str, moment: date | datetime, *, until: int | None = None
) -> Mapping[str, Any]:
    """The facts of the newest commit of a slice, up to a version, that wrote its rows of a date or instant.

    Empty when none is found. A commit that does not say between which bounds it wrote ends the search: those before it
    are older still, and to read a long log takes longer than an answer may.
    """
    for version, facts in _standing(path, slice_name):
        if facts.get("slice") != slice_name or (until is not None and version > until):
            continue
        if "between" not in facts:
            return {}
        if _holds(facts["between"], moment):
            return facts
    return {}


def _holds(between: Sequence[str | None], moment: date | datetime) -> bool:
    low, high = (type(moment).fromisoformat(text) if text else None for text in between)
    return (low is None or low <= moment) and (high is None or moment < high)


def version_known_by(path: Path, slice_name: str, day: str) -> int | None:
    """The newest version in which a slice holds what was known by a date, as its commit says; None without one."""
    facts_of_slice = _standing(path, slice_name)
    own = ((version, facts) for version, facts in facts_of_slice if facts.get("slice") == slice_name)
    return next((version for version, facts in own if facts.get("known_by") == day), None)


def _standing(
    path: Path, word: str, *, after: int = -1, lock: int | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Newest first, version and facts of the commits whose facts hold the word, without those that were undone.

    Both engines put the commit's facts into the first line of its log file, so one line a version is read. Each commit
    to a slice raises its lock by one, so where the word is a slice's name, its ``lock`` is how many there are at most.
    """
    undone: set[int] = set()
    left = lock
    for version, first in first_lines(list_log(path), after=after):
        if word not in first:  # almost always; only else is the line parsed
            continue
        facts = _facts(first)
        if UNDOES in facts:
            undone.add(facts[UNDOES])
        elif version not in undone:
            yield version, facts
        if left is not None and facts.get("slice") == word:
            left -= 1
            if not left:
                return


def undone_by(line: str) -> int | None:
    """The version that the version with this first line of its log undid; None for any other."""
    return _facts(line).get(UNDOES)


def is_layout_commit(line: str) -> bool:
    """Whether the first line of a version's log is that of a compaction or re-bucketing, which changes no row."""
    return str(_facts(line).get("slice", "")).endswith(LAYOUT)


def _facts(line: str) -> dict[str, Any]:
    """What ``Run.metadata`` recorded in a log's first line; empty for a commit that is not ours."""
    try:
        told = json.loads(line)["commitInfo"]
        facts = json.loads(told["userMetadata"])
    except (KeyError, TypeError, ValueError):
        return {}
    # Spark knows the number of its files only at the commit, so it is among its own metrics.
    written = told.get("operationMetrics", {}).get("numFiles", 0)
    return {**facts, "files": facts["files"] or written} if isinstance(facts, dict) else {}


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one version will add and remove, and the next version of the slice's lock, by which it is ours alone.

    ``marks`` are further application transactions with their versions.
    """

    where: Slice
    lock: int
    adds: Sequence[DataFile]
    removes: Sequence[DataFile]
    metadata: str
    marks: Mapping[str, int] = field(default_factory=dict)


def commit_change(table: DeltaTable, change: FileChange, *, name: str) -> int | None:
    """Add and remove the change's files in one version of the table, which is returned; None where nobody tells it.

    ConflictError when anyone committed to the slice since ``table`` was opened, replaced a file that the change
    removes, or altered the table itself; then nothing has changed.
    """
    with delta_errors(f"{name}, slice {change.where.name}", OTHER_RUN):
        for attempt in range(ATTEMPTS):
            try:
                return _commit(table, change)
            except CommitFailedError:
                # delta-rs refuses beside any commit that removed a file, so also beside one that has nothing to do
                # with this slice. What matters is looked at here, and then it is tried on the newer version.
                newer = open_newest(place_of(table))
                if attempt == ATTEMPTS - 1 or _is_overtaken(change, table, newer):
                    raise
                table = newer
    return None


def _is_overtaken(change: FileChange, opened: DeltaTable, newer: DeltaTable) -> bool:
    """Whether a commit between the two versions touched what the change rests on."""
    taken = (change.where.lock, *change.marks)
    if any(opened.transaction_version(app) != newer.transaction_version(app) for app in taken):
        return True
    before, after = opened.metadata(), newer.metadata()
    if before.configuration != after.configuration or opened.schema() != newer.schema():
        return True
    return not {file.rel for file in change.removes} <= {file.rel for file in live_files(newer)}


def _commit(table: DeltaTable, change: FileChange) -> int | None:
    now = int(time.time() * 1000)  # metadata of the log only, as the protocol wants it
    # Always as a change of data, even where files are only merged: delta-rs lets two writers remove the same file when
    # the first of them said that no data changed, and the file's rows would be there twice.
    actions: list[AddAction | RemoveAction] = [
        AddAction(f.rel, f.size, dict(f.partition), now, True, f.facts.stats) for f in change.adds
    ]
    actions += [RemoveAction(f.rel, True, now, size=f.size, partition_values=dict(f.partition)) for f in change.removes]
    taken = {change.where.lock: change.lock, **change.marks}
    with committing(table) as own:
        own.create_write_transaction(
            actions=actions,
            mode="append",
            schema=table.schema(),
            partition_by=list(table.metadata().partition_columns),
            commit_properties=CommitProperties(
                custom_metadata={"userMetadata": change.metadata},
                app_transactions=[Transaction(app, version, last_updated=now) for app, version in taken.items()],
            ),
        )
    return None if own is table else own.version()


def commit_mark(table: DeltaTable, mark: str, version: int, *, where: Slice, run: Run, name: str) -> None:
    """Set an application transaction, and nothing else, in one version of the table; ConflictError as for a change."""
    # Under another slice's name: a run that looks for its own commit of the slice must not find this one.
    noted = where.beside(mark)
    change = FileChange(
        noted, held_version(table, noted) + 1, [], [], run.metadata(noted, files=0, rows=0), {mark: version}
    )
    commit_change(table, change, name=name)


def confirm_commit(path: Path, run: Run, where: Slice, *, name: str, after: int) -> Commit:
    """The commit that must have followed version ``after``; ConflictError when no version since is ours."""
    # Spark skips a write without a word when its transaction version is taken, so success is looked up, not assumed.
    found = find_commit(path, run.run_id, where, after=after)
    if found is None:
        raise ConflictError(
            OTHER_RUN, where=f"{name}, slice {where.name}", fix="run it again when the other run is over"
        )
    return found
