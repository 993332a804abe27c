"""The benchmark of the first load at its smallest, without Spark: what a command took, what is read, what agrees."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from benchmarks.bank_file import KINDS, BankFile
from benchmarks.bank_files import FILES
from benchmarks.banks import SOURCE, buckets_of, copy_project, delivery_folders, make_bank
from benchmarks.commands import CommandFailedError, Taken, run_command
from benchmarks.groups import ROOT
from benchmarks.ingest import DUCKDB, OURS, SPARK, Load, judge
from benchmarks.load_agreement import FileRows, differences
from benchmarks.plain_duckdb import load_files
from tallystick.project import load_project

# The grandchild outlives the command, in a session of its own, and works for more than a second.
GRANDCHILD = "import time; x = bytearray(120_000_000)\nwhile time.process_time() < 1.0: pass"
PARENT = f"""
import subprocess, sys
print("[1/2] first", flush=True)
subprocess.Popen([sys.executable, "-c", {GRANDCHILD!r}], start_new_session=True)
print("not a stage", flush=True)
print("[2/2] second", flush=True)
"""


def test_a_command_is_measured_with_processes_that_outlive_it(tmp_path: Path) -> None:
    taken = run_command([sys.executable, "-c", PARENT], log=tmp_path / "log.txt", marked=r"^\[\d/\d\]")
    assert taken.cpu >= 1.0
    assert taken.peak_mb > 115
    assert [mark.line for mark in taken.marks] == ["[1/2] first", "[2/2] second"]
    assert [mark.cpu for mark in taken.marks] == sorted(mark.cpu for mark in taken.marks)
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()[1] == "not a stage"


def test_a_command_that_fails_says_what_it_printed_last(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="ended with 3:\nno such bank"):
        run_command([sys.executable, "-c", "print('no such bank'); exit(3)"], log=tmp_path / "log.txt")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_files_are_those_that_the_source_declares(file: BankFile) -> None:
    source = yaml.safe_load((ROOT / "sources" / SOURCE / "source.yaml").read_text(encoding="utf-8"))
    declared = source["reading"] | source["files"][file.name]
    assert list(file.columns) == declared["columns"]
    assert (file.delimiter, file.encoding) == (declared["delimiter"], declared["encoding"])
    assert {kind for kind, _ in file.columns.values()} <= set(KINDS)
    assert {*file.key, "event_at"} <= {name for _, name in file.columns.values()}
    assert len(FILES) == len(source["files"])


def test_a_copied_project_declares_the_buckets_of_its_size(tmp_path: Path) -> None:
    assert [buckets_of(customers) for customers in (100, 5_000, 25_000)] == [2, 2, 8]
    project = load_project(copy_project(tmp_path / "project", buckets=8))
    assert project.sources[SOURCE].layout.buckets == 8


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small bank's delivery, and what DuckDB makes of it."""
    folder = tmp_path_factory.mktemp("banks")
    bank = make_bank(folder, customers=60)
    delivery = delivery_folders(bank)[0]
    load_files(delivery, folder / "out", cores=1)
    return delivery, folder / "out"


def test_duckdb_reads_every_line_typed_and_sorted(loaded: tuple[Path, Path]) -> None:
    _, out = loaded
    first = duckdb.sql(f"FROM '{out}/tran.parquet' LIMIT 1")
    assert [str(kind) for kind in first.types][4] == "TIMESTAMP WITH TIME ZONE"
    texts = duckdb.sql(f"SELECT purpose FROM '{out}/loan_apply.parquet' WHERE purpose = '消费' LIMIT 1").fetchall()
    assert texts == [("消费",)]
    # Local time is eight hours ahead: a booking of 20241231 23:30:00 is one of 15:30 in UTC.
    early = duckdb.sql(f"SELECT min(event_at), max(event_at) FROM '{out}/acct.parquet'").fetchall()[0]
    assert early[0] < early[1]
    keys = duckdb.sql(f"SELECT customer_id, event_at, transaction_id FROM '{out}/tran.parquet'").fetchall()
    assert keys == sorted(keys)


def test_rows_that_differ_are_told_and_rejected_lines_are_not(loaded: tuple[Path, Path], tmp_path: Path) -> None:
    _, out = loaded
    file = next(file for file in FILES if file.name == "im_event")
    theirs = [str(out / "im_event.parquet")]
    both = f"""SELECT * REPLACE (social_event_id || s AS social_event_id)
        FROM '{theirs[0]}', (VALUES ('-in'), ('-out')) AS sides (s)"""
    second = f"(SELECT social_event_id FROM '{theirs[0]}' ORDER BY 1 LIMIT 1 OFFSET 1)"

    def told(query: str, *, rejected: int = 0) -> list[str]:
        duckdb.sql(query).write_parquet(str(tmp_path / "ours.parquet"))
        lines = f"SELECT 'im_event.csv.gz' AS file, range AS line FROM range({rejected})"
        duckdb.sql(lines).write_parquet(str(tmp_path / "rejected.parquet"))
        ours, turned_away = [str(tmp_path / "ours.parquet")], [str(tmp_path / "rejected.parquet")]
        return differences(file, FileRows(ours=ours, rejected=turned_away, theirs=theirs))

    assert told(both) == []
    less = f"{both} WHERE social_event_id NOT IN {second}"
    assert told(less) == ["im_event: 1 keys that only the other side has, more than our rejected lines"]
    assert told(less, rejected=1) == []
    later = f"SELECT * REPLACE (event_at + INTERVAL 1 SECOND AS event_at) FROM ({both} LIMIT 2)"
    assert any("other values" in line for line in told(f"{later} UNION ALL FROM ({both} OFFSET 2)"))
    assert any("we have none" in line for line in told(f"{both} LIMIT 0"))


def test_the_requirements_are_judged_by_medians_and_both_sizes() -> None:
    def taken(*seconds: float, peak: float = 1000.0) -> list[Taken]:
        return [Taken(wall=one, cpu=one, peak_mb=peak) for one in seconds]

    small = Load(
        customers=5_000,
        lines=3_000_000,
        buckets=2,
        rows={},
        taken={OURS: taken(90.0, 500.0, 100.0), SPARK: taken(101.0), DUCKDB: taken(10.0)},
        differences={},
    )
    large = replace(
        small,
        customers=25_000,
        lines=15_000_000,
        taken={OURS: taken(400.0, peak=1300.0), SPARK: taken(500.0), DUCKDB: taken(50.0)},
    )
    found = [(round(one.ratio, 3), one.limit, one.is_met) for one in judge([small, large])]
    assert found == [
        (0.99, 1.0, True),
        (10.0, None, None),
        (0.8, 0.7, False),
        (8.0, None, None),
        (4.0, 5.2, True),
        (1.3, 1.25, False),
        (4.95, None, None),
        (1.0, None, None),
        (5.0, None, None),
        (1.0, None, None),
    ]


# As PySpark's daemon: the system forgets its workers when they end.
FORGETTING = f"""
import signal, subprocess, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", {GRANDCHILD!r}])
try:
    worker.wait()
except ChildProcessError:
    pass
"""


def test_the_time_of_a_process_that_nobody_waits_for_is_counted(tmp_path: Path) -> None:
    taken = run_command([sys.executable, "-c", FORGETTING], log=tmp_path / "log.txt")
    assert taken.cpu > 0.7
