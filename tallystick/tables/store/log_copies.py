"""Keeps a copy of the logs of tables in an object store, for as long as the process lives, and commits through it.

Entries and checkpoints never change once they are written, so a process fetches each of them once. Deltalake then
opens, searches and compares versions on this machine, where it reads each entry some four times an opening. A commit is
made in the copy first, by deltalake with all its checks, and holds once the store has taken its entry, which the store
refuses where that version has one. What can change is never remembered: each opening looks at the log again, and a file
whose tag is another is fetched again.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from tallystick.errors import SetupError
from tallystick.places import RemotePath
from tallystick.tables.store.file_access import ask_at_once, delta_options
from tallystick.tables.store.log_files import LOG, LogFiles, entry_name

# As Delta's own writers do: a process that opens a table fetches some five entries of a long log, and not fifty.
CHECKPOINT_EVERY = 10
# As deltalake does with its checkpoints: entries past the table's retention go.
_CLEANED_EVERY = 100
_HINT = "_last_checkpoint"
_ENTRIES_AT_ONCE = 16


@dataclass(slots=True)
class LogCopy:
    """The copy of one table's log in ``folder``; ``_tags`` are those of the files that were fetched or put."""

    table: RemotePath
    folder: Path
    _tags: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def open(self, log: LogFiles, version: int) -> DeltaTable:
        """Deltalake's table at a version of the log that was looked at."""
        with self._lock:
            self.fetch(log, log.needed_for(version))
            return DeltaTable(str(self.folder), version=version)

    def fetch(self, log: LogFiles, names: Collection[str]) -> None:
        """Have these files of the log here, and none that the log has not."""
        with self._lock:
            here = self.folder / LOG
            here.mkdir(parents=True, exist_ok=True)
            for path in here.iterdir():
                # Of a table that was made a second time, or left by deltalake beside an entry.
                if path.is_file() and log.tags.get(path.name, "") != self._tags.get(path.name):
                    path.unlink()
                    self._tags.pop(path.name, None)
            # Or gone: in a process that lives long, to whatever keeps the folder of temporary files small.
            self._tags = {name: tag for name, tag in self._tags.items() if (here / name).is_file()}
            missing = [name for name in names if name not in self._tags]
            ask_at_once(self._fetch_one, missing)
            self._tags |= {name: log.tags[name] for name in missing}

    def _fetch_one(self, name: str) -> None:
        (self.folder / LOG / name).write_bytes((self.table / LOG / name).read_bytes())

    def put(self, made: DeltaTable, *, after: int) -> None:
        """Put the entries that deltalake wrote here into the store; CommitFailedError when it has one of a version."""
        made.update_incremental()  # deltalake leaves it as it was before some commits
        for version in range(after + 1, made.version() + 1):
            name = entry_name(version)
            try:
                tag = _put_first(self.table / LOG / name, (self.folder / LOG / name).read_bytes())
                if tag is None:
                    raise CommitFailedError(f"version {version} was committed by another writer")
            except BaseException:
                for other in range(version, made.version() + 1):
                    (self.folder / LOG / entry_name(other)).unlink(missing_ok=True)
                raise
            if tag:
                self._tags[name] = tag
        if made.version() > after and (made.version() + 1) % CHECKPOINT_EVERY == 0:
            # The commit holds, whatever becomes of this.
            with suppress(SetupError, DeltaError, OSError):
                self._put_checkpoint(made)

    def _put_checkpoint(self, made: DeltaTable) -> None:
        made.create_checkpoint()
        # The name that tells of it goes last.
        for name in (f"{made.version():020}.checkpoint.parquet", _HINT):
            (self.table / LOG / name).write_bytes((self.folder / LOG / name).read_bytes())
        if (made.version() + 1) % _CLEANED_EVERY == 0:
            open_in_store(self.table).cleanup_metadata()


