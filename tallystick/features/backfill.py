"""Which days of a group are to be computed, in which pieces, and what that will take.

A plan is made without computing anything, so that it can be shown before it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

from tallystick.buckets import BucketTask, Storage
from tallystick.errors import DeclarationError, LimitExceeded, NotFound
from tallystick.features.compute import GroupWork
from tallystick.features.estimates import (
    Cost,
    Crowd,
    count_crowd,
    estimate_task,
    largest_task,
    result_bytes,
    sum_costs,
)
from tallystick.features.ledger import Changes, DayState, Definition, Inputs, Ledger, list_days
from tallystick.features.planning import last_load, list_bucket_tasks
from tallystick.observations import ObservationSpec
from tallystick.spec.data_files import DataFile
from tallystick.spec.features import FeatureGroup
from tallystick.spec.observations import MonthEnds, ObservationSet
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract

# What the results of one task may take; more days at once are cut into chunks. A worker's memory is a few of these.
TASK_BYTES = 1 << 30

# No bound: more days than dates there are.
MOST_DAYS = date.max.toordinal()

# So many days hold at most one end of a month.
SHORTEST_MONTH = 28

# Starting a Spark job, its Python workers and committing, per chunk.
SECONDS_PER_CHUNK = 1.5


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive days that are computed in one Spark job and committed at once; both ends are inclusive."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """What is to be backfilled, over which files. ``files`` are those of the source by clean table; ``night`` is
    the newest business date that is loaded, where that is known.
    """

    group: FeatureGroup
    source: Source
    observations: ObservationSet
    contracts: Mapping[str, TableContract]
    files: Mapping[str, Sequence[DataFile]]
    night: date | None = None

    def check_range(self, first: date, last: date) -> None:
        """Refuse days that no load has reached yet, and a range that ends before it begins."""
        where = f"source {self.source.name}"
        if first > last:
            raise DeclarationError(f"{first} is after {last}", where=where, fix="say --from the earlier date")
        loaded = last_load(file for stored in self.files.values() for file in stored)
        if loaded and self.night:
            loaded = min(loaded, self.night)
        if loaded is None:
            raise NotFound("no rows are loaded", where=where, fix="ingest first")
        reviewed = self.observations.last_reviewed(loaded) or loaded
        if last > reviewed:
            days = self.observations.review_days
            after = f" less {days} day{'s' if days > 1 else ''} of review" if reviewed < loaded else ""
            what = f"{last} lies after the last load, that of {loaded}{after}: its rows are not known yet"
            raise DeclarationError(what, where=where, fix=f"say --to {reviewed}")

    def work(self, chunk: Chunk) -> GroupWork:
        """The group, ready to be computed for a chunk: with the features that were not retired yet on its first day."""
        review = self.observations.review_days
        return GroupWork.of(self.group, self.contracts, first=chunk.first, review_days=review)

    @property
    def definition(self) -> Definition:
        """What the group's columns mean now."""
        return Definition.of(self.group, self.contracts, observations=self.observations)

    @property
    def inputs(self) -> Inputs:
        """The tables that its values come from."""
        return Inputs.of(self.group, self.observations, zone=self.source.zone)

    def spec(self, chunk: Chunk) -> ObservationSpec:
        """The observations of a chunk."""
        return ObservationSpec.of(self.observations, self.contracts, first=chunk.first, last=chunk.last)

    def tasks(self, chunk: Chunk) -> list[BucketTask]:
        """One task a bucket, without the files whose rows all became known after the review of the chunk's last day.

        Events that are observed at their own instant keep all of theirs, whenever they became known.
        """
        always = set(self.inputs.by_event)
        last = chunk.last + timedelta(days=self.observations.review_days)
        files = {
            name: [file for file in stored if name in always or not _is_known_after(file, last)]
            for name, stored in self.files.items()
        }
        return list_bucket_tasks(self.source, files)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillPlan:
    """What a backfill will do: the states of the days asked for, the chunks it will compute, and what they take."""

    group: str
    source: str
    observations: str
    states: tuple[DayState, ...]
    chunks: tuple[Chunk, ...]
    cost: Cost
    crowd: Crowd | None
    tasks: int

    @property
    def days(self) -> int:
        """The days that will be computed."""
        return sum(chunk.days for chunk in self.chunks)

    def seconds(self, cores: int) -> float:
        """How long it should take on so many cores: an estimate from times measured elsewhere."""
        return self.cost.seconds / max(1, min(cores, self.tasks)) + SECONDS_PER_CHUNK * len(self.chunks)

    def stop_above(self, max_bytes: int | None) -> None:
        """LimitExceeded when more bytes would be read than are allowed; None allows any number."""
        if max_bytes is not None and self.cost.bytes_read > max_bytes:
            what = f"{self.days} days would read {self.cost.bytes_read} bytes, more than the {max_bytes} allowed"
            raise LimitExceeded(what, where=f"group {self.group}", fix="ask for fewer days, or raise --max-bytes")

    def describe(self, cores: int) -> dict[str, object]:
        """The plan in names and numbers that JSON can hold; days as ranges of dates, ends inclusive."""
        missing = [state.day for state in self.states if state.is_missing]
        late = [state.day for state in self.states if state.is_late]
        crowd = self.crowd
        return {
            "group": self.group,
            "source": self.source,
            "observations": self.observations,
            "days_asked": len(self.states),
            "days_missing": len(missing),
            "missing": _runs(missing),
            "days_stale": sum(bool(state.stale or state.absent) for state in self.states),
            "stale": _stale_ranges(self.states),
            "days_late": len(late),
            "late": _runs(late),
            "days_to_compute": self.days,
            "chunks": _ranges_of(self.chunks),
            "files": len(self.cost.files),
            "rows_read": self.cost.rows_read,
            "bytes_read": self.cost.bytes_read,
            "tasks": self.tasks,
            "memory_per_task_estimate": self.cost.memory,
            "largest_bucket": crowd.bucket if crowd else None,
            "largest_bucket_customers": crowd.customers if crowd else None,
            "hot_customers": crowd.hot if crowd else None,
            "hot_share_of_rows": round(crowd.hot_share, 4) if crowd else None,
            "cores": cores,
            "seconds_estimate": round(self.seconds(cores), 1) if self.chunks else 0.0,
        }


