"""Which stored rows of an answer were made before rows came that count on their date, and what makes them again.

``made_from`` finds it; here is what is asked of it, and what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from tallystick.answers.made_from import DatedRows, MadeFrom
from tallystick.answers.rule_hits import DECISIONS
from tallystick.answers.shelves import Customer, Shelf
from tallystick.answers.staleness import Hindsight, Outdated
from tallystick.answers.table_ages import GRAPH, graph_run, newest_snapshot
from tallystick.answers.watch_entries import WATCHLIST
from tallystick.project import Project

# What brings the other tables of an answer up to a date.
UPDATED_BY = {
    DECISIONS: "tally rules run {observations} --source {source}",
    WATCHLIST: "tally watchlist update NAME --source {source}",
}


def nightly(recipe: str, customer: Customer, *, on: date | None) -> str:
    """What scores all customers of the customer's source on a date; without one, on that of the last load."""
    return f"tally nightly {recipe or 'RECIPE'} --source {customer.source.name}" + (f" --on {on}" if on else "")


def update(table: str, customer: Customer, observations: str, *, first: date, last: date) -> str:
    """What brings one of the tables beside the scores up to these dates."""
    run = UPDATED_BY[table].format(source=customer.source.name, observations=observations)
    return f"{run} --from {first} --to {last}"


@dataclass(frozen=True, slots=True)
class OutdatedRows:
    """Asks ``made`` about the rows of an observation set and what stands beside its scores."""

    made: MadeFrom
    project: Project
    shelf: Callable[[str], Shelf | None]
    observations: str

    def score(self, customer: Customer, recipe: str, day: date, *, groups: Iterable[str]) -> Iterator[Outdated]:
        """The scores of a date, where they or a day of the features of these groups were made too early."""
        asked, table = DatedRows.of(customer, day, self.observations, recipe=recipe), f"score.{self.observations}"
        beneath = (self.made.features(asked, name) for name in groups)
        newer = self.made.answers(asked, table).union(*beneath)
        yield from _told(table, day, newer, run=nightly(recipe, customer, on=day))

    def hindsight(self, customer: Customer, recipe: str, day: date, *, model: str, asked: date) -> Iterator[Hindsight]:
        """The scores of a date, where their model learned from outcomes known later than the date ``asked`` for."""
        table = f"score.{self.observations}"
        known_by = self.made.outcomes_known_by(DatedRows.of(customer, day, self.observations, recipe=recipe), table)
        if known_by is not None and known_by > asked:
            yield Hindsight(table=table, day=day, model=model, known_by=known_by)

    def beside(self, customer: Customer, *, decided_on: date | None, list_of: date | None) -> Iterator[Outdated]:
        """The rules' answers and the watch lists of these dates; None where there are none."""
        if decided_on is not None:
            yield from self._rules(customer, decided_on)
        if list_of is not None:
            yield from self._watch_list(customer, list_of)

    def _rules(self, customer: Customer, day: date) -> Iterator[Outdated]:
        newer = self.made.answers(DatedRows.of(customer, day, self.observations), DECISIONS)
        yield from _told(DECISIONS, day, newer, run=self._updated(DECISIONS, customer, day))

    def _watch_list(self, customer: Customer, day: date) -> Iterator[Outdated]:
        newer = frozenset[str]()
        for one in self.project.watch_lists.values():
            newer |= self.made.answers(DatedRows.of(customer, day, one.observations, recipe=one.recipe), WATCHLIST)
        yield from _told(WATCHLIST, day, newer, run=self._updated(WATCHLIST, customer, day))

    def features(self, customer: Customer, groups: Iterable[str], day: date) -> Iterator[Outdated]:
        """The groups whose stored values of a date were computed too early."""
        asked, source = DatedRows.of(customer, day, self.observations), customer.source.name
        for name in groups:
            run = f"tally features backfill {name} --source {source} --observations {self.observations}"
            run = f"{run} --from {day} --to {day}"
            yield from _told(f"feature.{name}", day, self.made.features(asked, name), run=run)

    def graphs(self, customer: Customer, tables: Iterable[str], day: date) -> Iterator[Outdated]:
        """The graphs among the tables whose newest snapshot by the date was made too early."""
        source = customer.source.name
        for name in sorted(table for table in tables if table.startswith(GRAPH)):
            snapshot = newest_snapshot(self.shelf(name), source, day)
            if snapshot is not None:
                newer = self.made.graph(DatedRows.of(customer, snapshot, self.observations), name)
                yield from _told(name, snapshot, newer, run=graph_run(source))

    def _updated(self, table: str, customer: Customer, day: date) -> str:
        return update(table, customer, self.observations, first=day, last=day)


def _told(table: str, day: date, newer: frozenset[str], *, run: str) -> Iterator[Outdated]:
    if newer:
        yield Outdated(table=table, day=day, newer=tuple(sorted(newer)), run=run)
