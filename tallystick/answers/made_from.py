"""Whether what answers was made from the rows that its tables hold by now, as far as they were known on its date.

A score that was made before its night came is of the right date and rests on too little. What things were made from
stands in the ledger (a day of features) and in the facts of commits (graphs, scores, rules' answers, watch lists):
versions of tables. Here these are held against the tables as they are; no row is read. Apart from ``table_ages``, which
looks at dates alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tallystick.answers.feature_days import FeatureDays
from tallystick.answers.rule_hits import DECISIONS, FLAGS
from tallystick.answers.shelves import Customer
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.commits import facts_holding, last_facts
from tallystick.tables.store.slices import Slice
from tallystick.tables.store.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedRows:
    """Stored rows of one business date of a source, which begins at ``midnight``: about which observations, and by
    which recipe where one made them.
    """

    source: str
    day: date
    midnight: datetime
    observations: str
    recipe: str = ""

    @classmethod
    def of(cls, customer: Customer, day: date, observations: str, *, recipe: str = "") -> DatedRows:
        """Rows of the customer's source."""
        midnight = customer.midnight(day)
        return cls(source=customer.source.name, day=day, midnight=midnight, observations=observations, recipe=recipe)

    def slice_of(self, table: str) -> str:
        """The name of the slice that writers of these rows lock in a table."""
        if table in (DECISIONS, FLAGS):
            return Slice.of_flags(table, self.source, self.observations).name
        return Slice.of_scores(table, self.source, self.recipe).name


@dataclass(slots=True)
class MadeFrom:
    """Compares versions of the tables of a warehouse with those that stored rows were made from.

    ``days`` gives the ledger of an observation set. What was found stays until ``refresh``.
    """

    warehouse: Warehouse
    days: Callable[[str], FeatureDays]
    _found: dict[tuple[object, ...], frozenset[str]] = field(default_factory=dict)
    _told: dict[tuple[object, ...], Mapping[str, Any]] = field(default_factory=dict)
    _changes: dict[str, ChangeLog] = field(default_factory=dict)

    def refresh(self) -> None:
        """Look at the tables again from now on. What was read of their logs stays true."""
        self._found.clear()
        self._told.clear()

    def features(self, asked: DatedRows, group: str) -> frozenset[str]:
        """The tables with rows that a group's stored day was not made from; none where the ledger does not know it."""
        day = self.days(asked.observations).of(asked.source, group).get(asked.day)
        return self._beneath(asked, day.inputs) if day else frozenset()

    def answers(self, asked: DatedRows, table: str, *, version: int | None = None) -> frozenset[str]:
        """The tables with rows that the stored answers of a date in ``table`` were not made from.

        Those of the commit that wrote them by ``version``, by default of the newest. A table of answers that they were
        made from is among them where a later commit of that date is of another model or other declarations. None where
        no commit says what they were made from.
        """
        made = self._facts(table, asked.slice_of(table), asked, until=version)
        itself = version is not None and _ways(self._facts(table, asked.slice_of(table), asked)) != _ways(made)
        return self._beneath(asked, _versions(made)) | (frozenset([table]) if itself else frozenset())

    def outcomes_known_by(self, asked: DatedRows, table: str) -> date | None:
        """The date by which the outcomes were known that the model of a date's scores learned from; None where the
        commit that wrote them does not say.
        """
        told = self._facts(table, asked.slice_of(table), asked).get("outcomes_known_by")
        return date.fromisoformat(told) if told else None

    def graph(self, asked: DatedRows, table: str) -> frozenset[str]:
        """The tables with rows that a graph's snapshot of the date was not made from.

        The newest commit of a graph has judged the earlier snapshots, so its versions are theirs, too.
        """
        of_source = Slice.of_graph(table, asked.source, between=(None, None)).name
        if (table, of_source) not in self._told:
            exists = self.warehouse.exists(table)
            self._told[table, of_source] = last_facts(self.warehouse.table_path(table), of_source) if exists else {}
        return self._beneath(asked, _versions(self._told[table, of_source]))

    def _beneath(self, asked: DatedRows, inputs: Mapping[str, int]) -> frozenset[str]:
        """The tables, of these and of those beneath them, with rows that were known on the date and came later."""
        key = (asked, *inputs.items())
        if key not in self._found:
            found = [self._newer(asked, table, version) for table, version in inputs.items()]
            self._found[key] = frozenset().union(*found)
        return self._found[key]

    def _newer(self, asked: DatedRows, table: str, version: int) -> frozenset[str]:
        """The table, where it has such rows in versions after this one, and those beneath it that have."""
        layer, _, name = table.partition(".")
        if layer == "feature":
            return self._newer_features(asked, name, version)
        if layer == "score":
            return self.answers(asked, table, version=version)
        has_rows = layer in ("clean", "graph") and self._has_newer(asked, table, version)
        return frozenset([table]) if has_rows else frozenset()

    def _newer_features(self, asked: DatedRows, group: str, version: int) -> frozenset[str]:
        """Of values that were computed again since, what the values of this version were made from counts: to compute
        them again from the same rows changes nothing.
        """
        day, table = self.days(asked.observations).of(asked.source, group).get(asked.day), f"feature.{group}"
        if day is None or (day.committed is not None and day.committed <= version):
            return self.features(asked, group)
        of_set = Slice.of_features(table, asked.source, asked.observations).name
        return self._beneath(asked, _versions(self._facts(table, of_set, asked, until=version)))

    def _facts(self, table: str, slice_name: str, asked: DatedRows, *, until: int | None = None) -> Mapping[str, Any]:
        """The facts of the commit that wrote the rows of the date; empty where none says so."""
        key = (table, slice_name, asked.day, until)
        if key not in self._told:
            path, exists = self.warehouse.table_path(table), self.warehouse.exists(table)
            self._told[key] = facts_holding(path, slice_name, asked.midnight, until=until) if exists else {}
        return self._told[key]

    def _has_newer(self, asked: DatedRows, table: str, version: int) -> bool:
        """Whether rows that count on the day came or went after the version. One without a table has none; where the
        log does not reach back to the version, they may have.
        """
        if not self.warehouse.exists(table) or self.warehouse.newest_version(table) <= version:
            return False
        source = asked.source
        log = self._changes.setdefault(source, ChangeLog(self.warehouse, source))
        changed = log.since(table, version)
        return changed is None or any("known_on" not in one or one["known_on"][0] <= asked.day for one in changed)


def _versions(facts: Mapping[str, Any]) -> Mapping[str, int]:
    return {name: int(version) for name, version in facts.get("inputs", {}).items()}


def _ways(facts: Mapping[str, Any]) -> tuple[object, ...]:
    """What answers differ by though the rows beneath them are the same: declarations, and what a model learned from."""
    beneath = ("clean.", "graph.", "feature.", "score.")
    learned = {name: version for name, version in _versions(facts).items() if not name.startswith(beneath)}
    return facts.get("fingerprint"), learned