def plan_backfill(
    asked: Backfill,
    states: Sequence[DayState],
    *,
    storage: Storage,
    columns: Callable[[str], Mapping[str, int]],
    missing_only: bool = False,
) -> BackfillPlan:
    """Cut the days that are not right into chunks and say what they take; reads footers and one bucket's ids.

    ``columns`` gives the compressed bytes of each column of a file. With ``missing_only`` days whose values are stale
    or late are left as they are.
    """
    days = [state.day for state in states if (state.is_missing if missing_only else not state.is_right)]
    chunks: tuple[Chunk, ...] = ()
    cost, crowd, tasks = sum_costs([]), None, []
    if days:
        tasks = asked.tasks(Chunk(days[0], days[-1]))
        files = {file.path: file for stored in asked.files.values() for file in stored}
        largest = largest_task(tasks, files)
        if largest is not None:
            drawn = asked.observations.tables
            crowd = count_crowd(largest, table=asked.group.table, drawn_from=drawn, storage=storage)
        own = max((_own_rows(asked, task, files) for task in tasks), default=0)
        most = _most_days(asked, crowd, largest=own)
        chunks = tuple(cut_chunks(days, period=asked.source.layout.period, most=most))
        cost = _estimate(asked, chunks, crowd, files=files, columns=columns)
    return BackfillPlan(
        group=asked.group.name,
        source=asked.source.name,
        observations=asked.observations.name,
        states=tuple(states),
        chunks=chunks,
        cost=cost,
        crowd=crowd,
        tasks=len(tasks),
    )


def judge_days(asked: Backfill, ledger: Ledger, *, first: date, last: date, changes: Changes) -> list[DayState]:
    """The state of every day from ``first`` to ``last``, both inclusive."""
    asked.check_range(first, last)
    return ledger.judge(asked.definition, list_days(first, last), inputs=asked.inputs, changes=changes)


