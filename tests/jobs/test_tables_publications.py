"""A publication of several tables is seen whole or not at all, wherever it stops, and the next try mends it."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from deltalake import DeltaTable

from tallystick.errors import ConflictError, ContractError
from tallystick.tables import (
    DataFile,
    TableChange,
    Warehouse,
    find_unused_files,
    pin_all,
    plan_compaction,
    plan_rebucketing,
    publish,
    query,
    recover,
    replace_arrow,
    write_arrow,
)
from tallystick.tables.store import door
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.commits import FileChange
from tallystick.tables.store.publication_state import PublicationState
from tests.lib import publications as pub
from tests.lib import store
from tests.lib.kill import run_killed

# Begin, three commits, end: before and after each.
MOMENTS = 2 * (1 + len(pub.NAMES) + 1)
# The same for what is undone when the last commit has been made: its commits and the end.
UNDOING = 2 * (len(pub.NAMES) + 1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pub.fill(tmp_path_factory.mktemp("filled")).root


@pytest.fixture(scope="module")
def whole(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> pub.Rows:
    """What readers see after a publication that nothing stopped."""
    warehouse = Warehouse(shutil.copytree(filled, tmp_path_factory.mktemp("whole") / "warehouse"))
    with pub.stopping_at() as moments:
        pub.load(warehouse)
    assert moments() == MOMENTS
    return pub.seen(warehouse)


@pytest.fixture
def warehouse(filled: Path, tmp_path: Path) -> Warehouse:
    return Warehouse(shutil.copytree(filled, tmp_path / "warehouse"))


def test_all_tables_are_replaced_and_the_second_call_changes_nothing(warehouse: Warehouse, whole: pub.Rows) -> None:
    done = pub.load(warehouse)
    assert [(commit.rows, commit.skipped) for commit in done] == [(5, False), (0, False), (5, False)]
    kept = store.ordered(store.rows([1])) + store.ordered(store.rows([1], source="south"))
    assert whole["clean.events_rejected"] == kept
    assert len(whole["clean.events"]) == len(kept) + 5
    assert [commit.version for commit in pub.load(warehouse)] == [commit.version for commit in done]
    assert all(commit.skipped for commit in pub.load(warehouse))
    assert pub.seen(warehouse) == whole


@pytest.mark.parametrize(
    ("moment", "error"), [*((moment, pub.Stopped) for moment in range(MOMENTS)), (5, KeyboardInterrupt)]
)
def test_an_error_at_any_moment_leaves_all_or_nothing_and_the_next_try_mends_it(
    warehouse: Warehouse, whole: pub.Rows, moment: int, error: type[BaseException]
) -> None:
    before, changes = pub.seen(warehouse), ChangeLog(warehouse, "north")
    pinned = pin_all(warehouse, before)
    with pub.stopping_at(moment, error=error), pytest.raises(error):
        pub.load(warehouse)
    is_published = moment == MOMENTS - 1
    assert pub.seen(warehouse) == (whole if is_published else before)
    assert not PublicationState.read(warehouse.root).is_open
    # What was undone makes no stored feature stale.
    assert any(changes.since(name, one.version) for name, one in pinned.items()) == is_published
    pub.load(warehouse)
    assert pub.seen(warehouse) == whole


@pytest.mark.parametrize("moment", range(UNDOING))
def test_an_undoing_that_is_stopped_stays_hidden_and_the_next_try_does_the_rest(
    warehouse: Warehouse, whole: pub.Rows, moment: int
) -> None:
    before, last = pub.seen(warehouse), MOMENTS - 3
    with pub.stopping_at(last, last + 1 + moment), pytest.raises(pub.Stopped):
        pub.load(warehouse)
    assert pub.seen(warehouse) == before
    assert PublicationState.read(warehouse.root).is_open == (moment != UNDOING - 1)
    assert recover(warehouse) == (moment != UNDOING - 1)
    assert not recover(warehouse)
    assert pub.seen(warehouse) == before
    pub.load(warehouse)
    assert pub.seen(warehouse) == whole


@pytest.mark.parametrize(
    ("step", "at", "after", "nth"),
    [
        (pub.load_at, "tallystick.tables.store.publication_state:write_whole", True, 1),
        (pub.load_at, "tallystick.tables.store.door:commit_change", True, 1),
        (pub.load_at, "tallystick.tables.store.publication_state:write_whole", False, 2),
        (pub.load_and_fail, "tallystick.tables.store.undoing:commit_change", True, 1),
        (pub.load_and_fail, "tallystick.tables.store.publication_state:write_whole", False, 2),
    ],
    ids=["begun", "one commit", "all commits", "undone in one table", "undone in all"],
)
def test_a_killed_publication_is_not_seen_and_the_next_try_mends_it(
    warehouse: Warehouse, whole: pub.Rows, step: object, at: str, after: bool, nth: int
) -> None:
    before = pub.seen(warehouse)
    run_killed(step, str(warehouse.root), at=at, after=after, nth=nth)  # type: ignore[arg-type]
    assert PublicationState.read(warehouse.root).is_open
    assert pub.seen(warehouse) == before
    pub.load(warehouse)
    assert pub.seen(warehouse) == whole


def test_what_was_undone_leaves_every_file_as_it_was(warehouse: Warehouse) -> None:
    before = pin_all(warehouse, pub.NAMES[:-1])
    with pub.stopping_at(MOMENTS - 3), pytest.raises(pub.Stopped):
        pub.load(warehouse)
    after = pin_all(warehouse, pub.NAMES[:-1])
    assert {name: one.files for name, one in after.items()} == {name: one.files for name, one in before.items()}
    assert [one.version for one in after.values()] == [one.version + 2 for one in before.values()]


@pytest.fixture
def dead(warehouse: Warehouse) -> Warehouse:
    """A warehouse in which a publication of north made all its commits and died."""
    with pub.stopping_at(MOMENTS - 3, MOMENTS - 2), pytest.raises(pub.Stopped):
        pub.load(warehouse)
    assert PublicationState.read(warehouse.root).is_open
    return warehouse


def write_directly(warehouse: Warehouse) -> None:
    data = store.rows([2], source="south")
    where = store.day_slice(2, source="south")
    replace_arrow(warehouse, pub.CONTRACTS["clean.events"], data, where=where, run=store.run("direct"))


WRITERS = {
    "another source's load": lambda home: pub.load(home, source="south", run_id="south"),
    "a direct write": write_directly,
    "compaction": lambda home: plan_compaction(
        home, pub.CONTRACTS["clean.events"], source="north", before=date(2026, 4, 1)
    ),
    "re-bucketing": lambda home: plan_rebucketing(
        home, pub.CONTRACTS["clean.events"], source="north", buckets=1, run=store.run("r")
    ),
    "vacuum": lambda home: find_unused_files(home, "clean.events", keep=()),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_of_any_of_the_tables_undoes_first_what_a_dead_run_left(dead: Warehouse, writer: str) -> None:
    before = pub.seen(dead)["clean.events"]
    WRITERS[writer](dead)
    assert not PublicationState.read(dead.root).is_open
    kept = [row for row in pub.seen(dead)["clean.events"] if (row["source"], row["loaded_on"].day) != ("south", 2)]  # type: ignore[attr-defined]
    assert kept == before


def test_a_write_to_another_table_leaves_it_alone(dead: Warehouse) -> None:
    other = replace(store.CONTRACT, name="feature.other")
    replace_arrow(dead, other, store.rows([1]), where=store.day_slice(1), run=store.run("other"))
    assert PublicationState.read(dead.root).is_open
    assert len(store.held(dead, name="feature.other")) == 3


def test_the_run_that_died_is_not_taken_for_done(dead: Warehouse, whole: pub.Rows) -> None:
    contract, where = pub.CONTRACTS["clean.events"], store.day_slice(2)
    done = replace_arrow(dead, contract, store.rows([2], each=5), where=where, run=store.run("second"))
    assert not done.skipped
    assert pub.seen(dead)["clean.events"] == whole["clean.events"]


def test_a_foreign_writer_that_replaced_its_rows_is_not_undone(dead: Warehouse) -> None:
    newest = DeltaTable(str(dead.table_path("clean.events")))
    newest.delete("loaded_on = '2026-03-02'")
    with pytest.raises(ConflictError, match="rows of a publication that did not end were replaced"):
        recover(dead)
    assert PublicationState.read(dead.root).is_open


def test_a_broken_change_is_refused_before_the_first_commit(warehouse: Warehouse) -> None:
    before = pin_all(warehouse, pub.NAMES[:-1])
    good, bad = (pub.CONTRACTS[name] for name in pub.NAMES[:-1])
    where = store.day_slice(2)
    files = [write_arrow(warehouse, one, store.rows([day]), where=where) for one, day in ((good, 2), (bad, 1))]
    changes = [
        TableChange(contract=one, files=written, where=where) for one, written in zip((good, bad), files, strict=True)
    ]
    with pytest.raises(ContractError, match="rows outside the slice"):
        publish(warehouse, changes, run=store.run("r"))
    assert pin_all(warehouse, pub.NAMES[:-1]) == before
    assert PublicationState.read(warehouse.root) == PublicationState()


def test_a_slice_that_another_run_took_leaves_all_as_before_but_for_its_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real, contract = pub.seen(warehouse), door.commit_change, pub.CONTRACTS["monitor.loads"]
    taken = store.rows([2], each=1)
    files = write_arrow(warehouse, contract, taken, where=store.day_slice(2))

    def overtaken(table: DeltaTable, change: FileChange, *, name: str) -> None:
        if name == contract.name and change.adds[0].rel != files[0].rel:
            # Another process, which began before the publication did.
            told = store.run("other").metadata(change.where, files=1, rows=1)
            real(table, replace(change, adds=files, metadata=told), name=name)
        real(table, change, name=name)

    monkeypatch.setattr(door, "commit_change", overtaken)
    with pytest.raises(ConflictError, match="another run wrote this slice first"):
        pub.load(warehouse)
    assert pub.seen(warehouse) == {**before, contract.name: store.ordered(taken)}


def test_two_sources_publish_at_once_and_both_are_there(warehouse: Warehouse) -> None:
    days = range(3, 6)
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(
                lambda source: [pub.load(warehouse, day=d, source=source, run_id=f"{source}{d}") for d in days], s
            )
            for s in ("north", "south")
        ]
    assert [len(one.result()) for one in done] == [3, 3]
    counts = query(warehouse, "SELECT source, loaded_on, count(*) AS n FROM monitor.loads GROUP BY ALL ORDER BY ALL")
    assert [tuple(row.values()) for row in counts.to_pylist()] == [
        (source, date(2026, 3, day), 5) for source in ("north", "south") for day in days
    ]


def test_readers_beside_publications_never_see_half_of_one(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = "clean.events", "monitor.loads"
    pub.load(warehouse, each=1, run_id="1")
    real, ended = door.commit_change, Event()

    def slowly(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        time.sleep(0.01)

    monkeypatch.setattr(door, "commit_change", slowly)

    def publish_loads() -> None:
        try:
            for number in range(2, 12):
                # One of them fails at its last commit and is undone.
                with pub.stopping_at(*([6] if number == 5 else [])), suppress(pub.Stopped):
                    pub.load(warehouse, each=number, run_id=str(number))
        finally:
            ended.set()

    sql = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM {name} WHERE source = 'north' AND loaded_on = DATE '2026-03-02'"
        for name in (first, last)
    )
    found: set[int] = set()
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(publish_loads)
        while not ended.is_set():
            one, other = query(warehouse, sql)["n"].to_pylist()
            assert one == other
            found.add(one)
            pins = pin_all(warehouse, [first, last])
            days = [sum(f.rows for f in pins[name].files if _is_of_load(f)) for name in (first, last)]
            assert days[0] == days[1]
        publishing.result()
    assert len(found) > 2


def _is_of_load(file: DataFile) -> bool:
    return file.partition["source"] == "north" and file.bounds["loaded_on"] == (date(2026, 3, 2), date(2026, 3, 2))
