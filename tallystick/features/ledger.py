"""The ledger of feature tables: which days are computed, by which definition, and which of them are right no more.

It judges days, writes them down, and refuses values of another definition. A run hands in the tables it reads.

A day is written down after its features are committed and struck out before they are replaced, so whatever the ledger
knows is true, and a run that was killed leaves days that count as missing.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from tallystick.buckets import Storage
from tallystick.errors import ContractError
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.meaning import column_fingerprints
from tallystick.spec.observations import ObservationSet
from tallystick.spec.tables import TableContract

DAYS = "monitor.feature_days"
DEFINITIONS = "monitor.feature_definitions"

# Every reader of features joins on it.
OBSERVATION_ID = "observation_id"

# An error names so many columns and counts the others.
NAMED = 5


class LedgerTables(Protocol):
    """How the ledger is read and written; a value that the job hands in."""

    def read(self, name: str, partition: Mapping[str, str]) -> pa.Table:
        """The partition's rows; none when the table does not exist yet."""

    def replace(self, name: str, rows: pa.Table, partition: Mapping[str, str]) -> None:
        """Make the partition hold exactly these rows."""


class Changes(Protocol):
    """What changed in the clean tables; a value that the job hands in."""

    def since(self, name: str, version: int) -> Sequence[Mapping[str, tuple[Any, Any]]] | None:
        """The bounds of every file with rows that came or went after the version; None when nobody knows any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """What a group's columns mean, as far as their values depend on it: a fingerprint for each column.

    That of ``observation_id`` stands for the set of observations: who is observed, when, and by which key.
    """

    group: str
    columns: Mapping[str, str]

    @classmethod
    def of(
        cls, group: FeatureGroup, contracts: Mapping[str, TableContract], *, observations: ObservationSet
    ) -> Definition:
        """The group as it is declared now, for these observations: who is observed is part of what is stored."""
        found = column_fingerprints(group, group_columns(group, contracts))
        return cls(group=group.name, columns={OBSERVATION_ID: observations.meaning, **found})

    @property
    def name(self) -> str:
        """16 hex digits that stand for all columns and their fingerprints, whatever their order."""
        return fingerprint(sorted(self.columns.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """The tables that a group's values come from: its own, those it looks up, those that observations are drawn from.

    ``by_event`` names those of them whose rows make an observation on the date of the event itself, whenever they
    became known: applications do. ``review_days`` after a date its values still see what becomes known.
    """

    tables: tuple[str, ...]
    zone: str
    by_event: frozenset[str] = frozenset()
    review_days: int = 0

    @classmethod
    def of(cls, group: FeatureGroup, observations: ObservationSet, *, zone: str) -> Inputs:
        """The inputs of a group for these observations."""
        drawn = frozenset(observations.tables)
        return cls(
            tables=tuple(sorted(group.reads | drawn)),
            zone=zone,
            by_event=drawn if observations.by_event else frozenset(),
            review_days=observations.review_days,
        )

    def versions(self, pinned: Mapping[str, int]) -> dict[str, int]:
        """The versions that a run reads: -1 of a table that does not exist yet."""
        return {name: pinned.get(name, -1) for name in self.tables}

    def reach(self, changes: Changes, versions: Mapping[str, int]) -> date:
        """The first business date whose values may differ from those computed at ``versions``; date.max when none.

        A row changes no day before it is known (or so many days of review before that), so a load that brings only rows
        of its own date reaches no earlier one. A load that brings rows known in the past, and one that is mapped again,
        reach back to those rows.
        """
        reached = [date.max]
        for name in self.tables:
            found = changes.since(name, versions.get(name, -1))
            if found is None:
                return date.min
            reached += [self._reach_of(bounds, by_event=name in self.by_event) for bounds in found]
        return min(reached)

    def _reach_of(self, bounds: Mapping[str, tuple[Any, Any]], *, by_event: bool) -> date:
        if "known_on" not in bounds:
            return date.min
        known: date = bounds["known_on"][0] - timedelta(days=self.review_days)
        if not by_event:
            return known
        event: datetime | None = bounds["event_at"][0] if "event_at" in bounds else None
        return date.min if event is None else min(known, event.astimezone(ZoneInfo(self.zone)).date())


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """Who computed days, from which version of every table that was read, by declarations of which digest.

    ``committed`` is the version of the feature table in which their values stand, None where nobody says so.
    """

    run_id: str
    versions: Mapping[str, int]
    declared: str | None = None
    committed: int | None = None

    @property
    def commit_id(self) -> str:
        """A new id for one commit of features.

        A commit is not found again by the id of its run: whether days are done is for the ledger to say, since another
        run may have replaced them after this one's commit.
        """
        return f"{self.run_id}/{uuid.uuid4().hex}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DayState:
    """What is wrong with a day: nothing is stored, rows came that it should have seen, or columns mean something else.

    ``stale`` columns hold values of another definition, ``absent`` ones did not exist when the day was computed.
    """

    day: date
    is_missing: bool = False
    is_late: bool = False
    stale: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the stored values are those that would be computed now."""
        return not (self.is_missing or self.is_late or self.stale or self.absent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The ledger of one source and one set of observations."""

    tables: LedgerTables
    source: str
    observations: str

    def judge(
        self, definition: Definition, days: Iterable[date], *, inputs: Inputs, changes: Changes
    ) -> list[DayState]:
        """The state of each of the days, in their order, against the definition and the tables as they are now."""
        wanted = list(days)
        rows = {row["as_of_date"]: row for row in self.read(definition.group).to_pylist()}
        differences = self._differences(definition)
        reach = {
            text: inputs.reach(changes, json.loads(text))
            for text in {rows[day]["inputs"] for day in wanted if day in rows}
        }
        states = []
        for day in wanted:
            if day not in rows:
                states.append(DayState(day=day, is_missing=True))
                continue
            stale, absent = differences.get(rows[day]["definition"], (tuple(definition.columns), ()))
            is_late = day >= reach[rows[day]["inputs"]]
            states.append(DayState(day=day, is_late=is_late, stale=stale, absent=absent))
        return states

    def redeclared(self, definition: Definition, day: date) -> tuple[str, ...]:
        """The columns whose values of a day were computed by another definition, or not at all; none where the ledger
        does not know the day.
        """
        rows = {row["as_of_date"]: row for row in self.read(definition.group).to_pylist()}
        if day not in rows or rows[day]["definition"] == definition.name:
            return ()
        stale, absent = self._differences(definition).get(rows[day]["definition"], (tuple(definition.columns), ()))
        return (*stale, *absent)

    def read(self, group: str) -> pa.Table:
        """The rows of a group, one a computed day."""
        return self.tables.read(DAYS, self._partition(group))

    def is_done(self, definition: Definition, *, run_id: str, first: date | None, last: date | None) -> bool:
        """Whether this very run has computed all days from ``first`` to ``last`` by this definition before.

        Without both dates: whether every day that is written down in the range is this run's, and there is one.
        """
        rows = [row for row in self.read(definition.group).to_pylist() if _is_between(row["as_of_date"], first, last)]
        is_whole = len(rows) == (last - first).days + 1 if first and last else bool(rows)
        wanted = (run_id, definition.name)
        return is_whole and all((row["run_id"], row["definition"]) == wanted for row in rows)

    def forget(self, group: str, *, first: date | None, last: date | None) -> None:
        """Strike out the days from ``first`` to ``last`` (inclusive, None: no bound): their values will be replaced."""
        rows = self.read(group)
        kept = [row for row in rows.to_pylist() if not _is_between(row["as_of_date"], first, last)]
        if len(kept) < rows.num_rows:
            self.tables.replace(DAYS, pa.Table.from_pylist(kept, schema=rows.schema), self._partition(group))

    def record(
        self,
        definition: Definition,
        counts: Mapping[date, int],
        *,
        run: RunInfo,
        inputs: Inputs,
        changes: Changes,
    ) -> None:
        """Write down days that were computed, with their numbers of rows, after their features are committed.

        Days that were computed before and that nothing reached since are noted as right up to the same versions of the
        inputs, so that Delta's log is needed only back to the last run.
        """
        self._record_definition(definition)
        rows = self.read(definition.group)
        held = {row["as_of_date"]: row for row in rows.to_pylist()}
        told = json.dumps(dict(sorted(run.versions.items())))
        reach = {text: inputs.reach(changes, json.loads(text)) for text in {row["inputs"] for row in held.values()}}
        for day, row in held.items():
            if day < reach[row["inputs"]]:
                row["inputs"] = told
        name = definition.name
        for day, count in counts.items():
            held[day] = {
                **self._partition(definition.group), "as_of_date": day, "definition": name,
                "rows_written": count, "inputs": told, "run_id": run.run_id, "declared": run.declared,
                "committed_version": run.committed,
            }  # fmt: skip
        noted = pa.Table.from_pylist([held[day] for day in sorted(held)], schema=rows.schema)
        self.tables.replace(DAYS, noted, self._partition(definition.group))

    def check(
        self,
        definition: Definition,
        *,
        used: Iterable[str],
        rows: int,
        first: date | None = None,
        last: date | None = None,
    ) -> None:
        """ContractError unless every stored value of the ``used`` columns has the meaning that is declared now.

        ``rows`` are the rows that the feature table holds of this source and these observations: as many as the ledger
        knows of, or some were written by a run that did not end, or before there was a ledger. Only the days from
        ``first`` to ``last`` (inclusive, None: no bound) are looked at.
        """
        where = f"feature.{definition.group}, {self.observations} of {self.source}"
        days = self.read(definition.group).to_pylist()
        known = sum(row["rows_written"] for row in days)
        if known != rows:
            what = f"of {rows} stored rows the ledger knows {known}, so their definition is not known"
            raise ContractError(what, where=where, fix="run compute_features for them again")
        wanted = {OBSERVATION_ID, *used}.intersection(definition.columns)
        differences = self._differences(definition)
        broken: Counter[str] = Counter()
        for row in days:
            if row["rows_written"] and _is_between(row["as_of_date"], first, last):
                stale, absent = differences.get(row["definition"], (tuple(definition.columns), ()))
                broken.update(wanted.intersection((*stale, *absent)))
        if broken:
            again = f"tally features backfill {definition.group} --source {self.source}"
            how = f"run compute_features again, or {again} --observations {self.observations}"
            raise ContractError(_told(broken), where=where, fix=how)

    def _partition(self, group: str) -> dict[str, str]:
        return {"source": self.source, "observations": self.observations, "feature_group": group}

    def _differences(self, definition: Definition) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        """By the name of each definition that is written down, the declared columns it knew otherwise or not at all."""
        held: dict[str, dict[str, str]] = {}
        for row in self.tables.read(DEFINITIONS, {"feature_group": definition.group}).to_pylist():
            held.setdefault(row["definition"], {})[row["column_name"]] = row["fingerprint"]
        return {
            name: (
                tuple(n for n, print_ in definition.columns.items() if n in columns and columns[n] != print_),
                tuple(n for n in definition.columns if n not in columns),
            )
            for name, columns in held.items()
        }

    def _record_definition(self, definition: Definition) -> None:
        partition = {"feature_group": definition.group}
        held = self.tables.read(DEFINITIONS, partition)
        if definition.name in held["definition"].to_pylist():
            return
        new = [
            {**partition, "definition": definition.name, "column_name": name, "fingerprint": print_}
            for name, print_ in definition.columns.items()
        ]
        rows = pa.concat_tables([held, pa.Table.from_pylist(new, schema=held.schema)])
        self.tables.replace(DEFINITIONS, rows, partition)


def check_definitions(
    ledger: Ledger,
    groups: Iterable[Definition],
    *,
    used: Mapping[str, Iterable[str]],
    rows: Mapping[str, int],
    first: date | None = None,
    last: date | None = None,
) -> None:
    """``Ledger.check`` for several groups: ``used`` and ``rows`` tell of the feature tables, by group."""
    for definition in groups:
        name = definition.group
        ledger.check(definition, used=used[name], rows=rows[name], first=first, last=last)


def count_days(storage: Storage, table: str, paths: Iterable[str], *, zone: str) -> dict[date, int]:
    """How many observations the files of a feature table hold on each business date; dates without any are not in it.

    One column is read, one file at a time: a job counts so what its tasks have written.
    """
    found: Counter[date] = Counter()
    for path in paths:
        micros = storage.read(table, [path], ["as_of"])["as_of"].cast(pa.int64()).to_numpy()
        days = pa.array(zone_offsets(zone).dates(micros).astype("int32")).cast(pa.date32())
        found.update({pair["values"]: pair["counts"] for pair in days.value_counts().to_pylist()})
    return dict(sorted(found.items()))


def list_days(first: date, last: date) -> list[date]:
    """All dates from ``first`` to ``last``, both inclusive."""
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]


def owned_days(
    counts: Mapping[date, int], *, first: date | None, last: date | None, loaded: date | None = None
) -> dict[date, int]:
    """Every day that a run has computed with its number of rows, 0 for a day without observations.

    A run that named no first date owns the days from its first observation on, one that named no last date those up
    to the date of the last load (``loaded``) or to its last observation, whichever is later.
    """
    low = first or min(counts, default=None)
    high = last or max([*counts, *([loaded] if loaded else [])], default=None)
    if low is None or high is None:
        return dict(counts)
    return {day: counts.get(day, 0) for day in list_days(low, high)}


def _told(broken: Iterable[str]) -> str:
    names = sorted(broken)
    if OBSERVATION_ID in names:
        return f"stored rows are of another set of observations, or from before sets had a key ({OBSERVATION_ID})"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"stored values of {', '.join(names[:NAMED])}{more} were computed by another definition"


def _is_between(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)
