"""Two writers at once: one wins, the other says so, and neighbours do not notice."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pyarrow as pa
import pytest

from tallystick.errors import ConflictError
from tallystick.tables import Warehouse, ensure_table, pin, replace_arrow, replace_files
from tallystick.tables.store import door as door_module
from tests.lib import store


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def overtake(monkeypatch: pytest.MonkeyPatch, other: object) -> None:
    """Let ``other`` run in full between the next writer's look at the table and its commit."""
    real, done = door_module.commit_change, []

    def late(*args: object, **kwargs: object) -> object:
        if not done:
            done.append(True)
            other()  # type: ignore[operator]
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(door_module, "commit_change", late)


@pytest.mark.parametrize("filled", [False, True], ids=["an empty slice", "a slice with rows"])
def test_the_slower_of_two_writers_of_a_slice_fails(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, filled: bool
) -> None:
    if filled:
        replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r0"))
    where, winner = store.day_slice(1), store.rows([1], each=2)
    overtake(monkeypatch, lambda: replace_arrow(warehouse, store.CONTRACT, winner, where=where, run=store.run("fast")))
    with pytest.raises(ConflictError, match="another run wrote this slice first"):
        replace_arrow(warehouse, store.CONTRACT, store.rows([1], each=5), where=where, run=store.run("slow"))
    assert store.held(warehouse) == store.ordered(winner)
    replace_arrow(warehouse, store.CONTRACT, store.rows([1], each=5), where=where, run=store.run("slow"))
    assert len(store.held(warehouse)) == 5


def test_one_run_started_twice_writes_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def write() -> object:
        return replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r"))

    overtake(monkeypatch, write)
    with pytest.raises(ConflictError):
        write()
    assert store.held(warehouse) == store.ordered(store.rows([1]))


def test_a_writer_of_another_slice_does_not_disturb(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_table(warehouse, store.CONTRACT)
    neighbour, where = store.day_slice(2), store.day_slice(1)
    overtake(
        monkeypatch,
        lambda: replace_arrow(warehouse, store.CONTRACT, store.rows([2]), where=neighbour, run=store.run("r2")),
    )
    done = replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=where, run=store.run("r1"))
    assert done.version == pin(warehouse, store.NAME).version == 2
    assert store.held(warehouse) == store.ordered(store.rows([1, 2]))


def test_two_slices_that_share_an_old_file_do_not_lose_each_others_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1, 2, 3]), where=store.source_slice(), run=store.run("r0"))
    other = store.rows([2], each=1)
    overtake(
        monkeypatch,
        lambda: replace_arrow(warehouse, store.CONTRACT, other, where=store.day_slice(2), run=store.run("r2")),
    )
    with pytest.raises(ConflictError):
        replace_files(warehouse, store.CONTRACT, [], where=store.day_slice(1), run=store.run("r1"))
    assert store.held(warehouse) == store.ordered(pa.concat_tables([store.rows([1, 3]), other]))


def _race(root: str, number: int, days: list[int], gate: object, results: object) -> None:
    warehouse = Warehouse(root)
    gate.wait()  # type: ignore[attr-defined]
    for day in days:
        where = store.day_slice(day)
        try:
            replace_arrow(
                warehouse, store.CONTRACT, store.rows([day], each=2 + number), where=where, run=store.run(f"w{number}")
            )
            results.put((day, number))  # type: ignore[attr-defined]
        except ConflictError:
            results.put((day, None))  # type: ignore[attr-defined]


def test_of_two_processes_each_slice_holds_exactly_one_writers_rows(warehouse: Warehouse) -> None:
    context = multiprocessing.get_context("spawn")
    days = list(range(1, 13))
    gate, results = context.Barrier(2), context.Queue()
    # The table does not exist yet: creating it is part of the race.
    writers = [
        context.Process(target=_race, args=(str(warehouse.root), number, days, gate, results)) for number in (0, 1)
    ]
    for writer in writers:
        writer.start()
    told = [results.get(timeout=60) for _ in range(2 * len(days))]
    for writer in writers:
        writer.join(timeout=60)
        assert writer.exitcode == 0
    held = store.held(warehouse)
    for day in days:
        rows = [row for row in held if row["amount_minor"] in range(100 * day, 100 * day + 100)]
        assert len(rows) in (2, 3)
        winners = [number for won_day, number in told if won_day == day and number is not None]
        assert len(winners) >= 1
        if len(winners) == 1:
            assert len(rows) == 2 + winners[0]
    assert len(held) == len({(row["event_id"], row["loaded_on"]) for row in held})
