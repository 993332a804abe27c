"""Two writers and one store: it refuses the second, the loser says so, and leases end with their runs.

Of each kind of store: one that speaks S3, and a Hadoop file system.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import ConflictError, ContractError, SetupError
from tallystick.places import RemotePath, leases, to_place
from tallystick.places.store_interface import Store
from tallystick.tables import (
    TableChange,
    Warehouse,
    ensure_table,
    pin,
    publish,
    query,
    recover,
    replace_arrow,
    replace_files,
    write_arrow,
)
from tallystick.tables.store import log_copies
from tallystick.tables.store.disk import locked
from tallystick.tables.store.door import check_write, commit_write
from tallystick.tables.store.duckdb_files import let_duckdb_read
from tallystick.tables.store.file_access import open_output
from tallystick.tables.store.publication_state import PublicationState
from tests.lib import store
from tests.lib.object_store import BUCKET, Faults, forget_files, serving

# No fault is drawn, and each request is counted.
FAULTS = Faults()

HOLDER = """
import sys, time
from tallystick.places import to_place
from tallystick.tables.store.disk import locked
with locked(to_place(sys.argv[1]), "another run", where="here"):
    print("held", flush=True)
    time.sleep(600)
"""
WRITER = """
import sys, time
from tallystick.errors import ConflictError
from tallystick.tables import Warehouse, replace_arrow
from tallystick.tables.store import door
from tests.lib import store
warehouse, name = Warehouse(sys.argv[1]), sys.argv[2]
real = door.commit_change
def together(*args, **named):
    (warehouse.root / "at" / name).write_bytes(b"x")
    while len(list((warehouse.root / "at").rglob("*"))) < 2:
        time.sleep(0.01)
    return real(*args, **named)
door.commit_change = together
try:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1], each=int(sys.argv[3])), where=store.day_slice(1),
                  run=store.run(name))
    print("won")
except ConflictError:
    print("lost")
