"""Vacuum: finds and removes files that no version within the retention needs, and files that no version ever named.

Spark's own VACUUM knows nothing of the versions that registered models need; a job asks the registry for them first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

from tallystick.errors import NotFound
from tallystick.places import RemotePath
from tallystick.tables.store.file_access import open_parquet
from tallystick.tables.store.log_copies import committing, open_in_store
from tallystick.tables.store.log_files import LOG
from tallystick.tables.store.snapshots import live_files
from tallystick.tables.store.undoing import settle
from tallystick.tables.store.warehouse import Warehouse, check_protocol, delta_errors

# A task that still runs may commit a file that no version names yet. No job lasts this long.
ORPHAN_AGE = timedelta(days=7)

LOG_RETENTION = "delta.logRetentionDuration"
# How long before a needed version would leave the log its retention is raised: time for two missed monthly runs.
LOG_MARGIN_DAYS = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class UnusedFiles:
    """What can go from a table: paths relative to it with their bytes.

    ``expired`` were removed longer ago than the table's retention, ``orphans`` are named by no version. ``lost`` are
    versions that were to be kept and cannot be read any more.
    """

    table: str
    expired: dict[str, int]
    orphans: dict[str, int]
    lost: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.expired.values()) + sum(self.orphans.values())


def find_unused_files(
    warehouse: Warehouse,
    name: str,
    *,
    keep: Iterable[int],
    retention: timedelta | None = None,
    orphan_age: timedelta = ORPHAN_AGE,
) -> UnusedFiles:
    """The files of a table that nothing needs; nothing is removed.

    Needed are the files of the newest version, those removed no longer ago than ``retention`` (default: what the
    table's property ``delta.deletedFileRetentionDuration`` says), and those of the versions ``keep``, however old. A
    file that no version names must not have been touched for ``orphan_age``. NotFound when there is no such table.
    """
    settle(warehouse, [name])
    table = warehouse.open(name)
    check_protocol(table, name)
    path = warehouse.table_path(name)
    needed = {file.rel for file in live_files(table)}
    kept: list[int] = []
    lost: list[int] = []
    for version in sorted(set(keep)):
        try:
            needed |= {file.rel for file in live_files(warehouse.open(name, version=version))}
            kept.append(version)
        except NotFound:
            lost.append(version)
    sizes = {str(file.relative_to(path)): file.stat() for file in path.rglob("*.parquet") if _is_data(file, path)}
    hours = None if retention is None else int(retention.total_seconds() // 3600)
    listing = open_in_store(path) if isinstance(path, RemotePath) else table
    listed = listing.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True, keep_versions=kept)
    named = _named_paths(path)
    # The one decision by the wall clock: whether a file without a version may still belong to a running task.
    youngest = time.time() - orphan_age.total_seconds()
    expired = {rel for rel in map(unquote, listed) if rel in named and rel not in needed and rel in sizes}
    orphans = {rel for rel, found in sizes.items() if rel not in named | needed and found.st_mtime < youngest}
    return UnusedFiles(
        table=name,
        expired={rel: sizes[rel].st_size for rel in sorted(expired)},
        orphans={rel: sizes[rel].st_size for rel in sorted(orphans)},
        lost=tuple(lost),
    )


def remove_unused_files(warehouse: Warehouse, unused: UnusedFiles) -> None:
    """Remove the files; one that is gone already is no error. The table gets no new version by it."""
    path = warehouse.table_path(unused.table)
    for rel in (*unused.expired, *unused.orphans):
        (path / rel).unlink(missing_ok=True)


def _is_data(file: Path, path: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)


def _named_paths(path: Path) -> set[str]:
    """Every path that the log names, as added or as removed."""
    named: set[str] = set()
    for log in (path / LOG).glob("*.json"):
        if log.stem.isdigit():
            with log.open("r", encoding="utf-8") as lines:
                actions = [json.loads(line) for line in lines if line.strip()]
            named |= {a[kind]["path"] for a in actions for kind in ("add", "remove") if kind in a}
    for checkpoint in (path / LOG).glob("*.checkpoint*.parquet"):
        with open_parquet(str(checkpoint)) as file:
            rows = file.read(columns=["add.path", "remove.path"]).to_pylist()
        named |= {row[kind]["path"] for row in rows for kind in ("add", "remove") if (row[kind] or {}).get("path")}
    return {unquote(name) for name in named}


def keep_log(warehouse: Warehouse, name: str, versions: Iterable[int]) -> int:
    """Raise the retention of the table's log when the oldest of the versions would soon leave it; returns its days.

    Both engines delete entries of the log that are older than ``delta.logRetentionDuration``, and a version without its
    entries cannot be read however well its files are kept. 0 when nothing had to change. ConflictError when another run
    changes the table at the same moment.
    """
    table = warehouse.open(name)
    oldest = min(versions, default=table.version())
    entry = warehouse.table_path(name) / LOG / f"{oldest:020}.json"
    words = str(table.metadata().configuration.get(LOG_RETENTION, "")).split()
    if not entry.is_file() or len(words) != 3 or words[2] != "days":
        return 0
    age = int((time.time() - entry.stat().st_mtime) // 86_400)
    if age + LOG_MARGIN_DAYS <= int(words[1]):
        return 0
    days = age + 4 * LOG_MARGIN_DAYS  # a year more, so that this is a rare commit and not one of every month
    with delta_errors(name, "another run changed the table at the same moment"), committing(table) as own:
        own.alter.set_table_properties({LOG_RETENTION: f"interval {days} days"})
    return days
