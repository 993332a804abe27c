"""Reads a delivery's files and maps their rows, in as few passes as the mappings' lookups allow.

Files are read and mapped in one pass when nothing must be known before; views that mappings look up come next, and
mappings that look up clean tables when those are settled. ``load`` says when. Checks what each file holds on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from tallystick.dialect import QueryStopped
from tallystick.errors import LoadRefused
from tallystick.how_far import untold
from tallystick.ingest.branch_plans import BranchPlan, plan_branch
from tallystick.ingest.casting import Target
from tallystick.ingest.delivered_files import fault_error, inspect_file
from tallystick.ingest.deliveries import Delivery
from tallystick.ingest.earlier import EarlierRows
from tallystick.ingest.file_tasks import FileResult, FileTask, MappedBranch, Mapper, map_file
from tallystick.ingest.headers import list_names, match_keys
from tallystick.ingest.looked_up import ViewTypes, make_views
from tallystick.ingest.parked import parked_rows, raw_lines
from tallystick.ingest.placing import Placed, mapping_stopped
from tallystick.ingest.pseudonyms import Pseudonyms
from tallystick.ingest.read_so_far import share_read
from tallystick.ingest.records import FileLayout
from tallystick.ingest.resources import LoadResources, counted
from tallystick.project.mappings import parse_source
from tallystick.spec.mappings import CLEAN
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract

# Beyond this, views that are looked up are made by Spark: packed bytes of the files that they are made of.
SMALL_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadDate:
    """The date of a load, the names of its deliveries that an earlier load has counted, and whether it has several."""

    day: date
    again: frozenset[str] = frozenset()
    has_several: bool = False


# A file's path, the name that its rows carry, and its layout.
Task = tuple[str, str, FileLayout]


class DeliveryRows:
    """The files of one delivery while a load is prepared.

    Each is mapped for itself: what its files look up in each other, no other delivery's rows come between.
    """

    def __init__(
        self,
        source: Source,
        *,
        contracts: Mapping[str, TableContract],
        delivery: Delivery,
        load: LoadDate,
        resources: LoadResources,
        tell: Callable[[str], None],
    ) -> None:
        parsed = parse_source(source, contracts, delivery.business_date)
        self.load = load
        self.source, self.delivery, self.parsed, self.resources, self.tell = source, delivery, parsed, resources, tell
        self.pseudonyms = Pseudonyms.of(source, resources.pseudonym_key)
        self.home = delivery.directory.parent
        self.notes: list[str] = []
        self._records: dict[str, int] = {}
        self.views = ViewTypes(source, parsed, contracts)
        self.tasks = self._list_tasks()
        self.plans = [
            plan_branch(branch, self._target(table, contracts), self.views, is_small=self._is_small)
            for table, mapping in parsed.tables.items()
            for branch in mapping.branches
        ]
        self._kept: dict[str, list[str]] = {}
        self._looked_up: dict[str, str] = {}
        self._derived: dict[str, pa.Table] = {}

    def _target(self, table: str, contracts: Mapping[str, TableContract]) -> Target:
        return Target(
            contract=contracts[f"{CLEAN}.{table}"],
            known_on=self.source.tables[table].known_on,
            source=self.source,
            load_date=self.load.day,
            delivery=self.delivery.name,
            again=self.load.again,
            has_several=self.load.has_several,
        )

    def _list_tasks(self) -> dict[str, list[Task]]:
        """The files of every view, after a look at each one's header."""
        tasks: dict[str, list[Task]] = {}
        for view, names in self.delivery.files.items():
            file = self.source.files[view]
            tasks[view] = []
            if not names:
                self.notes.append(f"{file.file} was not delivered")
            for name in (f"{self.delivery.name}/{name}" for name in names):
                layout, extra = inspect_file(self.home / name, file, where=self.place(name))
                tasks[view].append((str(self.home / name), name, layout))
                if extra:
                    self.notes.append(undeclared_note(name, extra))
        return tasks

    @property
    def records(self) -> int:
        """Records of all files that were read."""
        return sum(self._records.values())

    def feeds(self, table: str) -> bool:
        """Whether the delivery holds the files that rows of the table come from, be they without rows.

        Files in which the rows only look something up do not count.
        """
        driving = (plan.branch.view for plan in self.plans if plan.table == table)
        return any(self.views.is_fed(view, self.delivery.files) for view in driving)

    def _is_small(self, view: str) -> bool:
        return sum(Path(path).stat().st_size for path, _, _ in self.tasks[view]) <= SMALL_BYTES

    def place(self, file: str) -> str:
        """The path people know a file by: where the supplier put it, or the landed copy where that is not known."""
        day, _, name = file.partition("/")
        if day == self.delivery.name and self.delivery.origin is not None:
            return str(self.delivery.origin / name)
        return str(self.home / file)

    def read_all(self) -> list[Placed]:
        """Read every file that no later step reads, and map what needs no lookup.

        Then make the views that mappings look up or are driven by.
        """
        self.tell(f"reading {len(self.delivery.names)} files of {self.delivery.name}")
        in_duckdb = [plan for plan in self.plans if plan.sql]
        driving = [plan.branch.view for plan in in_duckdb if plan.branch.view in self.parsed.views]
        wanted = list(dict.fromkeys([*driving, *(view for plan in in_duckdb for view in plan.joined_views)]))
        kept = {file for view in wanted for file in self.views.files_of(view)}
        # A view may be looked up whose file was not delivered, or has no rows.
        self._kept = {file: [] for file in self.source.files if file in kept}
        at_once = [plan for plan in in_duckdb if self._is_at_once(plan)]
        later = {plan.branch.view for plan in in_duckdb} - {plan.branch.view for plan in at_once} - kept
        placed = self._read([view for view in self.tasks if view not in later], at_once, kept=kept)
        if wanted:
            try:
                self._looked_up, self._derived = make_views(
                    self.views, wanted, self._kept, delivery=self.delivery.name, folder=self.resources.scratch
                )
            except QueryStopped as error:
                self._refuse_stopped(error.condition)
                raise
        return placed

    def _is_at_once(self, plan: BranchPlan) -> bool:
        return bool(plan.sql) and plan.branch.view in self.source.files and not plan.branch.joins

    def map_tables(self, tables: Iterable[str], clean: Mapping[str, str], *, earlier: EarlierRows) -> list[Placed]:
        """Map what is left to map of these tables, and rows that earlier loads parked.

        ``clean`` are paths of the clean tables that they look up.
        """
        plans = [plan for plan in self.plans if plan.table in set(tables)]
        left = [plan for plan in plans if not self._is_at_once(plan)]
        by_file = [plan for plan in left if plan.sql and plan.branch.view in self.source.files]
        views = dict.fromkeys(plan.branch.view for plan in by_file)
        placed = self._read(views, by_file, clean=clean) if by_file else []
        for plan in plans:
            parked = self._parked(plan, earlier)
            if not plan.sql:
                placed += self._map_by_spark(plan, clean, [rows for _, rows in parked])
                continue
            if plan.branch.view in self.parsed.views:
                parked.append((f"{self.delivery.name}/view {plan.branch.view}", self._derived[plan.branch.view]))
            placed += self._map_here(plan, parked, clean) if parked else []
        return placed

    def _parked(self, plan: BranchPlan, earlier: EarlierRows) -> list[tuple[str, pa.Table]]:
        rejected, file = f"{CLEAN}.{plan.table}_rejected", self.source.files.get(plan.branch.view)
        if file is None or not earlier.has_rows(rejected):
            return []
        return parked_rows(
            earlier, rejected, branch=plan.branch.number, file=file, home=self.home, pseudonyms=self.pseudonyms
        )

    def _map_here(
        self, plan: BranchPlan, rows: Iterable[tuple[str, pa.Table]], clean: Mapping[str, str]
    ) -> list[Placed]:
        with Mapper([plan.mapped({**self._looked_up, **clean})], self.resources.scratch) as mapper:
            for file, table in rows:
                mapper.add(table, file=file, is_own=True)
            self._refuse_stopped(mapper.stopped)
            return list(mapper.close())

    def _map_by_spark(self, plan: BranchPlan, clean: Mapping[str, str], parked: Sequence[pa.Table]) -> list[Placed]:
        # Not at the top: most deliveries need no Spark to be mapped.
        from tallystick.ingest.spark_branches import SparkInput, map_by_spark

        given = SparkInput(tasks=self.tasks, parked=parked, clean=clean, pseudonyms=self.pseudonyms)
        session = self.resources.session()
        return map_by_spark(
            session, plan.branch, plan.target, given=given, views=self.views, folder=self.resources.scratch
        )

    def _read(
        self,
        views: Iterable[str],
        plans: Sequence[BranchPlan],
        *,
        kept: Iterable[str] = (),
        clean: Mapping[str, str] | None = None,
    ) -> list[Placed]:
        """One task a file, the largest first; its counts are checked in the order of views and names."""
        lookups = {**self._looked_up, **(clean or {})}
        tasks = []
        for view in views:
            branches = tuple(plan.mapped(lookups) for plan in plans if plan.branch.view == view)
            tasks += [self._file_task(view, task, branches, is_kept=view in set(kept)) for task in self.tasks[view]]
        sizes = {task.name: Path(task.path).stat().st_size for task in tasks}
        tasks.sort(key=lambda task: (-sizes[task.name], task.name))
        results = self._map_files(tasks, sizes)
        declared = list(self.source.files)
        results.sort(key=lambda found: (declared.index(found.counts.view), found.counts.file))
        self._check(results)
        for found in results:
            if found.kept:
                self._kept[found.counts.view].append(found.kept)
        return [placed for found in results for placed in found.placed]

    def _map_files(self, tasks: Sequence[FileTask], sizes: Mapping[str, int]) -> list[FileResult]:
        names = [task.name.partition("/")[2] for task in tasks]
        with self.resources.working(f"reading {counted(names, 'files')}") as how_far:
            # Of each file, not of the number of files: one may be nearly all that there is.
            how_far(partial(share_read, self.resources.scratch, sizes))
            return self.resources.spread(tasks, map_file, [sizes[task.name] for task in tasks], untold)

    def _file_task(self, view: str, task: Task, branches: tuple[MappedBranch, ...], *, is_kept: bool) -> FileTask:
        path, name, layout = task
        return FileTask(
            view=view,
            path=path,
            name=name,
            file=self.source.files[view],
            layout=layout,
            branches=branches,
            folder=str(self.resources.scratch),
            is_kept=is_kept,
            pseudonyms=self.pseudonyms,
        )

    def _check(self, results: Sequence[FileResult]) -> None:
        """InputError for a file that could not be read to its end or lacks a declared key."""
        unread = [found.counts for found in results]
        for found, told in zip(results, unread, strict=True):
            file = self.source.files[told.view]
            if told.fault:
                raise fault_error(told.fault, file, where=self.place(told.file))
            if told.keys is not None:
                extra = match_keys(file, told.keys, where=self.place(told.file))
                self.notes += [undeclared_note(told.file, extra)] if extra else []
            self._refuse_stopped(found.stopped)
            self._records[told.file] = told.rows
            self.tell(f"{told.file.partition('/')[2]}: {told.rows} rows")
        for view in dict.fromkeys(told.view for told in unread):
            of_view = [told for told in unread if told.view == view]
            unreadable = sum(told.unreadable for told in of_view)
            if unreadable and not any(plan.branch.view == view for plan in self.plans):
                self._allow_unreadable(view, unreadable, sum(told.rows for told in of_view))

    def _refuse_stopped(self, condition: str) -> None:
        if condition:
            raise mapping_stopped(condition, source=self.source.name, load_date=self.load.day)

    def _allow_unreadable(self, view: str, unreadable: int, rows: int) -> None:
        """Lines that no table counts, because their file is only looked up, are held against the strictest rate."""
        rate = min(table.reject_rate for table in self.source.tables.values())
        told = f"{self.source.files[view].file}: {unreadable} of {rows} lines cannot be split into columns"
        if unreadable > rate * rows:
            raise LoadRefused(told, where=f"source {self.source.name}", fix="nothing was published; deliver it again")
        self.notes.append(told)

    def raw_lines(self, file: str, lines: pa.Array) -> Mapping[int, str | None]:
        """The text of some records of a file, by line: None where it holds what is hashed, and for rows that earlier
        loads parked without it.
        """
        for view, (path, name, _) in [(view, task) for view, tasks in self.tasks.items() for task in tasks]:
            if name == file and not self.source.files[view].hashed:
                return raw_lines(Path(path), name, self.source.files[view], lines=lines)
        return dict.fromkeys(lines.to_pylist())


def undeclared_note(name: str, extra: Sequence[str]) -> str:
    """What a reader should know of a file with columns that nobody asked for."""
    return f"{name.rpartition('/')[2]} has columns that are not declared: {list_names(extra)}"
