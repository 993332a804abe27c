"""The ledger of computed days: what is missing, what is stale in which columns, what came late, and the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tallystick.errors import ContractError
from tallystick.features.ledger import (
    DAYS,
    DEFINITIONS,
    DayState,
    Definition,
    Inputs,
    Ledger,
    RunInfo,
    list_days,
    owned_days,
)
from tallystick.project.contracts import load_contracts
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.observations import Customers, ObservationSet
from tallystick.spec.tables import TableContract
from tallystick.tables import Warehouse, arrow_schema, replace_arrow
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.small import SmallTables
from tests.lib import store

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 5)
WEEK = list_days(FIRST, LAST)
VERSIONS = {"clean.accounts": 3, "clean.transactions": 7}
Define = Callable[[FeatureGroup], Definition]
OUT, ALL = "direction = 'out'", "amount_minor"


def group(*measures: Measure, name: str = "txn") -> FeatureGroup:
    return FeatureGroup(
        name=name, table="clean.transactions", owner="risk", windows=("7d",), measures=measures or (out(), count())
    )


def out(where: str = OUT, reason: str = "Spending") -> Measure:
    return Measure(name="out", value=ALL, where=where, ops="sum max", reason=reason)


def count() -> Measure:
    return Measure(name="any", ops="count", reason="Activity")


@dataclass
class Memory:
    """Small tables in memory."""

    contracts: Mapping[str, TableContract]
    held: dict[tuple[str, ...], pa.Table] = field(default_factory=dict)

    def read(self, name: str, partition: Mapping[str, str]) -> pa.Table:
        empty = arrow_schema(self.contracts[name].columns).empty_table()
        return self.held.get((name, *partition.values()), empty)

    def replace(self, name: str, rows: pa.Table, partition: Mapping[str, str]) -> None:
        self.held[name, *partition.values()] = rows


@dataclass
class Known:
    """Changes as a test says: the bounds of changed files after each table's version; None when nobody knows."""

    told: Mapping[str, Any] = field(default_factory=dict)

    def since(self, name: str, version: int) -> list[Mapping[str, tuple[object, object]]] | None:
        found = self.told.get(name, [])
        return None if found is None else [bounds for at, bounds in found if at > version]


@pytest.fixture(scope="module")
def contracts(project_root: Path) -> Mapping[str, TableContract]:
    return load_contracts(project_root)


@pytest.fixture
def ledger(contracts: Mapping[str, TableContract]) -> Ledger:
    return Ledger(tables=Memory(contracts), source="bank", observations="daily")


@pytest.fixture
def define(contracts: Mapping[str, TableContract]) -> Define:
    return lambda declared: Definition.of(declared, contracts, observations=EVERYBODY)


EVERYBODY = ObservationSet(name="daily", key="customer_id", population=Customers(tables=("clean.accounts",)))
INPUTS = Inputs(tables=tuple(VERSIONS), zone="Asia/Shanghai")


def record(ledger: Ledger, definition: Definition, days: list[date], *, rows: int = 2, **more: object) -> None:
    asked = {"run": RunInfo(run_id="r1", versions=VERSIONS), "inputs": INPUTS, "changes": Known(), **more}
    ledger.record(definition, dict.fromkeys(days, rows), **asked)  # type: ignore[arg-type]


def judge(
    ledger: Ledger, definition: Definition, changes: Known | None = None, inputs: Inputs = INPUTS
) -> list[DayState]:
    return ledger.judge(definition, WEEK, inputs=inputs, changes=changes or Known())


