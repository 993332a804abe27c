"""What was computed and answered before its night came says so, from then on until it is made again."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tallystick.answers import Answers
from tallystick.answers.shelves import find_customer
from tallystick.project import load_project
from tallystick.runs import compact_events
from tallystick.runs.params import CompactEvents
from tests.jobs.test_rules_run import apply, declare, store_loads
from tests.lib import backfills as bank

DAY = date(2026, 3, 5)
NIGHTS = [bank.HISTORY + timedelta(days=number) for number in range(4)]
WHO = "village:1"


def outdated(root: Path) -> dict[str, tuple[str, ...]]:
    """The tables of the day that were made too early, each with those in which rows came since."""
    project = load_project(root / "project")
    answers = Answers.open(root / "warehouse", root / "project")
    told = [
        *answers.vector(WHO, as_of=DAY, groups=["spend"]).stale,
        *answers._outdated.beside(find_customer(WHO, project), decided_on=DAY, list_of=None),
    ]
    return {one.table: getattr(one, "newer", ()) for one in told}


def compute(root: Path) -> None:
    bank.compute(root / "project", root / "warehouse", groups=("spend",), first=str(DAY), last=str(DAY))


def load(root: Path, day: date) -> None:
    bank.store(root / "project", root / "warehouse", bank.daily(day), loaded_on=day)


def test_what_was_made_before_its_night_came_is_outdated_until_it_is_made_again(tmp_path: Path) -> None:
    project, warehouse = bank.write_project(tmp_path / "project"), tmp_path / "warehouse"
    bank.store_accounts(project, warehouse)
    bank.store(project, warehouse, bank.history(), loaded_on=bank.HISTORY)
    for night in NIGHTS[1:]:
        load(tmp_path, night)
    store_loads(project, warehouse, {"transactions": [*NIGHTS, DAY], "accounts": [*NIGHTS, DAY]})
    declare(tmp_path)
    compute(tmp_path)
    apply(tmp_path, first=str(DAY), last=str(DAY))
    assert outdated(tmp_path) == {}
    load(tmp_path, DAY)
    late = ("clean.transactions",)
    assert outdated(tmp_path) == {"feature.spend": late, "score.fraud_decisions": late}
    # The features see the night now; the rules were answered from those that had not.
    compute(tmp_path)
    assert outdated(tmp_path) == {"score.fraud_decisions": late}
    apply(tmp_path, first=str(DAY), last=str(DAY))
    assert outdated(tmp_path) == {}
    # Neither the next night, nor the same values computed again, nor merged files change what was known that day.
    load(tmp_path, DAY + timedelta(days=1))
    compute(tmp_path)
    compact_events.run(bank.told(CompactEvents, project, warehouse, source="village", as_of=date(2029, 1, 1)))
    assert outdated(tmp_path) == {}
