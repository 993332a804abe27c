"""A night that comes late: what it brings is known from its load on, and what later nights said still holds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.cli.showing import list_deliveries
from tallystick.errors import LoadRefused
from tallystick.ingest.deliveries import find_deliveries
from tallystick.project import load_project
from tallystick.runs import ingest_source, loads
from tallystick.runs.context import sharing_project
from tallystick.tables import Run, Warehouse, pin_all
from tallystick.tables.landing import land, mark_published
from tallystick.tables.landing.raw_folder import PUBLISHED
from tallystick.tables.store.changes import ChangeLog
from tests.lib.deliveries import ACCOUNTS, BOOKINGS, PEOPLE, ingest, rows_of, write_delivery, write_project

HEAD = BOOKINGS.partition("\n")[0] + "\n"
EAST = PEOPLE + "3,1990-07-03,east\n"
OPENED = "account,person,opened\nA3,3,2024-02-01\n"
# Of each night the account and the amount that it says of a booking.
Said = dict[date, dict[str, tuple[str, int]]]
HISTORY = {"people.csv": PEOPLE, "accounts.csv.gz": ACCOUNTS, "bookings_1.csv.gz": BOOKINGS}


def night(*bookings: str, people: str | None = PEOPLE, accounts: str | None = None) -> dict[str, str | bytes | None]:
    lines = "".join(f"{line},\n" for line in bookings)
    return {"people.csv": people, "accounts.csv.gz": accounts, "bookings_1.csv.gz": HEAD + lines}


# The second night opens an account that the third books on, and says of bookings 1 and 6 what the third takes back.
NIGHTS = {
    "2024-01-31": HISTORY,
    "2024-02-01": night("5,A1,2024-01-31,9,CASH"),
    "2024-02-02": night(
        "1,A1,2024-01-02,111.00,CASH", "6,A2,2024-02-01,20,CASH", "7,A1,2024-02-01,1,CARD",
        people=EAST, accounts=OPENED,
    ),
    "2024-02-03": night(
        "1,A1,2024-01-02,100.00,CASH", "6,A2,2024-02-01,21,CASH", "8,A3,2024-02-02,5,CASH", people=EAST
    ),
    "2024-02-04": night("9,A3,2024-02-03,4,CARD", "10,A1,2024-02-03,2,CARD"),
}  # fmt: skip


class Bank:
    """The village bank with its deliveries and a warehouse."""

    def __init__(self, home: Path, project: Path) -> None:
        self.project, self.files, self.warehouse = project, home / "files", home / "warehouse"

    def deliver(self, nights: dict[str, Any]) -> None:
        for name, files in nights.items():
            write_delivery(self.files / name, files)

    def load(self, *names: str, **asked: Any) -> None:
        for name in names:
            day = date.fromisoformat(name)
            ingest(None, self.project, self.warehouse, directory=self.files, load_date=day, **asked)  # type: ignore[arg-type]

    def rows(self, table: str = "clean.transactions") -> list[dict[str, Any]]:
        return rows_of(self.warehouse, table)

    def in_force(self, day: date) -> dict[str, int]:
        """Amounts by booking on a date, by the definition: of the versions known by then the one delivered last."""
        rows = [row for row in self.rows() if row["known_on"] <= day]
        rows.sort(key=lambda row: (row["loaded_on"], row["known_on"]))
        return {row["transaction_id"]: row["amount_minor"] for row in rows}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with sharing_project():
        yield write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def new_bank(tmp_path: Path, project: Path) -> Callable[[str], Bank]:
    return lambda name: Bank(tmp_path / name, project)


def test_a_late_night_is_known_from_its_load_on_and_later_statements_hold(
    new_bank: Callable[[str], Bank], capsys: pytest.CaptureFixture[str]
) -> None:
    bank, plain = new_bank("late"), new_bank("plain")
    bank.deliver(NIGHTS)
    plain.deliver(NIGHTS)
    bank.load("2024-01-31", "2024-02-01", "2024-02-03")
    assert "WARNING village: no delivery of 2024-02-02, and later nights are loaded without" in capsys.readouterr().err
    before = {day: bank.in_force(date(2024, 2, day)) for day in (1, 2, 3)}
    pinned = pin_all(Warehouse(bank.warehouse), ["clean.transactions"])["clean.transactions"]
    with pytest.raises(LoadRefused, match=r"2024-02-02: it came late, after 2024-02-03, .*--run-date"):
        bank.load("2024-02-02")
    assert not (bank.warehouse / "raw" / "village" / "2024-02-02").exists()  # refused before anything is done
    bank.load("2024-02-02", run_date=date(2024, 2, 3))
    assert {day: bank.in_force(date(2024, 2, day)) for day in (1, 2, 3)} == before
    # What the ledger asks Delta's log: features are late from the load date on, and no day before.
    changed = ChangeLog(Warehouse(bank.warehouse), "village").since("clean.transactions", pinned.version)
    assert changed is not None
    assert min(bounds["known_on"][0] for bounds in changed) == date(2024, 2, 4)
    late = bank.rows()
    bank.load(*NIGHTS)
    assert [row for row in bank.rows() if row["transaction_id"] not in ("9", "10")] == late
    plain.load(*NIGHTS)
    assert bank.in_force(date(2024, 2, 4)) == plain.in_force(date(2024, 2, 4))
    assert list_deliveries(bank.warehouse, bank.project).select(["delivery", "load_date", "state"]).to_pylist()[2:] == [
        {"delivery": "2024-02-02", "load_date": date(2024, 2, 4), "state": "late by 2 days"},
        {"delivery": "2024-02-03", "load_date": date(2024, 2, 3), "state": "loaded"},
        {"delivery": "2024-02-04", "load_date": date(2024, 2, 4), "state": "loaded"},
    ]
    everything = {name: bank.rows(name) for name in Warehouse(bank.warehouse).tables()}
    ingest(None, bank.project, bank.warehouse, replay_from=date(2024, 1, 31))  # type: ignore[arg-type]
    assert {name: bank.rows(name) for name in everything} == everything


def test_the_same_name_with_other_bytes_is_refused_and_a_second_delivery_of_its_date_is_not(
    new_bank: Callable[[str], Bank],
) -> None:
    bank = new_bank("bank")
    bank.deliver({name: NIGHTS[name] for name in ("2024-01-31", "2024-02-01")})
    bank.load("2024-01-31", "2024-02-01")
    corrected = night("5,A1,2024-01-31,8,CASH")
    bank.deliver({"2024-02-01": corrected})
    with pytest.raises(LoadRefused, match=r"2024-02-01: other bytes .* in a folder named 2024-02-01\.2"):
        bank.load("2024-02-01")
    bank.deliver({"2024-02-01": NIGHTS["2024-02-01"], "2024-02-01.2": corrected})
    with pytest.raises(LoadRefused, match="cannot have been known from 2024-01-31 on"):
        bank.load("2024-02-01", known_from=date(2024, 1, 31))
    bank.load("2024-02-01", run_date=date(2024, 2, 1))
    amounts = [bank.in_force(date(2024, 2, day))["5"] for day in (1, 2)]
    assert amounts == [900, 800]


def test_late_nights_of_a_folder_are_loaded_with_its_newest_night(new_bank: Callable[[str], Bank]) -> None:
    bank = new_bank("bank")
    bank.deliver({name: NIGHTS[name] for name in ("2024-01-31", "2024-02-03")})
    ingest(None, bank.project, bank.warehouse, directory=bank.files)  # type: ignore[arg-type]
    bank.deliver(NIGHTS)
    with pytest.raises(LoadRefused, match="--run-date"):
        ingest(None, bank.project, bank.warehouse, directory=bank.files)  # type: ignore[arg-type]
    assert {row["loaded_on"].day for row in bank.rows()} == {31, 3}  # the new night waits for the date, too
    day = date(2024, 2, 4)
    ingest(None, bank.project, bank.warehouse, directory=bank.files, run_date=day)  # type: ignore[arg-type]
    told = list_deliveries(bank.warehouse, bank.project)["state"].to_pylist()
    assert told == ["loaded", "late by 3 days", "late by 2 days", "loaded", "loaded"]
    # Only the night of the 2nd, which came late, held a file of accounts.
    fed = {row["table_name"]: row["fed_by"] for row in bank.rows("monitor.loads") if row["loaded_on"] == day}
    assert (fed["accounts"], fed["transactions"]) == ("2024-02-02", "2024-02-01 2024-02-02 2024-02-04")
    single = new_bank("single")
    single.deliver(NIGHTS)
    single.load("2024-01-31", "2024-02-03", "2024-02-04", "2024-02-01", "2024-02-02", run_date=day)
    values = [sorted((row["transaction_id"], row["amount_minor"]) for row in one.rows()) for one in (bank, single)]
    assert values[0] == values[1]
    assert {"5", "6", "7", "8"} <= {transaction for transaction, _ in values[0]}
    assert None not in list_deliveries(bank.warehouse, bank.project)["records"].to_pylist()


def test_a_delivery_that_is_marked_and_that_no_load_holds_is_told(new_bank: Callable[[str], Bank]) -> None:
    """As an earlier version left it, where a run loaded its night and then what came late on the same date."""
    bank = new_bank("bank")
    bank.deliver({name: NIGHTS[name] for name in ("2024-01-31", "2024-02-01", "2024-02-02")})
    bank.load("2024-01-31", "2024-02-02")
    source = load_project(bank.project).sources["village"]
    lost = find_deliveries(bank.files, source, load_date=date(2024, 2, 1))[0]
    home = Warehouse(bank.warehouse)
    landing = land(home, "village", lost.name, lost.directory, lost.names)
    mark_published(landing, Run("r", "ingest_source", "1"), date(2024, 2, 2))
    state = "rows not stored: load again with --replay-from 2024-02-02"
    assert list_deliveries(bank.warehouse, bank.project)["state"].to_pylist() == ["loaded", state, "loaded"]
    ingest(None, bank.project, bank.warehouse, replay_from=date(2024, 2, 2))  # type: ignore[arg-type]
    assert list_deliveries(bank.warehouse, bank.project)["state"].to_pylist() == ["loaded", "late by 1 day", "loaded"]
    assert "5" in bank.in_force(date(2024, 2, 2))


def test_a_night_that_is_refused_without_the_one_before_says_which_is_missing(
    new_bank: Callable[[str], Bank], capsys: pytest.CaptureFixture[str]
) -> None:
    bank = new_bank("bank")
    orphans = night(*(f"{number},A3,2024-02-02,5,CASH" for number in range(20, 40)), people=EAST)
    bank.deliver({"2024-01-31": HISTORY, "2024-02-02": orphans})
    bank.load("2024-01-31")
    with pytest.raises(LoadRefused):
        bank.load("2024-02-02")
    assert "WARNING village: no delivery of 2024-02-01" in capsys.readouterr().err
    told = list_deliveries(bank.warehouse, bank.project).select(["business_date", "state"]).to_pylist()
    states = [(row["business_date"].day, row["state"]) for row in told]
    assert states == [(31, "loaded"), (1, "missing"), (2, "not loaded")]


@pytest.mark.parametrize("step", ["publish", "mark_published"])
def test_a_late_load_that_is_killed_loses_and_doubles_nothing(
    step: str, new_bank: Callable[[str], Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before it is seen, or when it is and nobody has noted it: the next night comes before it is run again."""
    bank, plain = new_bank("killed"), new_bank("plain")
    order = ["2024-01-31", "2024-02-01", "2024-02-03", "2024-02-02", "2024-02-04"]
    for one in (bank, plain):
        one.deliver(NIGHTS)
    plain.load(*order, run_date=date(2024, 2, 4))
    bank.load(*order[:3])

    def die(*told: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(ingest_source, step, die)
        with pytest.raises(KeyboardInterrupt):
            bank.load("2024-02-02", run_date=date(2024, 2, 4))
    bank.load("2024-02-04", "2024-02-02", run_date=date(2024, 2, 4))
    values = [
        [(row["transaction_id"], row["amount_minor"], row["customer_id"]) for row in one.rows()]
        for one in (bank, plain)
    ]
    assert sorted(values[0]) == sorted(values[1])
    if step == "mark_published":
        assert bank.rows() == plain.rows()
    else:  # It was not loaded when the night of the 4th was: so it is known a day later.
        assert {row["loaded_on"].day for row in bank.rows()} == {31, 1, 3, 4, 5}


def test_nothing_that_came_late_is_known_before_the_day_of_its_run(new_bank: Callable[[str], Bank]) -> None:
    """No night loads for weeks; two that are late and a correction come then. Until that day all stays as it was."""
    bank, corrected = new_bank("bank"), night("5,A1,2024-01-31,8,CASH", "7,A1,2024-02-01,3,CARD")
    bank.deliver(NIGHTS)
    bank.load("2024-01-31", "2024-02-03")
    days = [date(2024, 2, number) for number in range(3, 25)]
    before, stored = {day: bank.in_force(day) for day in days}, bank.rows()
    bank.load("2024-02-02", run_date=date(2024, 2, 20))
    bank.deliver({"2024-02-01.2": corrected})
    bank.load("2024-02-01", run_date=date(2024, 2, 20))
    once = bank.rows()
    for again in (date(2024, 2, 20), date(2024, 2, 24)):  # a run that is repeated, on its day and later
        bank.load("2024-02-01", "2024-02-02", run_date=again)
        assert bank.rows() == once
    new = [row for row in once if row not in stored]
    assert {row["transaction_id"] for row in new} == {"5", "7", "8"}
    assert {row["known_on"] for row in new} == {date(2024, 2, 20)}
    # Of 5 the correction stands, of 7 what the later night says; 8 has waited for its account.
    since = {"5": 800, "7": 100, "8": 500}
    for day in days:
        assert bank.in_force(day) == (before[day] | since if day.day >= 20 else before[day]), day
    state = [row for row in list_deliveries(bank.warehouse, bank.project).to_pylist() if row["load_date"]]
    assert {row["delivery"] for row in state if row["load_date"].day == 20} == {
        "2024-02-01", "2024-02-01.2", "2024-02-02"
    }  # fmt: skip


@pytest.mark.parametrize(("step", "known"), [("publish", 22), ("mark_published", 20)])
def test_a_killed_late_load_is_of_the_day_on_which_it_was_seen_first(
    step: str, known: int, new_bank: Callable[[str], Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was published and not noted is known since then; what was not is known from the day of the retry on."""
    bank = new_bank("bank")
    bank.deliver(NIGHTS)
    bank.load("2024-01-31", "2024-02-01", "2024-02-03")
    stored = bank.rows()

    def die(*told: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(ingest_source, step, die)
        with pytest.raises(KeyboardInterrupt):
            bank.load("2024-02-02", run_date=date(2024, 2, 20))
    bank.load("2024-02-02", run_date=date(2024, 2, 22))
    assert {row["known_on"].day for row in bank.rows() if row not in stored} == {known}


@pytest.mark.parametrize("seed", [1, 2])
def test_nights_in_any_order_agree_with_the_definition(seed: int, new_bank: Callable[[str], Bank]) -> None:
    """Statements about s wait for an account, those about t wait or do not, new ones and repeated ones."""
    dice = random.Random(seed)
    days = [date(2024, 2, number) for number in range(1, 6)]
    opened = dice.choice(days)
    accounts = {"s": ["A3"], "t": ["A1", "A4"]}
    said: Said = {
        day: {
            key: (dice.choice(accounts.get(key, ["A1"])), dice.choice([1, 2]))
            for key in ("p", "q", "r", "s", "t")
            if dice.random() < 0.6
        }
        for day in days
    }
    bank = new_bank("bank")
    _deliver(bank, said, opened=opened)
    bank.load("2024-01-31")
    loaded: dict[date, date] = {}
    last = today = date(2024, 1, 31)
    for day in dice.sample(days, len(days)):
        newest = max(loaded, default=date(2024, 1, 31))
        today = max(day, today + timedelta(days=dice.choice([0, 0, 1, 3])))
        last = max(last, day if day > newest else max(today, newest + timedelta(days=1)))
        asked = {"run_date": today}
        if dice.random() < 0.2:
            last += timedelta(days=1)
            asked["known_from"] = last
        bank.load(day.isoformat(), **asked)
        loaded[day] = last
        _agrees(bank, said, loaded, opened=opened)


def test_a_row_that_waits_meets_each_later_statement_of_a_load_of_several_nights(
    new_bank: Callable[[str], Bank],
) -> None:
    """The 1st to 3rd come late and the 5th joins their load. Rows on A4 wait until the 7th opens it."""
    days = [date(2024, 2, number) for number in range(1, 8)]
    # Of u what waits is later than the late night, of x it is of the night that joined it; of v a duplicate comes after
    # it, of w a row of the same load, and of y one that is read again.
    told: list[dict[str, tuple[str, int]]] = [
        {"w": ("A1", 5)},
        {"w": ("A4", 2), "y": ("A4", 2)},
        {"u": ("A1", 3), "w": ("A1", 1), "x": ("A1", 3)},
        {"u": ("A4", 4), "v": ("A1", 1), "y": ("A1", 4)},
        {"v": ("A4", 2), "x": ("A4", 6)},
        {"v": ("A1", 1)},
        {},
    ]
    said: Said = dict(zip(days, told, strict=True))
    bank, loaded = new_bank("bank"), dict[date, date]()
    held_back = {day: said[day] for day in days if day != days[3]}
    _deliver(bank, {days[3]: said[days[3]]}, opened=days[-1])
    ingest(None, bank.project, bank.warehouse, directory=bank.files)  # type: ignore[arg-type]
    loaded[days[3]] = days[3]
    _deliver(bank, {day: held_back[day] for day in days[:3]}, opened=days[-1])
    ingest(None, bank.project, bank.warehouse, directory=bank.files, run_date=days[3])  # type: ignore[arg-type]
    loaded |= dict.fromkeys(days[:3], days[4])
    _agrees(bank, said, loaded, opened=days[-1])
    _deliver(bank, {day: held_back[day] for day in days[4:]}, opened=days[-1])
    for day in days[4:]:
        bank.load(day.isoformat())
        loaded[day] = day
        _agrees(bank, said, loaded, opened=days[-1])
    last = {key: amount for key, amount in bank.in_force(days[-1]).items() if key in "uvwxy"}
    assert last == {"u": 400, "v": 100, "w": 100, "x": 600, "y": 400}


def _deliver(bank: Bank, said: Said, *, opened: date) -> None:
    """The history, and a night for each date; that of ``opened`` opens the accounts A3 and A4."""
    bank.deliver({"2024-01-31": HISTORY})
    for day, told in said.items():
        lines = [f"{key},{account},2024-01-01,{value},CASH" for key, (account, value) in told.items()]
        lines.append(f"night{day.day},A1,2024-01-01,5,CASH")
        both = "account,person,opened\nA3,3,2024-01-01\nA4,1,2024-01-01\n"
        bank.deliver({day.isoformat(): night(*lines, people=EAST, accounts=both if day == opened else None)})


def _agrees(bank: Bank, said: Said, loaded: dict[date, date], *, opened: date) -> None:
    """By the definition, on each date: a booking is as the last night by business date says, of the nights loaded by
    then, and what is said of an account that is not there yet does not count.
    """
    for when in (date(2024, 2, 1) + timedelta(days=number) for number in range(20)):
        known = [day for day in sorted(loaded) if loaded[day] <= when]
        expected = {
            key: 100 * value
            for day in known
            for key, (account, value) in said[day].items()
            if account == "A1" or opened in known
        }
        found = {key: value for key, value in bank.in_force(when).items() if len(key) == 1 and key.isalpha()}
        assert found == expected, (when, loaded)


def test_a_warehouse_from_before_late_nights_takes_one(
    new_bank: Callable[[str], Bank], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its marks name no load date and ``monitor.loads`` has no column of deliveries: each was loaded on its date."""
    before = ["2024-01-31", "2024-02-01", "2024-02-03"]
    old, plain = Bank(tmp_path / "old", write_project(tmp_path / "then")), new_bank("plain")
    for bank in (old, plain):
        bank.deliver(NIGHTS)
    declared = old.project / "schemas" / "monitor" / "loads.yaml"
    lines = declared.read_text(encoding="utf-8").split("\n")
    (at,) = (number for number, line in enumerate(lines) if "{name: deliveries," in line)
    with monkeypatch.context() as then:
        declared.write_text("\n".join(lines[:at] + lines[at + 2 :]), encoding="utf-8")
        then.setattr(loads, "_committed", lambda context: {})
        describe = ingest_source.describe_load
        then.setattr(ingest_source, "describe_load", lambda *a, **k: describe(*a, **k).drop_columns(["deliveries"]))
        old.load(*before)
    old.project = plain.project
    for mark in (old.warehouse / "raw" / "village").glob(f"*/{PUBLISHED}"):
        told = json.loads(mark.read_text(encoding="utf-8"))
        assert told.pop("load_date") == mark.parent.name
        mark.write_text(json.dumps(told), encoding="utf-8")
    plain.load(*before)
    for bank in (old, plain):
        bank.load(*before)  # the same bytes: nothing is done
        bank.load("2024-02-02", run_date=date(2024, 2, 3))
        bank.load("2024-02-04")
    assert old.rows() == plain.rows()
    listed = [list_deliveries(bank.warehouse, bank.project).drop_columns(["records"]) for bank in (old, plain)]
    assert listed[0] == listed[1]
