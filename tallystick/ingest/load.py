"""Prepares a whole load: every table mapped, judged, counted and held against its reject rate before any is written.

The order of the steps. Rows pass from the files to scratch files by bucket (``file_tasks``), the few that something can
contradict are settled (``judging``), and each bucket is written once (``bucket_files``). The driver handles names,
counts and rejects; a run hands in how tasks are spread, how files are stored and what was published before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa

from tallystick.ingest.branch_plans import judging_sql
from tallystick.ingest.bucket_files import WriteTask, Written, write_bucket
from tallystick.ingest.casting import Target
from tallystick.ingest.contents import LoadContents
from tallystick.ingest.counts import Outcomes, RowCounts
from tallystick.ingest.delivery_rows import DeliveryRows, LoadDate
from tallystick.ingest.earlier import EarlierRows
from tallystick.ingest.judging import Judged, JudgeTask, judge_rows
from tallystick.ingest.looked_up import asked_columns, newest_rows
from tallystick.ingest.placing import Placed, TablePlan
from tallystick.ingest.pseudonyms import PseudonymKey
from tallystick.ingest.rejected import complete, rejected_table
from tallystick.ingest.resources import LoadResources, counted
from tallystick.ingest.staging import Segment, by_place, constant, put
from tallystick.places import to_place
from tallystick.project.mappings import ParsedSource
from tallystick.spec.delivery_names import told_records
from tallystick.spec.mapping_sql import MET
from tallystick.spec.mappings import CLEAN
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract

# Keys compared by one task: 8 bytes each, sorted in memory.
KEYS_PER_TASK = 8_000_000

# What a staged row takes, roughly: tasks are shared out by their bytes.
ROW_BYTES = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedTable:
    """What a load brings to one clean table: files that wait for their commit, the rejects' rows, and the counts.

    ``fed_by`` are the deliveries, among those that the load is the first to hold, in which a file of the table came.
    """

    contract: TableContract
    files: tuple[Any, ...]
    rejected: pa.Table
    counts: RowCounts
    fed_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedLoad:
    """A load that may be published: its tables, parents first, what a reader should know, and the records of each
    delivery that it is the first to hold.
    """

    tables: tuple[PreparedTable, ...]
    notes: tuple[str, ...]
    records: Mapping[str, int]


def prepare_load(
    source: Source,
    *,
    contracts: Mapping[str, TableContract],
    contents: LoadContents,
    resources: LoadResources,
    tell: Callable[[str], None] = lambda text: None,
) -> PreparedLoad:
    """All tables of a load's landed deliveries, checked, counted and written; nothing is committed.

    ``tell`` hears how far the work is, in indented lines of names and counts. InputError for a file that cannot be
    read, LoadRefused when a table's reject rate is above the declared one; then no new file is left.
    """
    load = _Load(source, contracts=contracts, contents=contents, resources=resources)
    try:
        return load.prepare(lambda text: tell(f"      {text}"))
    except BaseException:
        load.discard()
        raise


class _Load:
    """One load while it is prepared."""

    def __init__(
        self,
        source: Source,
        *,
        contracts: Mapping[str, TableContract],
        contents: LoadContents,
        resources: LoadResources,
    ) -> None:
        self.source, self.contracts, self.contents = source, contracts, contents
        self.earlier, self.resources = contents.earlier, resources
        self.placed: dict[str, list[Placed]] = {table: [] for table in source.tables}
        self.files: dict[str, list[Any]] = {table: [] for table in source.tables}
        self.newest: dict[str, str] = {}

    def prepare(self, tell: Callable[[str], None]) -> PreparedLoad:
        deliveries = self._open(tell)
        for rows in deliveries:
            self._keep(rows.read_all())
        prepared: dict[str, PreparedTable] = {}
        parsed, plans = deliveries[0].parsed, deliveries[0].plans
        for tables in _levels(self.source, parsed):
            clean = self._looked_up([view for plan in plans if plan.table in tables for view in plan.joined_tables])
            for rows in deliveries:
                self._keep(rows.map_tables(tables, clean, earlier=self.earlier))
            targets = {plan.table: plan.target for plan in plans if plan.table in tables}
            self._settle(targets)
            for table in tables:
                prepared[table] = self._finish(table, deliveries)
                tell(f"{table} is mapped")
        ordered = tuple(prepared[table] for table in parsed.tables)
        records = {rows.delivery.name: rows.records for rows in deliveries if not rows.delivery.is_again}
        return PreparedLoad(tables=ordered, notes=self._notes(deliveries), records=records)

    def _open(self, tell: Callable[[str], None]) -> list[DeliveryRows]:
        if self.contents.again:
            tell(f"reading again, because it says something later: {', '.join(sorted(self.contents.again))}")
        load = LoadDate(day=self.contents.load_date, again=self.contents.again, has_several=self.contents.has_several)
        return [
            DeliveryRows(
                self.source,
                contracts=self.contracts,
                delivery=delivery,
                load=load,
                resources=self.resources,
                tell=tell if not delivery.is_again else lambda text: None,
            )
            for delivery in self.contents.deliveries
        ]

    def _notes(self, deliveries: Sequence[DeliveryRows]) -> tuple[str, ...]:
        again = sorted(self.contents.again)
        told = [f"read again, because it says something later: {', '.join(again)}"] if again else []
        told += [note for rows in deliveries if not rows.delivery.is_again for note in rows.notes]
        return tuple(dict.fromkeys(told))

    def discard(self) -> None:
        """Remove the files that were written; no version of a table names them."""
        for file in (file for files in self.files.values() for file in files):
            to_place(file.path).unlink(missing_ok=True)

    def _keep(self, placed: Iterable[Placed]) -> None:
        for one in placed:
            self.placed[one.table].append(one)

    def _earlier(self, table: str) -> EarlierRows | None:
        return self.earlier if self.earlier.has_rows(f"{CLEAN}.{table}") else None

    def _looked_up(self, tables: Iterable[str]) -> dict[str, str]:
        """Paths of clean tables as branches look them up, settled rows of this load included."""
        found = {}
        for name in dict.fromkeys(tables):
            columns = [column.name for column in self.contracts[name].columns]
            rows = self._newest(name.partition(".")[2], columns)
            found[name] = put(rows.append_column(MET, pa.repeat(True, rows.num_rows)), self.resources.scratch)
        return found

    def _newest(self, table: str, columns: Sequence[str]) -> pa.Table:
        contract = self.contracts[f"{CLEAN}.{table}"]
        rows = self._accepted(contract, asked_columns(contract, columns))
        return newest_rows(contract, rows, self._earlier(table), columns=columns)

    def _accepted(self, contract: TableContract, columns: Sequence[str]) -> pa.Table:
        """These columns of the rows that this load brings to a table, from their files."""
        held = [name for name in columns if name not in contract.partition_by]
        pieces = [self.resources.storage.read(contract.name, [], columns)]
        for file in self.files[contract.table]:
            rows = self.resources.storage.read(contract.name, [file.path], held)
            for name in (name for name in columns if name in contract.partition_by):
                is_number = contract.column(name).type == "int32"
                value = int(file.partition[name]) if is_number else file.partition[name]
                kind = pa.int32() if is_number else pa.string()
                rows = rows.append_column(name, constant(value, rows.num_rows, kind))
            pieces.append(rows.select(columns))
        return pa.concat_tables(pieces, promote_options="permissive")

    def _parents(self, table: str) -> dict[str, str]:
        """For each column that names a parent, where the known ones stand."""
        found = {}
        for column, parent in self.source.tables[table].parents.items():
            if parent not in self.newest:
                event_id = self.contracts[f"{CLEAN}.{parent}"].event_id
                ids = self._newest(parent, [event_id]).rename_columns(["_id"])
                self.newest[parent] = put(ids, self.resources.scratch)
            found[column] = self.newest[parent]
        return found

    def _settle(self, targets: Mapping[str, Target]) -> None:
        """Settle what can be contradicted in these tables, and write the buckets of all of them."""
        parents = {table: self._parents(table) for table in targets}
        judging = [task for table, target in targets.items() for task in self._judge_tasks(target, parents[table])]
        of_keys, what = [_bytes(task.segments) for task in judging], counted(targets, "tables")
        judged: list[Judged] = self.resources.run(f"comparing rows of {what}", judging, judge_rows, sizes=of_keys)
        self._keep(one.placed for one in judged)
        suspects = {table: tuple(one.suspects for one in judged if one.placed.table == table) for table in targets}
        writing = [
            WriteTask(
                plan=TablePlan.of(target),
                bucket=bucket,
                period=period,
                parts=tuple(parts),
                suspects=suspects[table],
                parents=parents[table],
                storage=self.resources.storage,
                folder=str(self.resources.scratch),
            )
            for table, target in targets.items()
            for (bucket, period), parts in sorted(by_place(self._segments(table)).items())
        ]
        sizes = [ROW_BYTES * sum(part.rows for _, part in task.parts) for task in writing]
        written: list[Written] = self.resources.run(f"writing {what}", writing, write_bucket, sizes=sizes)
        for one in written:
            self.placed[one.placed.table].append(one.placed)
            self.files[one.placed.table] += one.files

    def _segments(self, table: str) -> list[Segment]:
        return [segment for placed in self.placed[table] for segment in placed.segments]

    def _judge_tasks(self, target: Target, parents: Mapping[str, str]) -> list[JudgeTask]:
        table = target.contract.table
        parked = tuple(path for placed in self.placed[table] for path in placed.parked)
        segments, earlier = tuple(self._segments(table)), self._earlier(table)
        shares = 1 + sum(segment.rows for segment in segments) // KEYS_PER_TASK
        compared, settled = judging_sql(
            target,
            parents,
            has_several=bool(parked) or self.contents.has_several,
            published=None if earlier is None else self.contents.oldest,
        )
        return [
            JudgeTask(
                plan=TablePlan.of(target),
                segments=segments,
                parked=parked,
                compared=compared,
                settled=settled,
                folder=str(self.resources.scratch),
                parents=parents,
                earlier=earlier,
                share=share,
                shares=shares,
            )
            for share in range(shares)
        ]

    def _finish(self, table: str, deliveries: Sequence[DeliveryRows]) -> PreparedTable:
        """Count a table's rows, hold them against the reject rate and gather its rejects."""
        contract, declared = self.contracts[f"{CLEAN}.{table}"], self.source.tables[table]
        counts = RowCounts.of(Outcomes().merge(placed.outcomes for placed in self.placed[table]))
        counts.check(table, declared.reject_rate, source=self.source.name, place=partial(_place, deliveries))
        paths = [path for placed in self.placed[table] for path in placed.rejects]
        plan = TablePlan(
            contract=contract,
            source=self.source.name,
            load_date=self.contents.load_date,
            has_named_on=False,
            keeps_raw=declared.keeps_raw_lines,
        )
        rejected = rejected_table(complete(paths, partial(_raw_lines, deliveries) if plan.keeps_raw else None), plan)
        fed_by = tuple(rows.delivery.name for rows in deliveries if not rows.delivery.is_again and rows.feeds(table))
        return PreparedTable(
            contract=contract, files=tuple(self.files[table]), rejected=rejected, counts=counts, fed_by=fed_by
        )