def test_a_day_that_nobody_wrote_down_is_missing(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    assert [state.is_missing for state in judge(ledger, definition)] == [True] * 5
    record(ledger, definition, WEEK[1:3])
    states = judge(ledger, definition)
    assert [state.is_missing for state in states] == [True, False, False, True, True]
    assert [state.is_right for state in states] == [False, True, True, False, False]


def test_a_changed_condition_makes_exactly_its_own_columns_stale(ledger: Ledger, define: Define) -> None:
    record(ledger, define(group()), WEEK[:2])
    changed = define(group(out("direction = 'in'"), count()))
    record(ledger, changed, WEEK[2:4])
    (*old, third, _, fifth) = judge(ledger, changed)
    assert {state.stale for state in old} == {("txn_out_sum_7d", "txn_out_max_7d")}
    assert {state.absent for state in old} == {()}
    assert third.is_right
    assert fifth.is_missing


def test_new_columns_are_absent_and_words_order_and_removed_columns_change_nothing(
    ledger: Ledger, define: Define
) -> None:
    record(ledger, define(group()), WEEK)
    assert all(state.is_right for state in judge(ledger, define(group(count(), out(reason="Other words")))))
    assert all(state.is_right for state in judge(ledger, define(group(count()))))
    grown = judge(ledger, define(group(out(), count(), Measure(name="new", ops="count", where=OUT, reason="New"))))
    assert {(state.stale, state.absent) for state in grown} == {((), ("txn_new_count_7d",))}


def test_a_definition_that_is_not_written_down_makes_every_column_stale(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    record(ledger, definition, WEEK)
    del ledger.tables.held[DEFINITIONS, "txn"]  # type: ignore[attr-defined]
    assert {state.stale for state in judge(ledger, definition)} == {tuple(definition.columns)}


def test_rows_reach_back_to_the_days_whose_review_still_sees_them(ledger: Ledger, define: Define) -> None:
    definition, reviewed = define(group()), replace(INPUTS, review_days=2)
    record(ledger, definition, WEEK, inputs=reviewed)
    changes = Known({"clean.transactions": [(8, {"known_on": (WEEK[3], WEEK[4])})]})
    states = judge(ledger, definition, changes, reviewed)
    assert [state.is_late for state in states] == [False, True, True, True, True]


def test_rows_known_later_change_no_earlier_day_and_rows_known_in_the_past_reach_back_to_it(
    ledger: Ledger, define: Define
) -> None:
    definition = define(group())
    record(ledger, definition, WEEK)
    tomorrow = {"known_on": (date(2026, 3, 6), date(2026, 3, 6))}
    assert all(s.is_right for s in judge(ledger, definition, Known({"clean.transactions": [(8, tomorrow)]})))
    late = {"known_on": (date(2026, 3, 3), date(2026, 3, 9))}
    states = judge(ledger, definition, Known({"clean.transactions": [(8, late)]}))
    assert [state.is_late for state in states] == [False, False, True, True, True]
    # Of a version that the days were computed from, or of a table that the group does not read, nothing is late.
    for elsewhere in ({"clean.transactions": [(7, late)]}, {"clean.cards": [(8, late)]}):
        assert all(state.is_right for state in judge(ledger, definition, Known(elsewhere)))


def test_nobody_knowing_what_changed_makes_every_day_late(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    record(ledger, definition, WEEK)
    assert all(state.is_late for state in judge(ledger, definition, Known({"clean.accounts": None})))
    assert all(state.is_late for state in judge(ledger, definition, Known({"clean.accounts": [(4, {})]})))


def test_an_application_that_is_delivered_later_reaches_back_to_the_day_it_was_made(
    ledger: Ledger, define: Define
) -> None:
    definition = define(group())
    record(ledger, definition, WEEK)
    # 17:00 UTC is the next day in Shanghai.
    made = (datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2026, 3, 4, 17, tzinfo=UTC))
    bounds = {"known_on": (date(2026, 3, 9), date(2026, 3, 9)), "event_at": made}
    changes = Known({"clean.accounts": [(4, bounds)]})
    assert all(state.is_right for state in judge(ledger, definition, changes))
    by_event = replace(INPUTS, by_event=frozenset({"clean.accounts"}))
    states = judge(ledger, definition, changes, by_event)
    assert [state.is_late for state in states] == [False, False, True, True, True]


def test_days_that_nothing_reached_are_right_up_to_the_newest_run_and_late_ones_stay_late(
    ledger: Ledger, define: Define
) -> None:
    definition = define(group())
    record(ledger, definition, WEEK[:4])
    late = Known({"clean.transactions": [(8, {"known_on": (date(2026, 3, 3), date(2026, 3, 3))})]})
    newer = RunInfo(run_id="r2", versions={**VERSIONS, "clean.transactions": 8})
    record(ledger, definition, WEEK[4:], run=newer, changes=late)
    assert [state.is_late for state in judge(ledger, definition, late)] == [False, False, True, True, False]
    # The log of the old version is gone: what was noted as right up to version 8 needs it no more.
    forgotten = Known({"clean.transactions": []})
    told = ledger.read("txn").to_pylist()
    assert [('"clean.transactions": 8' in row["inputs"], row["run_id"]) for row in told] == [
        (True, "r1"), (True, "r1"), (False, "r1"), (False, "r1"), (True, "r2"),
    ]  # fmt: skip
    assert all(state.is_right for state in judge(ledger, definition, forgotten))


def test_a_run_knows_its_own_work_again(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    assert not ledger.is_done(definition, run_id="r1", first=None, last=None)
    record(ledger, definition, WEEK[:4])
    assert ledger.is_done(definition, run_id="r1", first=None, last=None)
    assert ledger.is_done(definition, run_id="r1", first=WEEK[1], last=WEEK[3])
    assert not ledger.is_done(definition, run_id="r1", first=WEEK[1], last=WEEK[4])
    assert not ledger.is_done(definition, run_id="r2", first=None, last=None)
    assert not ledger.is_done(define(group(count())), run_id="r1", first=None, last=None)


def test_struck_out_days_are_missing_and_others_stay(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    record(ledger, definition, WEEK)
    ledger.forget("txn", first=WEEK[3], last=None)
    ledger.forget("txn", first=WEEK[1], last=WEEK[1])
    assert [state.is_missing for state in judge(ledger, definition)] == [False, True, False, True, True]
    ledger.forget("txn", first=None, last=None)
    assert ledger.read("txn").num_rows == 0


def test_the_gate_names_the_used_columns_that_mean_something_else(ledger: Ledger, define: Define) -> None:
    record(ledger, define(group()), WEEK)
    changed = define(group(out("direction = 'in'"), count()))
    ledger.check(define(group()), used=["txn_out_sum_7d"], rows=10)
    ledger.check(changed, used=["txn_any_count_7d"], rows=10)
    with pytest.raises(
        ContractError, match=r"feature.txn, daily of bank: stored values of txn_out_sum_7d were"
    ) as told:
        ledger.check(changed, used=["txn_out_sum_7d", "txn_any_count_7d"], rows=10)
    assert "txn_any_count_7d" not in str(told.value)
    assert "compute_features" in told.value.fix


def test_the_gate_looks_at_the_days_asked_for_that_have_rows(ledger: Ledger, define: Define) -> None:
    record(ledger, define(group()), WEEK[:2])
    changed = define(group(out("direction = 'in'"), count()))
    record(ledger, changed, WEEK[2:])
    ledger.check(changed, used=["txn_out_sum_7d"], rows=10, first=WEEK[2])
    with pytest.raises(ContractError, match="another definition"):
        ledger.check(changed, used=["txn_out_sum_7d"], rows=10, first=WEEK[1], last=WEEK[2])
    ledger.forget("txn", first=None, last=WEEK[1])
    record(ledger, define(group()), WEEK[:2], rows=0)
    ledger.check(changed, used=["txn_out_sum_7d"], rows=6)


def test_the_gate_refuses_rows_that_the_ledger_does_not_know(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    with pytest.raises(ContractError, match="of 10 stored rows the ledger knows 0"):
        ledger.check(definition, used=["txn_any_count_7d"], rows=10)
    record(ledger, definition, WEEK)
    ledger.forget("txn", first=LAST, last=LAST)
    with pytest.raises(ContractError, match="of 10 stored rows the ledger knows 8"):
        ledger.check(definition, used=["txn_any_count_7d"], rows=10)


def test_a_run_without_dates_owns_the_days_from_its_first_observation_to_the_last_load() -> None:
    counts = {date(2026, 3, 2): 4, date(2026, 3, 4): 1}
    owned = owned_days(counts, first=None, last=None, loaded=date(2026, 3, 5))
    assert owned == {date(2026, 3, 2): 4, date(2026, 3, 3): 0, date(2026, 3, 4): 1, date(2026, 3, 5): 0}
    assert list(owned_days(counts, first=None, last=None, loaded=date(2026, 3, 1))) == WEEK[1:4]
    assert list(owned_days(counts, first=FIRST, last=LAST)) == WEEK
    assert owned_days({}, first=None, last=None, loaded=date(2026, 3, 5)) == {}


# What the log says, on a stored table.


def publish(warehouse: Warehouse, day: int, *, run_id: str, source: str = "north") -> None:
    data = store.rows([day], source=source)
    replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(day, source=source), run=store.run(run_id))


def lows(changes: ChangeLog, version: int) -> list[date] | None:
    found = changes.since(store.NAME, version)
    return None if found is None else sorted(bounds["loaded_on"][0] for bounds in found)


def test_the_log_tells_the_bounds_of_what_came_and_went_after_a_version(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    assert ChangeLog(warehouse, "north").since(store.NAME, -1) == ()
    assert ChangeLog(warehouse, "north").since(store.NAME, 0) is None
    for day in (2, 5):
        publish(warehouse, day, run_id=f"r{day}")
    version = warehouse.open(store.NAME).version()
    changes = ChangeLog(warehouse, "north")
    assert lows(changes, version) == []
    assert lows(changes, -1) == [date(2026, 3, 2), date(2026, 3, 5)]
    publish(warehouse, 9, run_id="r9")
    publish(warehouse, 7, run_id="south", source="south")
    assert lows(changes, version) == [date(2026, 3, 9)]
    assert lows(ChangeLog(warehouse, "south"), version) == [date(2026, 3, 7)]
    # A load that is mapped again: its old file went, a new one came.
    version = warehouse.open(store.NAME).version()
    publish(warehouse, 2, run_id="again")
    assert lows(changes, version) == [date(2026, 3, 2), date(2026, 3, 2)]
    # A load that loses its rows: only the file that went tells of it.
    version = warehouse.open(store.NAME).version()
    nothing = store.rows([5]).slice(0, 0)
    replace_arrow(warehouse, store.CONTRACT, nothing, where=store.day_slice(5), run=store.run("lost"))
    assert lows(changes, version) == [date(2026, 3, 5)]


def test_moving_rows_between_files_is_no_change_and_a_lost_log_is_not_guessed_at(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for day in (2, 5):
        publish(warehouse, day, run_id=f"r{day}")
    version = warehouse.open(store.NAME).version()
    warehouse.open(store.NAME).optimize.compact()
    assert warehouse.open(store.NAME).version() > version
    assert lows(ChangeLog(warehouse, "north"), version) == []
    # As the clean-up of expired logs does: a checkpoint holds the state, the versions before it are gone.
    warehouse.open(store.NAME).create_checkpoint()
    (tmp_path / "clean" / "events" / "_delta_log" / f"{version:020d}.json").unlink()
    assert ChangeLog(warehouse, "north").since(store.NAME, 0) is None


def test_days_from_before_sets_had_a_key_are_stale_and_say_what_to_run(ledger: Ledger, define: Define) -> None:
    definition = define(group())
    columns = {name: told for name, told in definition.columns.items() if name != "observation_id"}
    record(ledger, Definition(group="txn", columns=columns), WEEK[:2])
    record(ledger, definition, WEEK[2:])
    states = judge(ledger, definition)
    assert [state.absent for state in states] == [("observation_id",)] * 2 + [()] * 3
    message = (
        r"from before sets had a key \(observation_id\) .*features backfill txn --source bank --observations daily"
    )
    with pytest.raises(ContractError, match=message):
        ledger.check(definition, used=["txn_out_sum_7d"], rows=10)
    ledger.check(definition, used=["txn_out_sum_7d"], rows=10, first=WEEK[2])


def test_a_set_that_observes_others_makes_its_days_stale(
    ledger: Ledger, define: Define, contracts: Mapping[str, TableContract]
) -> None:
    record(ledger, define(group()), WEEK)
    more = replace(EVERYBODY, population=Customers(tables=("clean.accounts", "clean.cards")))
    changed = Definition.of(group(), contracts, observations=more)
    assert [state.stale for state in judge(ledger, changed)] == [("observation_id",)] * 5
    words = replace(EVERYBODY, description="Whoever has an account")
    assert judge(ledger, Definition.of(group(), contracts, observations=words)) == judge(ledger, define(group()))


def test_the_small_tables_of_the_ledger_are_replaced_by_partition(
    tmp_path: Path, contracts: Mapping[str, TableContract], define: Define
) -> None:
    small = SmallTables(warehouse=Warehouse(tmp_path), contracts=contracts)
    ledgers = [Ledger(tables=small, source=source, observations="daily") for source in ("a", "b")]
    for ledger in ledgers:
        record(ledger, define(group()), WEEK[:2])
        record(ledger, define(group()), WEEK[1:])
    ledgers[0].forget("txn", first=None, last=WEEK[2])
    assert [ledger.read("txn").num_rows for ledger in ledgers] == [2, 5]
    ledgers[0].forget("txn", first=None, last=None)
    assert [ledger.read("txn").num_rows for ledger in ledgers] == [0, 5]
    held = small.read(DEFINITIONS, {"feature_group": "txn"})
    assert sorted(held["column_name"].to_pylist()) == [
        "observation_id", "txn_any_count_7d", "txn_out_max_7d", "txn_out_sum_7d",
    ]  # fmt: skip
    assert small.read(DAYS, {"source": "b", "observations": "daily", "feature_group": "other"}).num_rows == 0


def test_a_row_says_by_which_files_it_was_declared_and_older_tables_say_nothing(
    tmp_path: Path, contracts: Mapping[str, TableContract], define: Define
) -> None:
    new = contracts[DAYS]
    old = replace(new, columns=tuple(one for one in new.columns if one.name != "declared"))
    for contract, digest, days in ((old, None, WEEK[:1]), (new, "d1", WEEK[1:2]), (new, "d2", WEEK[2:3])):
        small = SmallTables(warehouse=Warehouse(tmp_path), contracts={**contracts, DAYS: contract})
        run = RunInfo(run_id="r", versions=VERSIONS, declared=digest)
        ledger = Ledger(tables=small, source="bank", observations="daily")
        if contract is new:
            assert "declared" in ledger.read("txn").column_names
            record(ledger, define(group()), days, run=run)
        else:
            noted = {"as_of_date": WEEK[0], "definition": "0", "rows_written": 1, "inputs": "{}", "run_id": "r",
                     "source": "bank", "observations": "daily", "feature_group": "txn"}  # fmt: skip
            rows = pa.Table.from_pylist([noted], schema=arrow_schema(old.columns))
            small.replace(DAYS, rows, {"source": "bank", "observations": "daily", "feature_group": "txn"})
    told = {row["as_of_date"]: row["declared"] for row in ledger.read("txn").to_pylist()}
    assert told == {WEEK[0]: None, WEEK[1]: "d1", WEEK[2]: "d2"}