"""


@pytest.fixture(scope="module", params=["s3a", "hdfs"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "hdfs":
        yield request.getfixturevalue("hadoop")
        return
    with serving(FAULTS):
        yield f"s3a://{BUCKET}"


@pytest.fixture
def warehouse(address: str, request: pytest.FixtureRequest) -> Warehouse:
    return Warehouse(f"{address}/{request.node.name.partition('[')[0]}")


def lock_of(warehouse: Warehouse) -> RemotePath:
    place = to_place(warehouse.root / "lock")
    assert isinstance(place, RemotePath)
    return place


def take_over(place: RemotePath) -> None:
    """Replace what is there, as a run does that takes a lease for dead."""
    found = place.store.look(place.key)
    assert found is not None
    assert place.store.write_where(place.key, b"of another run", tag=found.tag)


def test_of_two_writers_in_two_processes_one_wins(warehouse: Warehouse) -> None:
    ensure_table(warehouse, store.CONTRACT)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(warehouse.root), name, each], stdout=subprocess.PIPE, text=True
        )
        for name, each in (("a", "2"), ("b", "3"))
    ]
    told = {name: one.communicate(timeout=120)[0].strip() for name, one in zip("ab", started, strict=True)}
    assert sorted(told.values()) == ["lost", "won"]
    assert len(store.held(warehouse)) == (2 if told["a"] == "won" else 3)
    assert warehouse.newest_version(store.NAME) == 1


def test_an_object_is_put_once(warehouse: Warehouse) -> None:
    place = lock_of(warehouse)
    tag = place.store.write_where(place.key, b"first")
    assert tag
    assert not place.store.write_where(place.key, b"second")
    assert place.store.write_where(place.key, b"third", tag=tag)
    assert not place.store.write_where(place.key, b"fourth", tag=tag)
    assert place.read_bytes() == b"third"


def test_a_store_says_what_is_not_there(warehouse: Warehouse, tmp_path: Path) -> None:
    place, file = lock_of(warehouse), tmp_path / "file"
    file.write_bytes(b"x")
    assert place.store.look(place.key) is None
    with pytest.raises(FileNotFoundError):
        place.store.download(place.key, str(tmp_path / "copy"))
    place.store.upload(place.key, str(file))
    assert place.read_bytes() == b"x"
    if place.parts[0] == "s3a:":
        missing = to_place("s3a://nobucket/w")
        assert isinstance(missing, RemotePath)
        for ask in (missing.is_file, missing.exists, missing.read_bytes, lambda: missing.store.upload("w", str(file))):
            with pytest.raises(SetupError, match="s3a://nobucket: there is no such bucket"):
                ask()


def test_of_writers_who_replace_what_they_read_each_loses_nothing(warehouse: Warehouse) -> None:
    """Four count together: a number that two of them had replaced would be missing at the end."""
    place = lock_of(warehouse)
    assert place.store.write_where(place.key, b"0")

    def count(_: int) -> None:
        done = 0
        while done < 3:
            found = place.store.look(place.key)
            assert found is not None
            number = int(place.read_bytes())
            if place.store.look(place.key) != found:  # it may be another one's number by now
                continue
            done += bool(place.store.write_where(place.key, b"%d" % (number + 1), tag=found.tag))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    assert place.read_bytes() == b"12"


def test_a_commit_whose_answer_was_lost_is_our_own(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.tables.store import door

    real = door.commit_change

    def lose_the_answer(*args: object, **named: object) -> None:
        real(*args, **named)  # type: ignore[arg-type]
        raise ConflictError("the store said that the entry is there already")

    monkeypatch.setattr(door, "commit_change", lose_the_answer)
    told = replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r"))
    assert (told.version, told.skipped) == (1, False)


def test_a_lease_is_held_by_one_and_free_afterwards(warehouse: Warehouse) -> None:
    place = lock_of(warehouse)
    for _ in range(2):
        with (
            locked(place, "another run", where="here"),
            pytest.raises(ConflictError, match="another run"),
            locked(place, "another run", where="here"),
        ):
            pytest.fail("two hold it")


def test_what_a_killed_run_held_is_taken_over_when_it_is_old(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lock_of(warehouse)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(place)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with pytest.raises(ConflictError), locked(place, "another run", where="here"):
        pytest.fail("it is young")
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=1))
    time.sleep(2.1)
    with locked(place, "another run", where="here"):
        pass


def test_a_lease_that_another_took_is_lost(warehouse: Warehouse) -> None:
    place = lock_of(warehouse)
    with pytest.raises(ConflictError, match="another run took the lock"), locked(place, "another run", where="here"):
        take_over(place)
    assert place.read_bytes() == b"of another run"


def test_a_publication_of_a_dead_run_is_hidden_and_undone(warehouse: Warehouse) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r0"))
    PublicationState.read(warehouse.root).begin(warehouse.root, run_id="dead", before={store.NAME: 1})
    replaced = write_arrow(warehouse, store.CONTRACT, store.rows([2]), where=store.day_slice(2))
    write = check_write(
        ensure_table(warehouse, store.CONTRACT),
        store.CONTRACT,
        replaced,
        where=store.day_slice(2),
        run=store.run("dead"),
    )
    commit_write(warehouse, write)
    count = f"SELECT count(*) AS n FROM {store.NAME}"
    assert query(warehouse, count)["n"].to_pylist() == [3]
    assert recover(warehouse)
    assert query(warehouse, count)["n"].to_pylist() == [3]
    files = write_arrow(warehouse, store.CONTRACT, store.rows([2]), where=store.day_slice(2))
    publish(
        warehouse,
        [TableChange(contract=store.CONTRACT, files=files, where=store.day_slice(2))],
        run=store.run("alive"),
    )
    assert query(warehouse, count)["n"].to_pylist() == [6]


def test_who_lost_the_lease_publishes_no_more(warehouse: Warehouse) -> None:
    opened = PublicationState.read(warehouse.root).begin(warehouse.root, run_id="slow", before={store.NAME: 1})
    PublicationState.read(warehouse.root).end(warehouse.root)  # as the run does that took the lease over
    PublicationState.read(warehouse.root).begin(warehouse.root, run_id="other", before={store.NAME: 1})
    with pytest.raises(ConflictError, match="another run published meanwhile"):
        opened.end(warehouse.root)
    assert PublicationState.read(warehouse.root).run_id == "other"


def test_two_files_of_one_slice_with_one_key_are_refused(warehouse: Warehouse) -> None:
    twice = [
        file
        for _ in range(2)
        for file in write_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1))
    ]
    with pytest.raises(ContractError, match="a key occurs in two files"):
        replace_files(warehouse, store.CONTRACT, twice, where=store.day_slice(1), run=store.run("r"))


def test_nothing_of_it_lies_on_this_machine(warehouse: Warehouse, address: str) -> None:
    replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r0"))
    assert not list(Path.cwd().glob(f"{address.partition(':')[0]}*"))
    assert warehouse.tables() == [store.NAME]


def asked(look: Callable[[], object]) -> int:
    """How many requests it takes."""
    before = FAULTS.met.total()
    look()
    return FAULTS.met.total() - before


def load_days(warehouse: Warehouse, days: Iterable[int]) -> None:
    for day in days:
        where, run = store.day_slice(day), store.run(f"r{day}")
        replace_arrow(warehouse, store.CONTRACT, store.rows([day]), where=where, run=run)


def test_what_never_changes_is_asked_for_once_and_what_can_change_each_time(warehouse: Warehouse) -> None:
    if lock_of(warehouse).parts[0] != "s3a:":
        pytest.skip("only the store of objects counts requests")
    load_days(warehouse, [1, 2, 3])
    forget_files()
    rows = store.held(warehouse)
    # The state of publications before and after, and what there is in the log.
    assert asked(lambda: store.held(warehouse)) == 3
    assert asked(lambda: load_days(warehouse, [4])) <= 12
    assert store.held(warehouse) != rows
    load_days(warehouse, range(5, 25))
    assert asked(lambda: store.held(warehouse, version=24)) <= 1 + 20
    forget_files()
    # A checkpoint, the entries since then, and none of those that hold only what other runs did.
    assert asked(lambda: load_days(warehouse, [25])) <= 12 + 6


def test_a_table_that_was_made_a_second_time_is_read_again(warehouse: Warehouse) -> None:
    load_days(warehouse, [1, 2])
    for path in warehouse.table_path(store.NAME).rglob("*"):
        path.unlink()
    assert warehouse.tables() == []
    load_days(warehouse, [7])
    assert {row["loaded_on"] for row in store.held(warehouse)} == {date(2026, 3, 7)}
    assert warehouse.newest_version(store.NAME) == 1


def test_a_refused_commit_leaves_no_trace_with_its_loser(warehouse: Warehouse) -> None:
    where = store.day_slice(1)
    table = ensure_table(warehouse, store.CONTRACT)
    writes = [
        check_write(
            table,
            store.CONTRACT,
            write_arrow(warehouse, store.CONTRACT, store.rows([1], each=each), where=where),
            where=where,
            run=store.run(f"r{each}"),
        )
        for each in (2, 3)
    ]
    commit_write(warehouse, writes[0])
    with pytest.raises(ConflictError, match="another run wrote this slice first"):
        commit_write(warehouse, writes[1])
    assert len(store.held(warehouse)) == 2
    load_days(warehouse, [2])
    assert len(store.held(warehouse)) == 5
    assert warehouse.newest_version(store.NAME) == 2


def test_an_entry_that_was_put_and_whose_answer_was_lost_holds(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(lock_of(warehouse).store)
    real = kind.create

    def lose_the_answer(self: Store, key: str, data: bytes) -> None:
        real(self, key, data)

    monkeypatch.setattr(kind, "create", lose_the_answer)
    load_days(warehouse, [1, 2])
    assert len(store.held(warehouse)) == 6
    assert warehouse.newest_version(store.NAME) == 2


def test_a_store_that_fails_at_a_commit_leaves_the_table_as_it_was(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_days(warehouse, [1])

    def fail(*_: object, **__: object) -> str:
        raise SetupError("the object store failed")

    with monkeypatch.context() as patch:
        patch.setattr(type(lock_of(warehouse).store), "create", fail)
        with pytest.raises(SetupError):
            load_days(warehouse, [2])
    assert len(store.held(warehouse)) == 3
    load_days(warehouse, [2])
    assert len(store.held(warehouse)) == 6


def test_ten_entries_make_a_checkpoint_that_others_read(warehouse: Warehouse) -> None:
    load_days(warehouse, range(1, 13))
    log = warehouse.table_path(store.NAME) / "_delta_log"
    assert [path.name for path in log.glob("*.parquet")] == [f"{9:020}.checkpoint.parquet"]
    assert (log / "_last_checkpoint").is_file()
    forget_files()
    assert len(store.held(warehouse)) == 36
    assert len(store.held(warehouse, version=3)) == 9
    foreign = log_copies.open_in_store(warehouse.table_path(store.NAME))
    assert foreign.version() == 12
    assert len(foreign.file_uris()) == 12
    # Without its older entries the log still tells all of the newest version.
    for version in range(9):
        (log / f"{version:020}.json").unlink()
    forget_files()
    assert len(store.held(warehouse)) == 36


def test_duckdb_calls_a_file_by_its_address(warehouse: Warehouse) -> None:
    """Rows of loads before are joined to the partition of their file by it."""
    rows = store.rows([1], buckets=2)
    replace_arrow(warehouse, store.CONTRACT, rows, where=store.source_slice(), run=store.run("r"))
    paths = pin(warehouse, store.NAME).paths
    with duckdb.connect() as connection:
        let_duckdb_read(connection, paths)
        told = connection.read_parquet(list(paths), filename=True).aggregate("filename, count(*)").fetchall()
    assert sorted(told) == [(path, 3) for path in sorted(paths)]


def test_duckdb_reads_large_files_by_several_threads(warehouse: Warehouse) -> None:
    """Files that do not come whole by one request. With one place for all threads it fails in some runs, not in all."""
    parts = np.split(np.random.default_rng(1).permutation(1_600_000), 8)
    paths = [str(warehouse.root / "large" / f"{number}.parquet") for number in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        with open_output(to_place(path)) as file:
            pq.write_table(pa.table({"number": part, "text": part.astype(str)}), file, row_group_size=50_000)
    with duckdb.connect(config={"threads": 4}) as connection:
        let_duckdb_read(connection, paths)
        rows = connection.read_parquet(paths)
        told = rows.aggregate("count(DISTINCT number), sum(number), count(*) FILTER (text = number::VARCHAR)")
        assert told.fetchall() == [(1_600_000, 1_600_000 * 1_599_999 // 2, 1_600_000)]
