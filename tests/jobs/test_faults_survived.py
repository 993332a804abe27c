"""What goes wrong with disks, logs and deliveries, each against an undisturbed bank: no row lost or doubled."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tallystick.errors import InputError, LoadRefused, SetupError
from tallystick.runs import ingest_source, unusual_loads
from tallystick.runs.params import IngestSource
from tallystick.tables import Warehouse, query, read_arrow
from tests.lib.deliveries import BOOKINGS, PEOPLE, rows_of, write_delivery, write_project

HEAD = BOOKINGS.partition("\n")[0]
EVENING = f"{HEAD}\n5,A1,2024-01-31,10,CASH,\n6,A2,2024-01-31,11,CASH,\n1,A1,2024-01-02,90.00,CASH,\n"
NIGHT = date(2024, 2, 1)

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, a warehouse with the history, a night, and what a warehouse holds that loaded both."""
    root = tmp_path_factory.mktemp("bank")
    write_project(root / "project")
    write_delivery(root / "supplier" / "2024-01-31")
    load(root, root / "warehouse")
    write_delivery(root / "supplier" / NIGHT.isoformat(), {"bookings_1.csv.gz": EVENING})
    shutil.copytree(root / "warehouse", root / "whole")
    load(root, root / "whole")
    return root


@pytest.fixture
def warehouse(bank: Path, tmp_path: Path) -> Path:
    """A copy of the warehouse before the night."""
    return shutil.copytree(bank / "warehouse", tmp_path / "warehouse")


def load(root: Path, warehouse: Path, *, files: Path | None = None, run_id: str = "load") -> None:
    run_id = f"{run_id}-{len(list(warehouse.rglob('*.json')))}"
    params = IngestSource(project=root / "project", warehouse=warehouse, run_id=run_id, source="village",
                          directory=files or root / "supplier")  # fmt: skip
    ingest_source.run(params, None)


def seen(warehouse: Path, *, but: tuple[str, ...] = ("raw_sha256", "notes")) -> Rows:
    """All rows; without what says which bytes they came from."""
    held = {name: rows_of(warehouse, name) for name in Warehouse(warehouse).tables()}
    return {name: [{k: v for k, v in row.items() if k not in but} for row in rows] for name, rows in held.items()}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def disk_use(warehouse: Path) -> int:
    """Bytes that the files take, in whole pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in warehouse.rglob("*") if path.is_file())


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
def test_a_disk_that_fills_at_a_step_of_a_load_is_said_and_the_next_try_is_whole(
    bank: Path, small_disk: Path, share: float
) -> None:
    warehouse = shutil.copytree(bank / "warehouse", small_disk / "warehouse")
    before, filler = seen(warehouse), small_disk / "filler"
    free = int(share * (disk_use(bank / "whole") - disk_use(bank / "warehouse")))
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - free))
    with pytest.raises(SetupError, match="the disk is full"):
        load(bank, warehouse)
    assert seen(warehouse) == before
    filler.unlink()
    load(bank, warehouse)
    assert seen(warehouse) == seen(bank / "whole")


CHECKPOINT, HINT = f"{2:020}.checkpoint.parquet", "_last_checkpoint"


def logged(root: Path) -> Path:
    """A table of four versions with a checkpoint at the third; the folder of its log."""
    for number in range(4):
        write_deltalake(str(root / "clean" / "things"), pa.table({"a": [number], "source": ["x"]}), mode="append")
        if number == 2:
            DeltaTable(str(root / "clean" / "things")).create_checkpoint()
    return root / "clean" / "things" / "_delta_log"


def things(root: Path) -> list[int]:
    return sorted(read_arrow(Warehouse(root), "clean.things")["a"].to_pylist())


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and nothing more"])
def test_a_checkpoint_that_is_gone_or_cut_is_told_with_what_to_do_and_its_entries_hold_everything(
    tmp_path: Path, content: bytes | None
) -> None:
    log = logged(tmp_path)
    (log / CHECKPOINT).unlink() if content is None else (log / CHECKPOINT).write_bytes(content)
    told = r"the log of clean\.things is damaged \(its entries 0 to 3 hold everything: move _last_"
    for read in (lambda: things(tmp_path), lambda: query(Warehouse(tmp_path), "FROM clean.things")):
        with pytest.raises(SetupError, match=told) as caught:
            read()
        assert str(caught.value).startswith(str(log / CHECKPOINT))
    (log / CHECKPOINT).unlink(missing_ok=True)
    (log / HINT).unlink()
    assert things(tmp_path) == [0, 1, 2, 3]


@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_log_whose_newest_checkpoint_is_not_named_any_more_reads_the_same(
    tmp_path: Path, content: bytes | None
) -> None:
    log = logged(tmp_path)
    (log / HINT).unlink() if content is None else (log / HINT).write_bytes(content)
    assert things(tmp_path) == [0, 1, 2, 3]


def test_a_checkpoint_that_stood_for_entries_that_are_gone_can_only_be_restored(tmp_path: Path) -> None:
    log = logged(tmp_path)
    copy = (log / CHECKPOINT).read_bytes()
    for number in range(2):
        (log / f"{number:020}.json").unlink()
    assert things(tmp_path) == [0, 1, 2, 3]
    (log / CHECKPOINT).unlink()
    with pytest.raises(SetupError, match="restore the checkpoint from a copy, as older entries are gone"):
        things(tmp_path)
    (log / HINT).unlink()
    with pytest.raises(SetupError, match="the log of clean.things is damaged") as caught:
        things(tmp_path)
    assert str(caught.value).startswith(str(log / f"{0:020}.json"))
    (log / CHECKPOINT).write_bytes(copy)
    assert things(tmp_path) == [0, 1, 2, 3]


def test_a_cut_entry_stops_a_load_and_its_copy_makes_the_next_one_whole(bank: Path, warehouse: Path) -> None:
    entry = sorted((warehouse / "clean" / "transactions" / "_delta_log").glob("*.json"))[-1]
    copy = entry.read_bytes()
    entry.write_bytes(copy[:-40])
    with pytest.raises(SetupError, match=r"the log of clean\.transactions is damaged"):
        load(bank, warehouse)
    entry.write_bytes(copy)
    load(bank, warehouse)
    assert seen(warehouse) == seen(bank / "whole")


def deliver(bank: Path, tmp_path: Path, **files: str) -> Path:
    """The supplier's folder with another night."""
    folder = shutil.copytree(bank / "supplier", tmp_path / "supplier")
    names = {"people": "people.csv", "bookings": "bookings_1.csv.gz"}
    write_delivery(
        folder / NIGHT.isoformat(), {"bookings_1.csv.gz": EVENING, **{names[k]: v for k, v in files.items()}}
    )
    return folder