def cut_chunks(days: Iterable[date], *, period: str, most: int = MOST_DAYS) -> list[Chunk]:
    """Runs of consecutive days, cut where a file's period (``year``, ``month``, ``all``) ends and after ``most`` days.

    Feature files are one per bucket and period: a chunk that crossed a period would rewrite two of them, and chunks
    smaller than a period add files to it.
    """
    chunks: list[Chunk] = []
    for day in sorted(days):
        last = chunks[-1] if chunks else None
        if (
            last is not None
            and last.last + timedelta(days=1) == day
            and _period(last.last, period) == _period(day, period)
            and last.days < most
        ):
            chunks[-1] = Chunk(last.first, day)
        else:
            chunks.append(Chunk(day, day))
    return chunks


def _most_days(asked: Backfill, crowd: Crowd | None, *, largest: int) -> int:
    """How many days of the largest bucket fit the memory of a task, at least one; ``largest`` are its own rows."""
    a_date = largest if asked.observations.table else crowd.customers if crowd else 0
    if asked.observations.by_event or not a_date:
        return MOST_DAYS
    columns = len(asked.contracts[asked.group.feature_table].columns)
    dates = max(1, int(TASK_BYTES // (a_date * result_bytes(columns))))
    return dates * SHORTEST_MONTH if asked.observations.kind == MonthEnds.kind else dates


def _estimate(
    asked: Backfill,
    chunks: Sequence[Chunk],
    crowd: Crowd | None,
    *,
    files: Mapping[str, DataFile],
    columns: Callable[[str], Mapping[str, int]],
) -> Cost:
    known: dict[str, DataFile] = {}

    def look(path: str) -> DataFile:
        if path not in known:
            known[path] = replace(files[path], column_bytes=columns(path))
        return known[path]

    costs = []
    for chunk in chunks:
        work = asked.work(chunk)
        for task in asked.tasks(chunk):
            observations = _most_observations(asked, task, chunk, crowd=crowd, files=files)
            costs.append(
                estimate_task(
                    task, work, spec=asked.spec(chunk), observations=observations,
                    contracts=asked.contracts, look=look,
                )
            )  # fmt: skip
    return sum_costs(costs)


def _most_observations(
    asked: Backfill, task: BucketTask, chunk: Chunk, *, crowd: Crowd | None, files: Mapping[str, DataFile]
) -> int:
    """At most so many observations: every event there is, or whoever the largest bucket has on each date observed."""
    own, dates = _own_rows(asked, task, files), asked.observations.count_dates(chunk.first, chunk.last)
    if asked.observations.table:
        return own * dates
    return crowd.customers * dates if crowd else 0


def _own_rows(asked: Backfill, task: BucketTask, files: Mapping[str, DataFile]) -> int:
    """The rows of the set's own table, each of which may be observed on a date; 0 where it has none."""
    return sum(files[path].rows for path in task.files.get(asked.observations.table, ()))


def _is_known_after(file: DataFile, day: date) -> bool:
    return "known_on" in file.bounds and file.bounds["known_on"][0] > day


def _period(day: date, period: str) -> str:
    return day.isoformat()[: {"month": len("2026-03"), "year": len("2026"), "all": 0}[period]]


def _runs(days: Iterable[date]) -> list[dict[str, str]]:
    return _ranges_of(cut_chunks(days, period="all"))


def _ranges_of(chunks: Iterable[Chunk]) -> list[dict[str, str]]:
    return [{"first": chunk.first.isoformat(), "last": chunk.last.isoformat()} for chunk in chunks]


def _stale_ranges(states: Iterable[DayState]) -> list[dict[str, object]]:
    """Runs of days with the same stale and absent columns."""
    found: list[dict[str, object]] = []
    broken = [state for state in states if state.stale or state.absent]
    for (stale, absent), same in groupby(broken, key=lambda state: (state.stale, state.absent)):
        told = {"columns": list(stale), "absent": list(absent)}
        found += [{**run, **told} for run in _runs(state.day for state in same)]
    return found
