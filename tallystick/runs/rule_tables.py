"""What the rules of a set are answered from, for the runs that answer and judge them: opened, pinned and read alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import NotFound
from tallystick.features.planning import find_declared
from tallystick.observations import ObservationSpec
from tallystick.project.rule_checks import columns_of, plan_set
from tallystick.rules.gathering import RuleColumns
from tallystick.rules.rule_stage import RuleWork
from tallystick.rules.table_arrivals import Arrivals, TableArrivals
from tallystick.rules.weights import RuleWeights
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, pin_clean, pin_features
from tallystick.runs.late_features import tell_late
from tallystick.runs.loaded_nights import newest_night, nights_by_load
from tallystick.runs.run_dates import DateRange
from tallystick.spec.calendar import business_zone
from tallystick.spec.observations import ObservationSet
from tallystick.spec.rule_plans import PlannedRule
from tallystick.tables.store.bucket_store import BucketStore
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.snapshots import pin
from tallystick.visibility import LOADED_ON

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleInputs:
    """The rules of a set that are answered, what they read, and the versions of the tables that it stands in."""

    observed: ObservationSet
    rules: tuple[PlannedRule, ...]
    columns: RuleColumns
    pinned: PinnedTables
    arrivals: Arrivals

    @classmethod
    def open(
        cls,
        context: RunContext,
        observations: str,
        *,
        dates: DateRange,
        more: Iterable[str] = (),
        judged_on: date | None = None,
    ) -> RuleInputs:
        """Plan the rules and pin their tables; ``more`` are columns that are read though no rule asks for them. With
        ``judged_on`` the rules are those that a judge of that date asks (``Rule.judged_on``), without it all that are
        or were ever in force.

        NotFound for an unknown set and for one without rules, DeclarationError with the first rule that is wrong. A
        feature table that is not there has no rows, and holds its rules.
        """
        observed = find_declared("observation set", observations, context.project.observations)
        known = columns_of(context.project, observed.name)
        filled = {f"clean.{name}" for name in context.source.tables}
        planned = plan_set(context.project, observed.name, columns=known)
        rules = [one.of_source(filled) for one in judged_rules(planned, judged_on)]
        if not rules:
            raise NotFound(
                f"observations {observed.name} have no rules", where="rules/", fix="declare a family for them"
            )
        groups: dict[str, dict[str, None]] = {}
        for name in (*(name for one in rules for name in one.columns), *more):
            groups.setdefault(known.group_of(name), {})[name] = None
        own = tuple(groups.pop("", ()))
        low, high = dates.instants(context.source)
        read = {name: tuple(names) for name, names in sorted(groups.items())}
        pinned = _pin(context, observed, RuleColumns(groups=read, own=own), dates=dates)
        late = _late(context, observed, pinned, dates=dates)
        columns = RuleColumns(groups=read, own=own, low=low, high=high, late=late)
        tables = sorted({table for one in rules for table in one.tables})
        return cls(
            observed=observed,
            rules=tuple(rules),
            columns=columns,
            pinned=pinned,
            arrivals=read_arrivals(context, tables),
        )

    def work(self, context: RunContext, dates: DateRange, *, weights: RuleWeights | None = None) -> RuleWork:
        """What every task needs."""
        first, last = (dates.first, dates.last) if self.observed.by_event else (date.min, date.min)
        spec = ObservationSpec.of(self.observed, context.contracts, first=first, last=last, columns=self.columns.own)
        return RuleWork(
            rules=self.rules,
            observed=spec,
            columns=self.columns,
            arrivals=self.arrivals,
            zone=context.source.zone,
            weights=weights,
        )

    def storage(self, context: RunContext, written: Iterable[str] = ()) -> BucketStore:
        """How tasks read what rules are answered from, and write these tables."""
        read = [*self.observed.tables, *(f"feature.{name}" for name in self.columns.groups)]
        return context.storage([*read, *written])


def judging_day(context: RunContext, cutoff: date | None = None) -> date:
    """The date whose statuses of rules count for whoever judges rules: the cut-off, by default the last loaded night,
    and today where no load is written down.
    """
    return cutoff or newest_night(context) or datetime.now(business_zone(context.source.zone)).date()


def judged_rules(planned: Iterable[PlannedRule], judged_on: date | None) -> list[PlannedRule]:
    """The rules that a judge of a date asks, by the status that they have for it; without a date all that are or were
    ever in force, as they are declared.
    """
    if judged_on is None:
        return [one for one in planned if one.rule.asked_spans]
    seen = ((one, one.rule.judged_on(judged_on)) for one in planned)
    return [replace(one, rule=rule) for one, rule in seen if rule is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reads:
    """A set of observations and the groups that are read of it."""

    observations: str
    groups: tuple[str, ...]


def _late(
    context: RunContext, observed: ObservationSet, pinned: PinnedTables, *, dates: DateRange
) -> dict[str, tuple[int, ...]]:
    """The days of each group that are late; a warning says how many, since rules about them are held."""
    groups = tuple(name.partition(".")[2] for name in pinned.tables if name.startswith("feature."))
    reads = _Reads(observations=observed.name, groups=groups)
    found = tell_late(context, reads, dates=dates, effect="their rules are held")
    return {group: tuple(day.toordinal() - _EPOCH for day in days) for group, days in found.items()}


def read_arrivals(context: RunContext, tables: Iterable[str]) -> Arrivals:
    """When each of these clean tables of the source arrived; one that never did is not in it."""
    loads, found = nights_by_load(context), {}
    for table in tables:
        known = loads.get(table.partition(".")[2])
        if known and context.warehouse.exists(table):
            begins = _begins(context, table, first=min(known))
            days, nights = (tuple(day.toordinal() - _EPOCH for day in one) for one in (known, known.values()))
            found[table] = TableArrivals(begins=begins, loads=days, nights=nights)
    return Arrivals(tables=found)


def _begins(context: RunContext, table: str, *, first: date) -> int:
    """The day since which rows of the first load were known, at the latest the day of that load.

    What later loads bring of the past had not come by then, and a decision of that day is not judged by it.
    """
    wanted = context.is_ours & (pc.field(LOADED_ON) == pa.scalar(first))
    files = pin(context.warehouse, table).where(source=context.source.name).files
    own = [file.bounds for file in files if "known_on" in file.bounds and LOADED_ON in file.bounds]
    pure = [bounds["known_on"][0] for bounds in own if bounds[LOADED_ON] == (first, first)]
    # Compaction lays loads together: their rows are read, as far as they may be older than those of the other files.
    earliest = min(pure, default=first)
    if any(bounds[LOADED_ON][0] <= first < bounds[LOADED_ON][1] and bounds["known_on"][0] < earliest for bounds in own):
        older = wanted & (pc.field("known_on") < pa.scalar(earliest))
        known = pc.min(read_arrow(context.warehouse, table, columns=["known_on"], filter=older)["known_on"]).as_py()
        earliest = known or earliest
    return min(earliest, first).toordinal() - _EPOCH


def _pin(context: RunContext, observed: ObservationSet, columns: RuleColumns, *, dates: DateRange) -> PinnedTables:
    groups = tuple(name for name in columns.groups if context.warehouse.exists(f"feature.{name}"))
    used: Mapping[str, Iterable[str]] = {name: columns.groups[name] for name in groups}
    reads = _Reads(observations=observed.name, groups=groups)
    features = pin_features(context, reads, used=used, dates=dates)
    own = [observed.table] if observed.by_event or columns.own else []
    return PinnedTables({**features.tables, **pin_clean(context, own, all_exist=True).tables})