def _of_file(deliveries: Sequence[DeliveryRows], file: str) -> DeliveryRows:
    """The delivery that a file is of; any for a file of earlier loads."""
    name = file.partition("/")[0]
    return next((rows for rows in deliveries if rows.delivery.name == name), deliveries[0])


def _place(deliveries: Sequence[DeliveryRows], file: str) -> str:
    return _of_file(deliveries, file).place(file)


def _raw_lines(deliveries: Sequence[DeliveryRows], file: str, lines: pa.Array) -> Mapping[int, str | None]:
    return _of_file(deliveries, file).raw_lines(file, lines)


def _bytes(segments: Sequence[Segment]) -> int:
    return 8 * sum(segment.rows for segment in segments)


def _levels(source: Source, parsed: ParsedSource) -> list[list[str]]:
    """The tables in groups: what a table looks up, or names as a parent, is in a group before its own."""
    level: dict[str, int] = {}
    for table, mapping in parsed.tables.items():
        before = {*mapping.clean_tables, *source.tables[table].parents.values()} - {table}
        level[table] = 1 + max((level[name] for name in before), default=-1)
    return [
        [table for table in level if level[table] == number] for number in range(max(level.values(), default=-1) + 1)
    ]


def describe_load(
    prepared: PreparedLoad, *, source: str, load_date: date, raw_sha256: str, key: PseudonymKey | None
) -> pa.Table:
    """The rows of ``monitor.loads`` for a load: per table what was read and where each row went.

    What concerns the whole delivery stands in the notes of every table.
    """
    counts = [table.counts for table in prepared.tables]
    size = len(counts)
    notes = ["; ".join([*count.notes, *prepared.notes]) or None for count in counts]
    numbers = ("read", "accepted", "rejected", "duplicate", "excluded", "entered", "waiting")
    return pa.table(
        {
            "loaded_on": pa.array([load_date] * size, pa.date32()),
            "table_name": pa.array([table.contract.table for table in prepared.tables], pa.string()),
            **{f"rows_{name}": pa.array([getattr(count, name) for count in counts], pa.int64()) for name in numbers},
            "raw_sha256": pa.array([raw_sha256] * size, pa.string()),
            "notes": pa.array(notes, pa.string()),
            "pseudonym_key": pa.array([key.fingerprint if key else None] * size, pa.string()),
            "deliveries": pa.array([told_records(prepared.records)] * size, pa.string()),
            "fed_by": pa.array([" ".join(table.fed_by) for table in prepared.tables], pa.string()),
            "source": pa.array([source] * size, pa.string()),
        }
    )