def test_a_column_that_a_supplier_adds_is_accepted_and_reported(bank: Path, warehouse: Path, tmp_path: Path) -> None:
    wider = "\n".join(f"{line},{'shop' if line.startswith('person') else 's1'}" for line in PEOPLE.splitlines())
    load(bank, warehouse, files=deliver(bank, tmp_path, people=wider + "\n"))
    assert seen(warehouse) == seen(bank / "whole")
    notes = [row["notes"] for row in rows_of(warehouse, "monitor.loads") if row["loaded_on"] == NIGHT]
    assert set(notes) == {"people.csv has columns that are not declared: shop"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"people": "person,village\n1,north\n"}, "column born is missing from the header"),
        ({"bookings": EVENING.replace(",10,", ",ten,").replace(",11,", ",b,").replace("90.00", "c")}, "not_a_number"),
        ({"bookings": EVENING.replace("2024-01-", "January ")}, "not_a_time"),
    ],
)
def test_a_column_that_a_supplier_removes_or_retypes_stops_the_load_until_it_is_right(
    bank: Path, warehouse: Path, tmp_path: Path, files: dict[str, str], told: str
) -> None:
    before = seen(warehouse)
    with pytest.raises((InputError, LoadRefused), match=told):
        load(bank, warehouse, files=deliver(bank, tmp_path, **files))
    assert seen(warehouse) == before
    load(bank, warehouse)
    assert seen(warehouse) == seen(bank / "whole")


def test_ten_times_the_usual_rows_in_a_night_are_told_and_loaded_right(
    bank: Path, warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unusual_loads, "LEAST", 1)
    lines = [f"{100 + n},A1,2024-01-{1 + n % 31:02},1.{n % 100:02},CASH," for n in range(1000)]
    files = deliver(bank, tmp_path, bookings="\n".join([HEAD, *lines, ""]))
    load(bank, warehouse, files=files)
    assert "WARNING village: transactions: 1000 rows read where 4 are usual" in capsys.readouterr().err
    rows, before = (rows_of(one, "clean.transactions") for one in (warehouse, bank / "warehouse"))
    amounts = {row["transaction_id"]: row["amount_minor"] for row in rows}
    assert [amounts[str(100 + n)] for n in range(1000)] == [100 + n % 100 for n in range(1000)]
    assert len(rows) == len(before) + 1000
