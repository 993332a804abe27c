"""An answer is outdated exactly when a table beneath it holds rows, known by its date, that it was not made from.

The oracle follows the rows themselves through nights that are drawn; what is tested sees versions in logs alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.answers.feature_days import FeatureDay
from tallystick.answers.made_from import DatedRows, MadeFrom
from tallystick.answers.outdated import OutdatedRows
from tallystick.answers.rule_hits import DECISIONS, FLAGS
from tallystick.answers.shelves import Customer
from tallystick.answers.watch_entries import WATCHLIST
from tallystick.tables.store.slices import Run, Slice
from tests.lib.shipped import shipped_project

FIRST = date(2026, 4, 6)
DAYS = [FIRST + timedelta(days=number) for number in range(4)]
SIMBANK = shipped_project().sources["simbank"]
CUSTOMER = Customer("simbank:1", SIMBANK)
BENEATH = {"transactions": ("clean.transactions",), "income": ("clean.transactions", "clean.accounts", "graph.people")}
CLEAN = ("clean.transactions", "clean.accounts")
SCORES = "score.daily"
Rows = frozenset[int]


class Logs:
    """A warehouse that has nothing but logs, written by hand: what a commit notes, and the bounds of its files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions: dict[str, int] = {}

    def table_path(self, name: str) -> Path:
        return self.root / name

    def exists(self, name: str) -> bool:
        return name in self.versions

    def newest_version(self, name: str) -> int:
        return self.versions[name]

    def open(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(version=lambda: self.versions[name])

    def commit(self, where: Slice, table: str, *, by: Run, known: Iterable[date] = ()) -> int:
        """A file for each date from which on its rows are known."""
        version = self.versions[table] = self.versions.get(table, -1) + 1
        lines: list[Mapping[str, Any]] = [{"commitInfo": {"userMetadata": by.metadata(where, files=1, rows=1)}}]
        for number, day in enumerate(known):
            stats = {"numRecords": 1, "minValues": {"known_on": str(day)}, "maxValues": {"known_on": str(day)}}
            told = {"partitionValues": {"source": "simbank"}, "size": 1, "stats": json.dumps(stats)}
            lines.append({"add": {"path": f"{version}-{number}", **told}})
        log = self.table_path(table) / "_delta_log"
        log.mkdir(parents=True, exist_ok=True)
        (log / f"{version:020}.json").write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
        return version


@dataclass
class Bank:
    """Loads and nights of a bank, with the rows that each stored thing was made from."""

    logs: Logs
    rows: dict[str, dict[int, date]] = field(default_factory=lambda: {name: {} for name in (*CLEAN, "graph.people")})
    features: dict[tuple[str, date], Rows] = field(default_factory=dict)
    ledger: dict[str, dict[date, FeatureDay]] = field(default_factory=lambda: {name: {} for name in BENEATH})
    made: dict[tuple[str, date], frozenset[tuple[str, Rows]]] = field(default_factory=dict)
    number: int = 0

    def known(self, tables: Iterable[str], day: date) -> Rows:
        """The rows of these tables that count on a day, as the tables are now."""
        return frozenset(row for name in tables for row, known in self.rows[name].items() if known <= day)

    def run(self, inputs: Iterable[str] = (), *, fingerprint: str = "same") -> Run:
        self.number += 1
        return Run(f"r{self.number}", "test", "1", fingerprint, {n: self.logs.versions.get(n, -1) for n in inputs})

    def load(self, table: str, day: date, known: Iterable[date]) -> None:
        days = list(known)
        for one in days:
            self.rows[table][len(self.rows[table]) + 1_000 * list(self.rows).index(table)] = one
        self.logs.commit(Slice.of_load(table, "simbank", day), table, by=self.run(), known=days)

    def compact(self, table: str) -> None:
        self.logs.commit(Slice.of_layout(table, "simbank"), table, by=self.run(), known=set(self.rows[table].values()))

    def compute(self, group: str, days: Iterable[date]) -> None:
        """The values of a group on these days, with what the ledger then knows of them and of its other days."""
        wanted, table = list(days), f"feature.{group}"
        by = self.run(BENEATH[group])
        where = Slice.of_features(table, "simbank", "daily", between=_instants(wanted))
        version = self.logs.commit(where, table, by=by)
        for day, held in self.ledger[group].items():
            if self.features[group, day] == self.known(BENEATH[group], day):
                self.ledger[group][day] = FeatureDay(
                    inputs=by.inputs, definition="", declared=None, committed=held.committed
                )
        for day in wanted:
            self.features[group, day] = self.known(BENEATH[group], day)
            self.ledger[group][day] = FeatureDay(inputs=by.inputs, definition="", declared=None, committed=version)

    def answer(self, table: str, where: Slice, days: Iterable[date], *, beneath: Iterable[str] = ()) -> None:
        """Rows of a table of answers on these days, from the features as they are stored then, and from answers."""
        wanted, above = list(days), list(beneath)
        self.logs.commit(where, table, by=self.run(above or [f"feature.{group}" for group in BENEATH]))
        for day in wanted:
            beside = [self.made[name, day] for name in above]
            values = frozenset((group, self.features[group, day]) for group in BENEATH)
            self.made[table, day] = frozenset().union(*beside) if above else values

    def is_outdated(self, table: str, day: date) -> bool:
        """Whether any value that the answer was made from, directly or through other answers, lacks or has too many."""
        return any(rows != self.known(BENEATH[group], day) for group, rows in self.made[table, day])

    def score(self, days: Iterable[date]) -> None:
        wanted = list(days)
        self.answer(SCORES, Slice.of_scores(SCORES, "simbank", "r", between=_instants(wanted)), wanted)

    def decide(self, days: Iterable[date]) -> None:
        wanted = list(days)
        for table in (FLAGS, DECISIONS):
            self.answer(table, Slice.of_flags(table, "simbank", "daily", between=_instants(wanted)), wanted)

    def watch(self, days: Iterable[date]) -> None:
        wanted = list(days)
        where = Slice.of_scores(WATCHLIST, "simbank", "r", between=_instants(wanted))
        self.answer(WATCHLIST, where, wanted, beneath=(SCORES, FLAGS))

    def made_from(self) -> MadeFrom:
        days = SimpleNamespace(of=lambda source, group: self.ledger.get(group, {}))
        return MadeFrom(self.logs, lambda observations: days)  # type: ignore[arg-type]


def _instants(days: list[date]) -> tuple[datetime, datetime]:
    return CUSTOMER.midnight(min(days)), CUSTOMER.midnight(max(days) + timedelta(days=1))


def asked(day: date) -> DatedRows:
    return DatedRows.of(CUSTOMER, day, "daily", recipe="r")


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    made = Bank(Logs(tmp_path))
    for table in (*CLEAN, "graph.people"):
        made.load(table, FIRST, [FIRST, FIRST])
    return made


def night(bank: Bank, day: date) -> None:
    for group in BENEATH:
        bank.compute(group, [day])
    bank.score([day])
    bank.decide([day])
    bank.watch([day])


def test_a_score_that_was_made_before_its_night_came_is_outdated_until_it_is_made_again(bank: Bank) -> None:
    day = DAYS[1]
    night(bank, day)
    assert bank.made_from().answers(asked(day), SCORES) == frozenset()
    bank.load("clean.transactions", day, [day])
    for table in (SCORES, DECISIONS, WATCHLIST):
        assert bank.made_from().answers(asked(day), table) == {"clean.transactions"}
    assert bank.made_from().features(asked(day), "transactions") == {"clean.transactions"}
    for group in BENEATH:
        bank.compute(group, [day])
    # The features are right again, and what was made of the old ones is not.
    assert bank.made_from().features(asked(day), "transactions") == frozenset()
    assert bank.made_from().answers(asked(day), SCORES) == {"clean.transactions"}
    bank.score([day])
    assert bank.made_from().answers(asked(day), SCORES) == frozenset()
    assert bank.made_from().answers(asked(day), WATCHLIST) == {"clean.transactions"}


def test_a_run_that_computes_the_same_features_again_makes_no_answer_outdated(bank: Bank) -> None:
    night(bank, FIRST)
    for group in BENEATH:
        bank.compute(group, [FIRST])
    assert bank.made_from().answers(asked(FIRST), SCORES) == frozenset()


def test_a_list_whose_scores_are_of_another_model_by_now_is_outdated(bank: Bank) -> None:
    night(bank, FIRST)
    bank.number = 0
    where = Slice.of_scores(SCORES, "simbank", "r", between=_instants([FIRST]))
    bank.logs.commit(where, SCORES, by=Run("new", "test", "1", "another", bank.run(("feature.income",)).inputs))
    assert bank.made_from().answers(asked(FIRST), WATCHLIST) == {SCORES}


def test_a_snapshot_of_a_graph_that_lacks_rows_is_outdated(bank: Bank) -> None:
    by = bank.run(CLEAN)
    bank.logs.commit(Slice.of_graph("graph.people", "simbank", between=(FIRST, None)), "graph.people", by=by)
    bank.load("clean.accounts", DAYS[1], [DAYS[1]])
    assert bank.made_from().graph(asked(FIRST), "graph.people") == frozenset()
    assert bank.made_from().graph(asked(DAYS[1]), "graph.people") == {"clean.accounts"}


def test_a_commit_that_does_not_say_which_dates_it_wrote_says_nothing(bank: Bank) -> None:
    night(bank, FIRST)
    for log in (bank.logs.table_path(SCORES) / "_delta_log").iterdir():
        told = json.loads(log.read_text(encoding="utf-8"))
        facts = json.loads(told["commitInfo"]["userMetadata"])
        del facts["between"]
        log.write_text(json.dumps({"commitInfo": {"userMetadata": json.dumps(facts)}}), encoding="utf-8")
    bank.load("clean.accounts", FIRST, [FIRST])
    assert bank.made_from().answers(asked(FIRST), SCORES) == frozenset()
    assert bank.made_from().features(asked(FIRST), "income") == {"clean.accounts"}


def test_what_is_outdated_is_told_with_the_command_that_makes_it_again(bank: Bank) -> None:
    night(bank, FIRST)
    bank.load("clean.accounts", FIRST, [FIRST])
    rows = OutdatedRows(bank.made_from(), shipped_project(), lambda name: None, "daily")
    (score,) = rows.score(CUSTOMER, "r", FIRST, groups=BENEATH)
    told = "was made before rows that count on it came in clean.accounts; run tally"
    assert str(score) == f"score.daily of 2026-04-06 {told} nightly r --source simbank --on 2026-04-06"
    (rules,) = rows.beside(CUSTOMER, decided_on=FIRST, list_of=None)
    until = "--from 2026-04-06 --to 2026-04-06"
    assert str(rules) == f"score.fraud_decisions of 2026-04-06 {told} rules run daily --source simbank {until}"
    (features,) = rows.features(CUSTOMER, BENEATH, FIRST)
    assert str(features) == (
        f"feature.income of 2026-04-06 {told} features backfill income --source simbank --observations daily {until}"
    )


def test_drawn_nights_are_outdated_as_their_rows_say(tmp_path: Path) -> None:
    chance, outdated, right = random.Random(11), 0, 0
    for number in range(30):
        bank = Bank(Logs(tmp_path / str(number)))
        for table in (*CLEAN, "graph.people"):
            bank.load(table, FIRST, [FIRST])
        for group in BENEATH:
            bank.compute(group, DAYS)
        bank.score(DAYS)
        bank.decide(DAYS)
        bank.watch(DAYS)
        for _ in range(chance.randint(1, 10)):
            days = sorted(chance.sample(DAYS, 2))
            days = DAYS[DAYS.index(days[0]) : DAYS.index(days[chance.randint(0, 1)]) + 1]
            table, group = chance.choice((*CLEAN, "graph.people")), chance.choice(list(BENEATH))
            step = chance.choice(("load", "load", "compute", "score", "decide", "watch", "compact"))
            if step == "load":
                bank.load(table, days[0], chance.choices((*DAYS, DAYS[-1] + timedelta(days=9)), k=chance.randint(0, 2)))
            elif step == "compute":
                bank.compute(group, days)
            elif step == "compact":
                bank.compact(table)
            else:
                getattr(bank, step)(days)
        made = bank.made_from()
        for day in DAYS:
            for group, tables in BENEATH.items():
                assert bool(made.features(asked(day), group)) == (bank.features[group, day] != bank.known(tables, day))
            for table in (SCORES, FLAGS, DECISIONS, WATCHLIST):
                is_outdated = bank.is_outdated(table, day)
                assert bool(made.answers(asked(day), table)) == is_outdated, (number, day, table)
                outdated, right = outdated + is_outdated, right + (not is_outdated)
    assert min(outdated, right) > 100
