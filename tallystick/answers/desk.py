"""``Answers``: the tables of a warehouse as of one moment, and what they say of a customer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.answers.feature_days import FeatureDays
from tallystick.answers.made_from import MadeFrom
from tallystick.answers.outdated import UPDATED_BY, OutdatedRows, nightly, update
from tallystick.answers.rule_hits import DECISIONS, FLAGS, RuleAnswer, RuleSets, find_rules
from tallystick.answers.scores import Score, choose_recipe, find_row
from tallystick.answers.shelves import Customer, Shelf, find_customer
from tallystick.answers.staleness import NotEvaluated, Outdated, Redeclared, Stale
from tallystick.answers.table_ages import (
    LoadedNight,
    find_nights,
    last_night,
    stale_graphs,
    stale_loads,
    tables_behind,
)
from tallystick.answers.watch_entries import WATCHLIST, WatchAnswer, find_watched
from tallystick.errors import NotFound
from tallystick.project import Project, load_project
from tallystick.spec.names import nearest_name
from tallystick.tables.store.customer_rows import CustomerFiles
from tallystick.tables.store.warehouse import Warehouse

if TYPE_CHECKING:
    from tallystick.answers.feature_values import CustomerVector, Value
    from tallystick.features.compute import GroupWork
    from tallystick.features.ledger import Definition
    from tallystick.spec.tables import TableContract

DAILY = "daily"
LOADS = "monitor.loads"
FEATURE_DAYS = "monitor.feature_days"

# Where a deployment says that they are brought up each night.
_SET_BY = {
    DECISIONS: "TALLYSTICK_RULES names {observations}",
    WATCHLIST: "TALLYSTICK_WATCH_LIST names the list",
}


class Answers:
    """Answers about customers from the tables as they were when it was opened, or last refreshed.

    For one thread. A table is looked at when it is first needed and then stays at that version: ``refresh`` after a
    night, or every minute.
    """

    def __init__(self, warehouse: Warehouse, project: Project, *, observations: str = DAILY) -> None:
        self.warehouse = warehouse
        self.project = project
        self.observations = observations
        self._files = CustomerFiles()
        self._shelves: dict[str, Shelf | None] = {}
        self._works: dict[str, GroupWork] = {}
        self._loads: dict[str, dict[str, list[LoadedNight]]] = {}
        self._days: dict[str, FeatureDays] = {}
        self._outdated = OutdatedRows(MadeFrom(warehouse, self._days_of), project, self._shelf, observations)
        self._behind: dict[tuple[str, date, tuple[str, ...]], frozenset[str]] = {}
        self._definitions: dict[str, Definition] = {}
        self._changed: dict[tuple[str, date, str], Redeclared | None] = {}

    @classmethod
    def open(cls, warehouse: str | Path, project: str | Path, *, observations: str = DAILY) -> Answers:
        """Answers of a warehouse by the declarations of a project folder; ``observations`` is the set scored each
        night.
        """
        return cls(Warehouse(warehouse), load_project(Path(project)), observations=observations)

    def refresh(self) -> None:
        """Look at the newest versions of the tables from now on."""
        self._files.close()
        self._shelves.clear()
        self._loads.clear()
        self._days.clear()
        self._outdated.made.refresh()
        self._behind.clear()
        self._changed.clear()

    def score(self, customer_id: str, *, as_of: date | None = None, recipe: str = "") -> Score:
        """The customer's newest stored score at or before the start of ``as_of``, by default of the last loaded night.

        A night that was scored ahead of its load answers only where its date is named. An answer of an earlier date
        than the one that counts says so (``stale``). Where no load is written down, the newest score of all answers.
        ``recipe`` must be named where several score the same set. NotFound where there is no score.
        """
        customer = find_customer(customer_id, self.project)
        table = f"score.{self.observations}"
        # Loads are looked at before the scores of their night: a night that comes between is not answered yet.
        last = as_of or self._last_night(customer)
        shelf = self._shelf(table)
        if shelf is None:
            raise NotFound(
                f"there is no table {table}", where=str(self.warehouse.root), fix=self._first_night(customer, as_of)
            )
        chosen = choose_recipe(shelf, customer, recipe)
        row = find_row(shelf, self._files, customer, recipe=chosen, last=last)
        if row is None:
            when = f" on or before {last}" if last else ""
            fix = f"only customers of observations {self.observations} are scored: check the id and the date"
            raise NotFound(f"the customer has no score{when}", where=table, fix=fix)
        scored_on = customer.date_of(row["as_of"])
        day = last or scored_on
        run = nightly(chosen, customer, on=day)
        stale = [Stale(table=table, held=scored_on, wanted=day, run=run)] * (scored_on < day)
        rules, watch = self._find_rules(customer, day), self._find_watched(customer, day)
        beside = {
            DECISIONS: rules.decided_on if rules else None,
            WATCHLIST: watch.list_of if watch else None,
        }
        lacking = [name for name, found in ((DECISIONS, rules), (WATCHLIST, watch)) if found is None]
        return Score(
            customer_id=customer.id,
            as_of=day,
            scored_on=scored_on,
            recipe=chosen,
            model_version=row["model_version"],
            pd=row["pd"],
            score=row["score"],
            decision=row["decision"],
            limit_minor=row["limit_minor"],
            currency=row["currency"],
            reasons=tuple(row[f"reason_{n}"] for n in (1, 2, 3) if row[f"reason_{n}"] is not None),
            is_in_training=row["is_in_training"],
            rules=rules,
            watch=watch,
            not_evaluated=tuple(self._not_evaluated(customer, lacking)),
            stale=(
                *stale,
                *self._stale_beside(customer, {name: beside[name] for name in beside if name not in lacking}, day),
                *self._stale_inputs(customer, day, self._recipe_groups(chosen), of=scored_on),
                *self._outdated.hindsight(customer, chosen, scored_on, model=row["model_version"], asked=day),
                *self._outdated.score(customer, chosen, scored_on, groups=self._recipe_groups(chosen)),
                *self._outdated.beside(customer, decided_on=beside[DECISIONS], list_of=beside[WATCHLIST]),
            ),
        )

    def vector(self, customer_id: str, *, as_of: date | None = None, groups: Iterable[str] = ()) -> CustomerVector:
        """The customer's feature values at the start of ``as_of``, by default that of the last night that is loaded.

        ``groups`` are by default those of the recipes that score the set each night. A group whose table holds the
        customer at that instant answers from there; any other is computed from the clean tables as they were known on
        that date. A customer of whom nothing is known has the values of nothing.
        """
        # Not at the top: a score needs no declarations, whose reader takes a quarter of its time to import.
        from tallystick.answers.feature_values import CustomerVector, knows_of, stored_features

        customer = find_customer(customer_id, self.project)
        wanted = list(groups) or self._default_groups()
        # Loads are looked at before the tables they filled: what they brought is then surely seen.
        loaded = self._last_night(customer)
        day = as_of or loaded
        if day is None:
            raise NotFound(f"nothing of {customer.source.name} is loaded", where=str(self.warehouse.root), fix="ingest")
        found: dict[str, dict[str, Value] | None] = {}
        for name in wanted:
            shelf = self._shelf(f"feature.{name}")
            held = shelf and stored_features(shelf, self._files, customer, observations=self.observations, day=day)
            found[name] = held or None
        lacking = [name for name, held in found.items() if held is None]
        made = self._compute(customer, day, lacking) if lacking else {}
        return CustomerVector(
            customer_id=customer.id,
            as_of=day,
            features={name: value for group in wanted for name, value in (found[group] or made[group]).items()},
            stored=tuple(name for name in wanted if name not in lacking),
            computed=tuple(lacking),
            is_known=len(lacking) < len(wanted)
            or knows_of(self._of_customers(customer), self._files, customer, day=day),
            stale=(
                *self._stale_inputs(customer, day, wanted, of=day),
                *self._outdated.features(customer, [name for name in wanted if name not in lacking], day),
                *self._redeclared(customer, day, [name for name in wanted if name not in lacking]),
            ),
        )

    def _not_evaluated(self, customer: Customer, tables: Iterable[str]) -> Iterator[NotEvaluated]:
        words = {"source": customer.source.name, "observations": self.observations}
        for name in tables:
            run, setting = UPDATED_BY[name].format(**words), _SET_BY[name].format(**words)
            yield NotEvaluated(table=name, run=run, setting=setting)

    def _stale_beside(self, customer: Customer, held: Mapping[str, date | None], day: date) -> Iterator[Stale]:
        """Which of these tables, each with its newest date for the answer, are of an earlier date than the answer."""
        for name, newest in held.items():
            if newest is None or newest < day:
                # A list builds on the one before it: no night between them is left out.
                first = newest + timedelta(days=1) if newest and name == WATCHLIST else day
                run = update(name, customer, self.observations, first=first, last=day)
                yield Stale(table=name, held=newest, wanted=day, run=run)

    def _first_night(self, customer: Customer, on: date | None) -> str:
        """What makes the first scores of the set: its recipe by name, where one is declared, and its model."""
        recipes = self.project.recipes.values()
        recipe = next((one.name for one in recipes if self.observations in (*one.also_scored, one.observations)), "")
        trained = f"tally run {recipe or 'RECIPE'} --source {customer.source.name}=DIR trains its model"
        return f"{nightly(recipe, customer, on=on)}; where there is no champion yet, {trained} before"

    def _of_customers(self, customer: Customer) -> Iterator[tuple[TableContract, Shelf]]:
        """The clean tables of the source that say whose each row is, and since when it is known."""
        for name in customer.source.tables:
            contract = self.project.contracts[f"clean.{name}"]
            if contract.entity and contract.known_on and (shelf := self._shelf(contract.name)) is not None:
                yield contract, shelf

    def _find_rules(self, customer: Customer, day: date) -> RuleAnswer | None:
        """What the rules of the set say; None where they were never asked about anybody of the source."""
        shelf = self._shelf(DECISIONS)
        if shelf is None or self.observations not in shelf.values("observations", customer.source.name):
            return None
        return find_rules(
            customer,
            decisions=shelf,
            flags=self._shelf(FLAGS),
            files=self._files,
            sets=RuleSets(scored=self.observations, nightly=self._nightly_sets()),
            day=day,
        )

    def _nightly_sets(self) -> frozenset[str]:
        return frozenset(name for name, one in self.project.observations.items() if not one.by_event)

    def _find_watched(self, customer: Customer, day: date) -> WatchAnswer | None:
        """The customer's loans on the watch list; None where the source has none."""
        shelf = self._shelf(WATCHLIST)
        if shelf is None or not shelf.values("recipe", customer.source.name):
            return None
        return find_watched(shelf, self._files, customer, day=day)

    def _shelf(self, name: str) -> Shelf | None:
        if name not in self._shelves:
            self._shelves[name] = self._open(name)
        return self._shelves[name]

    def _open(self, name: str) -> Shelf | None:
        exists = self.warehouse.exists(name)
        return Shelf.open(self.warehouse, name, self.project.sources) if exists else None

    def _compute(self, customer: Customer, day: date, groups: Iterable[str]) -> dict[str, dict[str, Value]]:
        # Not at the top: what is stored needs no kernel, whose import takes longer than the look-up.
        from tallystick.answers.on_the_spot import Computing

        works = [self._work(name) for name in groups]
        # All tables of one moment: a load is seen in each of them or in none.
        wanted = sorted({name for work in works for name in work.tables} - self._shelves.keys())
        self._shelves |= self.warehouse.at_one_moment(lambda: {name: self._open(name) for name in wanted})
        return Computing(customer, day, self.project.contracts, self._shelf, self._files).features(works)

    def _work(self, name: str) -> GroupWork:
        from tallystick.features.compute import GroupWork

        if name not in self._works:
            groups = self.project.feature_groups
            if name not in groups:
                raise NotFound(f"there is no feature group {name}", where="features/", fix=nearest_name(name, groups))
            self._works[name] = GroupWork.of(groups[name], self.project.contracts)
        return self._works[name]

    def _default_groups(self) -> list[str]:
        recipes = self.project.recipes.values()
        asked = [recipe.groups for recipe in recipes if self.observations in (recipe.observations, *recipe.also_scored)]
        if not asked:
            what = f"no recipe scores observations {self.observations}, so no groups follow"
            raise NotFound(what, fix="name the groups")
        return list(dict.fromkeys(name for groups in asked for name in groups))

    def _loads_of(self, customer: Customer) -> dict[str, list[LoadedNight]]:
        source = customer.source.name
        if source not in self._loads:
            self._loads[source] = find_nights(self._shelf(LOADS), customer)
        return self._loads[source]

    def _last_night(self, customer: Customer) -> date | None:
        """The newest business date of the customer's source that is loaded; None where loads are not written down."""
        return last_night(self._loads_of(customer))

    def _recipe_groups(self, recipe: str) -> tuple[str, ...]:
        """The groups that a recipe reads; every group of the project where the recipe is declared no more."""
        declared = self.project.recipes.get(recipe)
        return declared.groups if declared else tuple(self.project.feature_groups)

    def _stale_inputs(
        self, customer: Customer, day: date, groups: Iterable[str], *, of: date
    ) -> list[Stale | Outdated]:
        """What the features of these groups lack on ``day``: loads of their tables, snapshots of their graphs.

        ``of`` is the date whose features answer.
        """
        wanted = (customer.source.name, of, tuple(groups))
        if wanted not in self._behind:
            self._behind[wanted] = tables_behind(
                self._days_of(self.observations),
                customer.source.name,
                wanted[2],
                day=of,
                declared=lambda name: self.project.feature_groups[name].reads,
            )
        tables = self._behind[wanted]
        return [
            *stale_loads(self._loads_of(customer), customer.source, tables, day=day),
            *stale_graphs(tables, self._shelf, customer, graphs=lambda: self.project.graphs, day=day),
            *self._outdated.graphs(customer, tables, of),
        ]

    def _days_of(self, observations: str) -> FeatureDays:
        if observations not in self._days:
            self._days[observations] = FeatureDays(self._shelf(FEATURE_DAYS), observations)
        return self._days[observations]

    def _redeclared(self, customer: Customer, day: date, groups: Iterable[str]) -> list[Redeclared]:
        """The groups whose stored values mean something else than is declared now."""
        days, digest = self._days_of(self.observations), self.project.feature_digest
        source = customer.source.name
        unsure = [name for name in groups if not days.is_known_same(source, name, day, declared=digest)]
        return [one for name in unsure if (one := self._compare(customer, day, name)) is not None]

    def _compare(self, customer: Customer, day: date, name: str) -> Redeclared | None:
        """What of a stored group is declared otherwise by now; None where nothing is, or nobody can say."""
        # Not at the top: it reads all declarations, which an answer from tables of today's files does without.
        from tallystick.answers.meanings import HeldLedger, find_redeclared
        from tallystick.features.ledger import Definition

        declared, groups = self.project.observations.get(self.observations), self.project.feature_groups
        if declared is None or name not in groups:
            return None
        asked = (customer.source.name, day, name)
        if asked not in self._changed:
            if name not in self._definitions:
                self._definitions[name] = Definition.of(groups[name], self.project.contracts, observations=declared)
            held = HeldLedger(shelf=self._shelf, project=self.project)
            self._changed[asked] = find_redeclared(
                held, customer, self._definitions[name], observations=self.observations, day=day
            )
        return self._changed[asked]