def _put_first(place: RemotePath, content: bytes) -> str | None:
    """The tag of the new object, empty where the store gives none; None when there was another already."""
    tag = place.store.create(place.key, content)
    if tag is not None or place.read_bytes() != content:
        return tag
    # The store had put it, and its answer was lost.
    found = place.store.look(place.key)
    return found.tag if found else None


def open_listed(log: LogFiles, version: int | None = None) -> DeltaTable:
    """Deltalake's table at a version, by default the newest, of a log that was looked at."""
    if isinstance(log.table, RemotePath):
        return copy_of(log.table).open(log, max(log.versions, default=0) if version is None else version)
    return DeltaTable(str(log.table), version=version)


def open_in_store(table: Path) -> DeltaTable:
    """Deltalake's table where it is, for what needs the files beside the log."""
    return DeltaTable(str(table), storage_options=delta_options(table) or None)


def create_table(table: Path, **what: Any) -> None:
    """Create a table as ``DeltaTable.create`` does; CommitFailedError when another writer just did."""
    if not isinstance(table, RemotePath):
        table.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(str(table), **what)
        return
    copy = copy_of(table)
    copy.fetch(LogFiles(table, {}), ())
    copy.put(DeltaTable.create(str(copy.folder), **what), after=-1)


@contextmanager
def committing(table: DeltaTable) -> Iterator[DeltaTable]:
    """The table to commit to in the block, in place of the given one, which stays at its version.

    CommitFailedError at the block's end when another writer was faster; then nothing has changed.
    """
    place = place_of(table)
    if not isinstance(place, RemotePath):
        yield table
        return
    copy = copy_of(place)
    own = DeltaTable(str(copy.folder), version=table.version())
    yield own
    copy.put(own, after=table.version())


def read_entry(log: LogFiles, version: int) -> str | None:
    """The text of a version's entry; None when the log has none."""
    name = entry_name(version)
    return (entries_here(log, [version]) / name).read_text(encoding="utf-8") if name in log.sizes else None


def first_lines(log: LogFiles, *, after: int) -> Iterator[tuple[int, str]]:
    """Newest first, the versions greater than ``after``, each with the first line of its entry."""
    wanted = [version for version in reversed(log.versions) if version > after]
    for start in range(0, len(wanted), _ENTRIES_AT_ONCE):
        some = wanted[start : start + _ENTRIES_AT_ONCE]
        here = entries_here(log, some)
        for version in some:
            with (here / entry_name(version)).open("r", encoding="utf-8") as lines:
                yield version, lines.readline()


def entries_here(log: LogFiles, versions: Iterable[int]) -> Path:
    """A folder of this machine that holds the entries of these versions, as far as the log has them."""
    if not isinstance(log.table, RemotePath):
        return log.folder
    copy = copy_of(log.table)
    copy.fetch(log, [name for version in versions if (name := entry_name(version)) in log.sizes])
    return copy.folder / LOG


def place_of(table: DeltaTable) -> Path:
    """Where an opened table is, wherever the copy lies that it was opened from."""
    path = Path(unquote(urlsplit(table.table_uri).path))
    # A process that meets no store makes no folder for copies.
    if not _folder.cache_info().currsize or not path.is_relative_to(home := _home(os.getpid())):
        return path
    scheme, *parts = path.relative_to(home).parts
    return RemotePath(f"{scheme}:", *parts)


def copy_of(table: RemotePath) -> LogCopy:
    """The copy that this process has of a table's log."""
    return _copy(os.getpid(), table)


@cache
def _copy(process: int, table: RemotePath) -> LogCopy:
    return LogCopy(table, _home(process).joinpath(table.parts[0].removesuffix(":"), *table.parts[1:]))


@cache
def _folder(process: int) -> tempfile.TemporaryDirectory[str]:
    # By the number of the process: what a fork has of its parent's is the parent's.
    return tempfile.TemporaryDirectory(prefix="tallystick-logs-")


def _home(process: int) -> Path:
    return Path(_folder(process).name).resolve()
