"""What a watch list is made of, as a run reads it: scores, arrears, rule hits of a night, and the lists before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError, NotFound
from tallystick.features.planning import last_load
from tallystick.observations.dates import business_dates
from tallystick.project.rule_checks import columns_of, plan_set
from tallystick.rules.rule_stage import DECISIONS, FLAGS
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, pin_clean
from tallystick.runs.late_features import refuse_late
from tallystick.runs.loaded_nights import newest_night
from tallystick.runs.run_dates import DateRange
from tallystick.spec.rules import LIVE
from tallystick.spec.watch_lists import TABLE, WatchList
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.schemas import arrow_schema
from tallystick.tables.store.snapshots import pin
from tallystick.warning import NightInputs, find_arrears
from tallystick.warning.arrears import ARREARS_TABLES, NO_ARREARS
from tallystick.warning.listing import EARLIER

_SCORES = (
    "observation_id",
    "customer_id",
    "bucket",
    "period",
    "pd",
    "model_version",
    "reason_1",
    "reason_2",
    "reason_3",
)
_HITS = ("observation_id", "rule_id", "severity", "reason")


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchTables:
    """The tables of a watch list at pinned versions; ``score.watchlist`` itself is read as it is at each night."""

    context: RunContext
    declared: WatchList
    pinned: PinnedTables

    @classmethod
    def open(cls, context: RunContext, declared: WatchList) -> WatchTables:
        """The tables as they are now; NotFound where one does not exist yet."""
        scores = f"score.{declared.observations}"
        ours = {"source": context.source.name}
        found = {scores: pin(context.warehouse, scores).where(recipe=declared.recipe, **ours)}
        for name in (FLAGS, DECISIONS):
            found[name] = pin(context.warehouse, name).where(observations=declared.observations, **ours)
        clean = pin_clean(context, ARREARS_TABLES, all_exist=True)
        return cls(context=context, declared=declared, pinned=PinnedTables({**found, **clean.tables}))

    @property
    def scores(self) -> str:
        """The table of the scores that rank the loans."""
        return f"score.{self.declared.observations}"

    def scored_days(self) -> list[date]:
        """The business dates whose running loans have scores, in order.

        One after the first of them on which features were computed and no loan ran is among them: its list is empty.
        """
        rows = self._read(self.scores, ("as_of",), self._is_ranked)
        scored = business_dates(rows["as_of"], zone=self.context.source.zone)
        (group, *_) = self.context.project.recipes[self.declared.recipe].groups
        computed = self.context.ledger(self.declared.observations).read(group).to_pylist()
        empty = {row["as_of_date"] for row in computed if not row["rows_written"]}
        return sorted({*scored, *(day for day in empty if scored and day > scored[0])})

    def newest_day(self) -> date | None:
        """The newest business date of the source that is loaded: who is late on a later one is not known yet."""
        return newest_night(self.context) or last_load(self.pinned.tables[ARREARS_TABLES[0]].files)

    def check_days(self, days: Sequence[date]) -> None:
        """ContractError for nights after the newest loaded one of the source, and for those whose features later rows
        reach: nobody knew, or the scores and answers rest on less than was known.
        """
        if not days:
            return
        newest = self.newest_day()
        late = [day for day in days if newest is None or day > newest]
        if late:
            name = self.context.source.name
            what = f"source {name} is loaded up to {newest}, and a list of {late[0]} needs the load of that night"
            raise ContractError(what, where=f"table {TABLE}", fix=f"load {late[0]}, or name nights up to {newest}")
        recipe = self.context.project.recipes[self.declared.recipe].scoring(self.declared.observations)
        asked = _groups_of_family(self.context, self.declared, dates=(days[0], days[-1]))
        reads = replace(recipe, groups=tuple(dict.fromkeys((*recipe.groups, *asked))))
        refuse_late(self.context, reads, dates=DateRange(days[0], days[-1]))

    def listed_days(self) -> list[date]:
        """The business dates of the lists that are stored, in order."""
        rows = self._listed(("as_of",))
        return business_dates(rows["as_of"], zone=self.context.source.zone) if rows is not None else []

    def night(self, day: date, made: Mapping[date, pa.Table]) -> NightInputs:
        """All that the list of one night is made of; NotFound where rules were not answered for its loans.

        The lists before it are those that were ``made``, and of earlier nights those that are stored.
        """
        is_night = self._is_then(day)
        scores = self._read(self.scores, _SCORES, self._is_ranked & is_night)
        self._check_answered(scores, is_night, day=day)
        is_live = (pc.field("status") == "live") & (pc.field("family") == self.declared.family)
        hits = self._read(FLAGS, _HITS, self._is_observed & is_night & is_live)
        rules = self.context.project.rules
        return NightInputs(
            day=day,
            scores=scores,
            arrears=self._arrears(day),
            hits=hits,
            # A rule that is declared no more ends with its declaration.
            clears={
                name: rules[name].clears_when if name in rules else f"{name} is a rule no more"
                for name in hits["rule_id"].unique().to_pylist()
            },
            earlier=self._earlier(day, made),
        )

    @property
    def _is_ranked(self) -> pc.Expression:
        return self.context.is_ours & (pc.field("recipe") == self.declared.recipe)

    @property
    def _is_observed(self) -> pc.Expression:
        return self.context.is_ours & (pc.field("observations") == self.declared.observations)

    def _is_then(self, day: date) -> pc.Expression:
        kind = pa.timestamp("us", tz="UTC")
        low, high = DateRange(day, day).instants(self.context.source)
        return (pc.field("as_of") >= pa.scalar(low, kind)) & (pc.field("as_of") < pa.scalar(high, kind))

    def _read(self, table: str, columns: Sequence[str], wanted: pc.Expression) -> pa.Table:
        version = self.pinned.versions[table]
        return read_arrow(self.context.warehouse, table, columns=columns, version=version, filter=wanted)

    def _check_answered(self, scores: pa.Table, is_night: pc.Expression, *, day: date) -> None:
        answered = self._read(DECISIONS, ("observation_id",), self._is_observed & is_night)
        lacking = set(scores["observation_id"].to_pylist()) - set(answered["observation_id"].to_pylist())
        if lacking:
            what = f"rules were not answered for {len(lacking)} of {scores.num_rows} loans on {day}"
            fix = f"run apply_rules --observations {self.declared.observations}"
            raise NotFound(what, where=f"table {DECISIONS}", fix=fix)

    def _arrears(self, day: date) -> pa.Table:
        """Bucket by bucket: the payments of a whole bank may not fit."""
        contracts, zone = self.context.contracts, self.context.source.zone
        parts = []
        for bucket in range(self.context.source.layout.buckets):
            wanted = self.context.is_ours & (pc.field("bucket") == bucket) & (pc.field("known_on") <= pa.scalar(day))
            tables = {
                name: self._read(name, _needed(contracts[name].event_id, name), wanted) for name in ARREARS_TABLES
            }
            if tables["clean.loans"].num_rows:
                parts.append(find_arrears(tables, contracts, day=day, zone=zone))
        return pa.concat_tables(parts) if parts else NO_ARREARS

    def _earlier(self, day: date, made: Mapping[date, pa.Table]) -> pa.Table:
        """What the list needs of all rows of the lists before ``day``."""
        rows = self._listed(EARLIER, pc.field("list_date") < pa.scalar(min([day, *made])))
        if rows is None:
            contract = self.context.contracts[TABLE]
            rows = arrow_schema(contract.column(name) for name in EARLIER).empty_table()
        return pa.concat_tables([rows, *(one.select(EARLIER).cast(rows.schema) for one in made.values())])

    def _listed(self, columns: Sequence[str], wanted: pc.Expression | None = None) -> pa.Table | None:
        """Columns of the stored lists as they are now; None before the first."""
        if not self.context.warehouse.exists(TABLE):
            return None
        condition = self._is_ranked if wanted is None else self._is_ranked & wanted
        return read_arrow(self.context.warehouse, TABLE, columns=columns, filter=condition)


def _needed(event_id: str, table: str) -> tuple[str, ...]:
    seen = ("source", event_id, "event_at", "known_on", "loaded_on", "is_retracted")
    own = ("instalment_minor", "term_months", "first_due_date")
    return (*seen, *(own if table == "clean.loans" else ("loan_id", "amount_minor")))


def _groups_of_family(context: RunContext, declared: WatchList, *, dates: tuple[date, date]) -> tuple[str, ...]:
    """The feature groups that the rules of a list's family read which were live on some of these dates, by name."""
    known = columns_of(context.project, declared.observations)
    rules = plan_set(context.project, declared.observations, columns=known)
    live = [
        one
        for one in rules
        if one.rule.family == declared.family
        and any(span.status == LIVE and span.overlaps(*dates) for span in one.rule.spans)
    ]
    groups = {known.group_of(name) for one in live for name in one.columns}
    return tuple(sorted(groups - {""}))
