"""What a task reads of its bucket: each table once, with all the columns that anything in the task wants of it.

The list of reads is what the plan of a backfill counts, too. The reader keeps a table until its last use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.observations import ObservationSpec, columns_to_read
from tallystick.observations.needs import VISIBILITY

if TYPE_CHECKING:
    from tallystick.buckets import BucketTask, Storage
    from tallystick.features.compute import GroupWork


@dataclass(frozen=True, slots=True)
class Read:
    """Columns of the files of a table; the texts of those that are ``coded`` may come as Arrow dictionaries."""

    table: str
    paths: tuple[str, ...]
    columns: tuple[str, ...]
    coded: frozenset[str] = frozenset()


def list_reads(task: BucketTask, works: Iterable[GroupWork], spec: ObservationSpec) -> list[Read]:
    """Everything that a task reads for a bucket that has observations, one entry a table."""
    merged: dict[str, Read] = {}
    for use in _list_uses(task, works, spec):
        known = merged.get(use.table)
        if known is None:
            merged[use.table] = use
            continue
        columns = tuple(dict.fromkeys((*known.columns, *use.columns)))
        plain = (set(known.columns) - known.coded) | (set(use.columns) - use.coded)
        merged[use.table] = Read(use.table, use.paths, columns, frozenset(columns) - plain)
    return list(merged.values())


class BucketReader:
    """The tables of one task: read when first wanted, given up after the last use that was announced."""

    def __init__(self, task: BucketTask, works: Sequence[GroupWork], spec: ObservationSpec, storage: Storage) -> None:
        self.storage = storage
        self.reads = {read.table: read for read in list_reads(task, works, spec)}
        self.uses = [use.table for use in _list_uses(task, works, spec)]
        self.held: dict[str, pa.Table] = {}

    def read(self, table: str, columns: Sequence[str]) -> pa.Table:
        """These columns of the bucket's rows; an empty table where the bucket has no file of it."""
        if table not in self.held:
            read = self.reads[table]
            stored = self.storage.read(table, read.paths, read.columns, coded=read.coded)
            # Whoever computes needs whole columns: laid together once, and not by each of them.
            self.held[table] = stored.combine_chunks()
        self.uses.remove(table)
        rows = self.held[table] if table in self.uses else self.held.pop(table)
        return rows.select(list(columns))


def other_columns(work: GroupWork) -> Mapping[str, tuple[str, ...]]:
    """Per other table that a group reads, the columns it needs of it."""
    found: dict[str, tuple[str, ...]] = {}
    for other in work.others:
        found[other.table] = tuple(dict.fromkeys((*found.get(other.table, ()), *other.reads)))
    return found


def event_columns(task: BucketTask, work: GroupWork) -> tuple[str, ...]:
    """The columns that a group needs of its own table."""
    return tuple(work.stored_columns(has_versions=work.has_versions(task.single_version)))


def _list_uses(task: BucketTask, works: Iterable[GroupWork], spec: ObservationSpec) -> Iterator[Read]:
    """Every use of a table by the task, in the order of the work.

    Texts stay the codes that they are in the file where the kernel works on codes. Not so identifiers, which are all
    different, and keys of lookups, which are compared with other tables' texts.
    """

    def use(table: str, columns: Sequence[str], coded: Iterable[str] = ()) -> Read:
        return Read(table, task.files.get(table, ()), tuple(columns), frozenset(coded))

    for table, columns in columns_to_read(spec, task.single_version).items():
        yield use(table, columns, () if spec.declared.table else VISIBILITY)
    for part in (part for work in works for part in work.parts):
        columns = event_columns(task, part)
        yield use(part.plan.table, columns, [] if part.others else set(columns) - {part.plan.event_id})
        for table, columns in other_columns(part).items():
            yield use(table, columns)
