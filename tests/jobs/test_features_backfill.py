"""Backfills as the jobs run them: killed, run again, after late rows and after a changed definition."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.features.ledger import list_days
from tallystick.tables import Warehouse, pin
from tests.lib import backfills as bank
from tests.lib.kill import run_killed

# Two months, so two chunks; the clock of the bank's zone moves in neither.
FIRST, LAST = "2026-02-20", "2026-03-10"
DAYS = list_days(date.fromisoformat(FIRST), date.fromisoformat(LAST))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bank.Transaction]]:
    """The bank with its project, as it is after all loads: each test works on a copy."""
    root = tmp_path_factory.mktemp("bank")
    return root, bank.store_bank(bank.write_project(root / "project"), root / "warehouse")


@pytest.fixture
def project(tmp_path: Path, loaded: tuple[Path, list[bank.Transaction]]) -> Path:
    shutil.copytree(loaded[0], tmp_path, dirs_exist_ok=True)
    return tmp_path / "project"


@pytest.fixture
def warehouse(project: Path) -> Path:
    return project.parent / "warehouse"


@pytest.fixture
def rows(loaded: tuple[Path, list[bank.Transaction]]) -> list[bank.Transaction]:
    return loaded[1]


def computed(project: Path, warehouse: Path) -> list[date]:
    """The days that the plan leaves alone."""
    return [state.day for state in bank.plan(project, warehouse, FIRST, LAST).states if state.is_right]


def version(warehouse: Path) -> int:
    return pin(Warehouse(warehouse), "feature.spend").version


def test_a_backfill_computes_what_the_definition_says_and_then_nothing(
    project: Path, warehouse: Path, rows: list[bank.Transaction]
) -> None:
    bank.backfill(str(project), str(warehouse), "2026-02-24", "2026-03-02")
    assert bank.stored(warehouse) == bank.spent(rows, DAYS[4:11])
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)
    before = version(warehouse)
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    assert version(warehouse) == before
    # Days that were there are not computed again: their file is the one that the first backfill wrote.
    runs = {row["as_of_date"]: row["run_id"] for row in ledger_rows(warehouse)}
    assert len({runs[day] for day in DAYS[4:11]}) == 1
    assert runs[DAYS[3]] != runs[DAYS[4]]


def ledger_rows(warehouse: Path) -> list[dict[str, object]]:
    from tallystick.tables import read_arrow

    return read_arrow(Warehouse(warehouse), "monitor.feature_days").to_pylist()


@pytest.mark.parametrize(
    ("at", "after", "nth", "done"),
    [
        ("tallystick.features.ledger:Ledger.record", False, 1, 0),  # features committed, not written down
        ("tallystick.features.ledger:Ledger.record", True, 1, 9),  # between two chunks
        ("tallystick.tables.store.bucket_store:write_file", True, 2, 0),  # first chunk: some of its files lie there
        ("tallystick.features.ledger:Ledger.forget", True, 2, 9),  # inside the second chunk
        ("tallystick.features.ledger:Ledger.record", False, 2, 9),
    ],
    ids=["before the ledger", "between chunks", "inside files", "inside the second chunk", "second ledger"],
)
def test_a_killed_backfill_goes_on_and_ends_as_one_that_was_not_killed(
    project: Path, warehouse: Path, rows: list[bank.Transaction], at: str, after: bool, nth: int, done: int
) -> None:
    run_killed(bank.backfill, str(project), str(warehouse), FIRST, LAST, at=at, after=after, nth=nth)
    assert computed(project, warehouse) == DAYS[:done]
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)
    assert computed(project, warehouse) == DAYS


def test_late_rows_are_seen_by_exactly_the_days_they_reach(
    project: Path, warehouse: Path, rows: list[bank.Transaction]
) -> None:
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    nightly = bank.daily(date(2026, 3, 14))
    bank.store(project, warehouse, nightly, loaded_on=date(2026, 3, 14))
    assert computed(project, warehouse) == DAYS
    # A load whose rows were known in the past: two of them, known on 3 and on 6 March.
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    late = [
        bank.Transaction(c, 900 + c, at, known, 5_000) for c, known in ((0, date(2026, 3, 3)), (1, date(2026, 3, 6)))
    ]
    bank.store(project, warehouse, late, loaded_on=date(2026, 3, 15))
    assert computed(project, warehouse) == [day for day in DAYS if day < date(2026, 3, 3)]
    before = bank.stored(warehouse)
    bank.backfill(str(project), str(warehouse), FIRST, LAST, missing_only=True)
    assert bank.stored(warehouse) == before
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    assert bank.stored(warehouse) == bank.spent([*rows, *nightly, *late], DAYS) != before
    assert computed(project, warehouse) == DAYS


def test_a_load_that_is_mapped_again_makes_the_days_since_it_late(
    project: Path, warehouse: Path, rows: list[bank.Transaction]
) -> None:
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    day = date(2026, 3, 8)
    mended = [bank.Transaction(**{**vars(r), "amount": 777}) for r in bank.daily(day)]
    bank.store(project, warehouse, mended, loaded_on=day)
    assert computed(project, warehouse) == [d for d in DAYS if d < day]
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    kept = [row for row in rows if row not in bank.daily(day)]
    assert bank.stored(warehouse) == bank.spent([*kept, *mended], DAYS)


def test_a_changed_definition_is_backfilled_and_other_days_keep_theirs(
    project: Path, warehouse: Path, rows: list[bank.Transaction]
) -> None:
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    bank.write_project(project, spend=bank.SPEND.replace("direction = 'out'", "direction = 'in'"))
    states = bank.plan(project, warehouse, FIRST, LAST).states
    assert {(state.stale, state.absent) for state in states} == {(("spend_out_max_7d",), ())}
    bank.backfill(str(project), str(warehouse), "2026-03-05", LAST)
    turned = [bank.Transaction(**{**vars(r), "direction": "in" if r.direction == "out" else "out"}) for r in rows]
    old, new = bank.spent(rows, DAYS[:13]), bank.spent(turned, DAYS[13:])
    assert bank.stored(warehouse) == old | new
    assert computed(project, warehouse) == DAYS[13:]
    # Killed while days were being replaced, and then the old definition came back: nobody may take them for its own.
    run_killed(bank.backfill, str(project), str(warehouse), FIRST, LAST, at="tallystick.features.ledger:Ledger.record")
    bank.write_project(project)
    assert not {state.day for state in bank.plan(project, warehouse, FIRST, LAST).states if state.is_right} & set(
        DAYS[:9]
    )
    bank.backfill(str(project), str(warehouse), FIRST, LAST)
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)


def test_the_job_of_all_groups_writes_the_ledger_too(
    project: Path, warehouse: Path, rows: list[bank.Transaction]
) -> None:
    days = {"first": FIRST, "last": LAST}
    bank.compute(project, warehouse, groups=("spend",), **days, run_id="nightly")
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)
    assert computed(project, warehouse) == DAYS
    before = version(warehouse)
    bank.compute(project, warehouse, groups=("spend",), **days, run_id="nightly")
    assert version(warehouse) == before
    bank.compute(project, warehouse, groups=("spend",), **days, run_id="another")
    assert version(warehouse) == before + 1
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)
    # Without dates: the snapshot of the last load.
    bank.compute(project, warehouse, groups=("spend",))
    assert bank.stored(warehouse) == bank.spent(rows, [*DAYS, bank.LAST])


def test_days_after_the_last_load_are_computed_with_a_word(
    project: Path, warehouse: Path, rows: list[bank.Transaction], capsys: pytest.CaptureFixture[str]
) -> None:
    after = bank.LAST + timedelta(days=1)
    bank.compute(project, warehouse, groups=("spend",), first=bank.LAST, last=after)
    assert (
        f"note: {after} is after the last load, that of {bank.LAST}; such days become late" in capsys.readouterr().err
    )
    assert bank.stored(warehouse) == bank.spent(rows, [bank.LAST, after])
    planned = bank.plan(project, warehouse, str(bank.LAST), str(bank.LAST))
    assert [state.day for state in planned.states if state.is_right] == [bank.LAST]
    bank.compute(project, warehouse, groups=("spend",))
    assert "note:" not in capsys.readouterr().err
    # Then its load comes: the day has not seen it, and is computed again.
    nightly = bank.daily(after)
    bank.store(project, warehouse, nightly, loaded_on=after)
    planned = bank.plan(project, warehouse, str(bank.LAST), str(after))
    assert [(state.day, state.is_late) for state in planned.states] == [(bank.LAST, False), (after, True)]
    bank.backfill(str(project), str(warehouse), str(bank.LAST), str(after))
    assert bank.stored(warehouse) == bank.spent([*rows, *nightly], [bank.LAST, after])


def test_a_job_killed_before_the_ledger_does_its_work_again_under_the_same_id(
    project: Path, warehouse: Path, rows: list[bank.Transaction]
) -> None:
    run_killed(compute_nightly, project, warehouse, at="tallystick.features.ledger:Ledger.record")
    assert computed(project, warehouse) == []
    compute_nightly(project, warehouse)
    assert computed(project, warehouse) == DAYS
    assert bank.stored(warehouse) == bank.spent(rows, DAYS)


def compute_nightly(project: Path, warehouse: Path) -> None:
    """The run under an id that a rerun has too."""
    bank.compute(project, warehouse, groups=("spend",), first=FIRST, last=LAST, run_id="nightly")
