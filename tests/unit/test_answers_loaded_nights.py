"""How fresh the loads are that an answer rests on: by the business dates that were known on its date."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pytest

from tallystick.answers.shelves import Customer
from tallystick.answers.table_ages import last_night, list_nights, stale_loads
from tallystick.errors import InputError
from tallystick.runs.loaded_nights import newest_by_load
from tallystick.spec.delivery_names import told_records
from tests.lib.shipped import shipped_project

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 4, number) for number in (6, 7, 8, 9))
DAY = timedelta(days=1)
SIMBANK = shipped_project().sources["simbank"]
TABLES = ("transactions", "loans")
RESTS_ON = ("clean.transactions",)


@dataclass(frozen=True)
class Delivery:
    """A night, the date of its load, and the tables of which it held a file."""

    night: date
    loaded_on: date
    held: tuple[str, ...] = TABLES


def in_turn(*nights: date) -> list[Delivery]:
    return [Delivery(night, night) for night in nights]


def written(deliveries: Sequence[Delivery], *, is_told: bool = True) -> pa.Table:
    """The rows of ``monitor.loads``: a load is of all deliveries of its date, and has a row for every table."""
    rows = []
    for day in sorted({one.loaded_on for one in deliveries}):
        load = [one for one in deliveries if one.loaded_on == day]
        for table in TABLES:
            fed_by = " ".join(str(one.night) for one in load if table in one.held)
            told = told_records({str(one.night): 5 for one in load})
            rows.append({"table_name": table, "loaded_on": day, "deliveries": told, "fed_by": fed_by})
    names = ["table_name", "loaded_on", "deliveries", "fed_by"][: 4 if is_told else 2]
    made = pa.Table.from_pylist(rows).select(names)
    return made if is_told else made.append_column("deliveries", pa.nulls(len(rows), pa.string())).append_column(
        "fed_by", pa.nulls(len(rows), pa.string())
    )  # fmt: skip


def stale(loads: pa.Table, day: date) -> list[tuple[str, date | None, date]]:
    found = stale_loads(list_nights(loads), SIMBANK, RESTS_ON, day=day)
    return [(one.table, one.held, one.wanted) for one in found]


@pytest.mark.parametrize("later", [(), (WEDNESDAY,), (WEDNESDAY, THURSDAY)])
def test_an_answer_of_the_past_stays_stale_whatever_was_loaded_since(later: tuple[date, ...]) -> None:
    without = Delivery(TUESDAY, TUESDAY, held=("loans",))
    found = written([*in_turn(MONDAY), without, *in_turn(*later)])
    assert stale(found, TUESDAY) == [("the load of clean.transactions", MONDAY, TUESDAY)]
    assert stale(found, MONDAY) == []
    assert all(stale(found, day) == [] for day in later)


def test_a_load_that_has_no_row_of_a_table_is_none_of_that_table() -> None:
    # Of before a mapping filled the table.
    found = written(in_turn(MONDAY, TUESDAY))
    is_kept = [(row["table_name"], row["loaded_on"]) != ("transactions", TUESDAY) for row in found.to_pylist()]
    assert stale(found.filter(pa.array(is_kept)), TUESDAY) == [("the load of clean.transactions", MONDAY, TUESDAY)]


def test_a_night_that_was_not_loaded_by_its_date_is_told_on_it_and_after_it() -> None:
    found = written(in_turn(MONDAY, WEDNESDAY))
    assert stale(found, TUESDAY) == [("the load of simbank", MONDAY, TUESDAY)]
    assert stale(found, WEDNESDAY) == [("the load of simbank", None, TUESDAY)]
    (told,) = stale_loads(list_nights(found), SIMBANK, RESTS_ON, day=WEDNESDAY)
    assert "the load of 2026-04-07" in str(told)


def test_a_night_that_came_late_is_no_newer_than_the_nights_after_it() -> None:
    found = written([*in_turn(MONDAY, WEDNESDAY), Delivery(TUESDAY, THURSDAY)])
    assert last_night(list_nights(found)) == WEDNESDAY
    assert stale(found, THURSDAY) == [("the load of simbank", WEDNESDAY, THURSDAY)]
    # What an answer of Wednesday rests on lacked Tuesday, though it has come by now.
    assert stale(found, WEDNESDAY) == [("the load of simbank", None, TUESDAY)]


def test_with_the_night_of_the_same_load_date_the_source_is_fresh() -> None:
    found = written([*in_turn(MONDAY, WEDNESDAY, THURSDAY), Delivery(TUESDAY, THURSDAY)])
    assert last_night(list_nights(found)) == THURSDAY
    assert stale(found, THURSDAY) == []


def test_a_table_that_only_the_late_night_of_a_load_held_is_as_old_as_before() -> None:
    new = Delivery(THURSDAY, THURSDAY, held=("loans",))
    found = written([*in_turn(MONDAY, WEDNESDAY), Delivery(TUESDAY, THURSDAY), new])
    assert stale(found, THURSDAY) == [("the load of clean.transactions", WEDNESDAY, THURSDAY)]
    loads = newest_by_load(found.to_pylist())
    assert loads["transactions"] == {MONDAY: MONDAY, WEDNESDAY: WEDNESDAY, THURSDAY: WEDNESDAY}
    assert loads["loans"][THURSDAY] == THURSDAY


def test_of_loads_that_do_not_tell_it_per_table_every_delivery_counts_for_every_table() -> None:
    found = written([*in_turn(MONDAY, WEDNESDAY), Delivery(TUESDAY, THURSDAY), *in_turn(THURSDAY)])
    untold = found.set_column(3, "fed_by", pa.nulls(found.num_rows, pa.string()))
    assert stale(untold, THURSDAY) == stale(found, THURSDAY) == []
    # And of those that name no delivery, the one of their date.
    assert stale(written(in_turn(MONDAY, TUESDAY), is_told=False), TUESDAY) == []


def test_a_table_of_which_no_file_has_come_is_not_waited_for() -> None:
    found = written([Delivery(MONDAY, MONDAY, held=("loans",)), Delivery(TUESDAY, TUESDAY)])
    assert stale(found, MONDAY) == []
    assert newest_by_load(found.to_pylist())["transactions"] == {TUESDAY: TUESDAY}


def test_a_date_before_the_first_load_is_in_its_history() -> None:
    assert stale(written(in_turn(THURSDAY)), WEDNESDAY) == []


def test_a_date_that_begins_before_the_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="0001-01-01 begins at no instant"):  # in China, eight hours before it
        Customer("simbank:1", SIMBANK).midnight(date.min)


def by_definition(deliveries: Sequence[Delivery], day: date) -> Mapping[str, date | None]:
    """The newest night of each table, and of the source (""), among the deliveries that were known on the day."""
    known = [one for one in deliveries if one.loaded_on <= day]
    held = {table: [one.night for one in known if table in one.held] for table in TABLES}
    return {name: max(nights, default=None) for name, nights in {**held, "": [one.night for one in known]}.items()}


def test_drawn_loads_make_a_table_as_new_as_the_definition_says() -> None:
    chance = random.Random(4)
    for _ in range(100):
        deliveries, newest = [], MONDAY
        for number in range(chance.randint(1, 8)):
            held = tuple(table for table in TABLES if chance.random() < 0.7)
            night = MONDAY + number * DAY
            # In its turn, or late: with the newest load so far or after it.
            newest = max(newest, night) + chance.choice((0, 0, 0, 1, 2)) * DAY
            deliveries.append(Delivery(night, newest if chance.random() < 0.4 else max(night, newest), held))
        loads = written(deliveries)
        nights, arrivals = list_nights(loads), newest_by_load(loads.to_pylist())
        for day in (MONDAY + number * DAY for number in range(-1, 14)):
            wanted = by_definition(deliveries, day)
            found = stale_loads(nights, SIMBANK, [f"clean.{name}" for name in TABLES], day=day)
            told = {one.table.removeprefix("the load of "): one.held for one in found if one.wanted == day}
            if day < min(one.loaded_on for one in deliveries):
                assert found == []
            elif wanted[""] is None or wanted[""] < day:
                assert told == {"simbank": wanted[""]}
            else:
                late = {f"clean.{name}": wanted[name] for name in TABLES if wanted[name] and wanted[name] < day}
                assert told == late
            for name in TABLES:
                held = [night for known, night in arrivals.get(name, {}).items() if known <= day]
                assert max(held, default=None) == wanted[name]
