"""Landing a delivery: copied whole, once, and only the copy counts."""

from __future__ import annotations

import fcntl
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import IO

import pytest

from tallystick.errors import ConflictError, DeclarationError, InputError, LoadRefused, NotFound, SetupError
from tallystick.tables import Warehouse, landing
from tallystick.tables.landing import raw_folder
from tallystick.tables.store.disk import write_whole
from tests.lib import store

DAY = "2026-03-10"
LOADED = date(2026, 3, 10)
FILES = ["cards.csv", "sub/orders.csv"]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse")


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "delivery"
    (folder / "sub").mkdir(parents=True)
    (folder / "cards.csv").write_bytes(b"id;kind\r\n1;gold\r\n")
    (folder / "sub" / "orders.csv").write_bytes(b"")
    (folder / "other.csv").write_bytes(b"not asked for")
    return folder


def names(landed: landing.Landing) -> list[str]:
    return sorted(p.relative_to(landed.path).as_posix() for p in landed.path.rglob("*") if p.is_file())


def test_files_are_copied_unchanged_with_a_manifest(warehouse: Warehouse, delivery: Path) -> None:
    landed = landing.land(warehouse, "north", DAY, delivery, FILES)
    assert landed.status == "new"
    assert landed.path == warehouse.root / "raw" / "north" / "2026-03-10"
    assert names(landed) == ["_manifest.json", "cards.csv", "sub/orders.csv"]
    assert landed.file("cards.csv").read_bytes() == (delivery / "cards.csv").read_bytes()
    told = json.loads((landed.path / "_manifest.json").read_text())
    sha256 = hashlib.sha256((delivery / "cards.csv").read_bytes()).hexdigest()
    assert told["files"][0] == {"name": "cards.csv", "size": 17, "sha256": sha256}
    assert (told["source"], told["delivery"]) == ("north", "2026-03-10")
    with pytest.raises(InputError, match="no such file"):
        landed.file("other.csv")


def test_published_bytes_again_are_the_same_load(warehouse: Warehouse, delivery: Path) -> None:
    first = landing.land(warehouse, "north", DAY, delivery, FILES)
    assert not first.is_published
    landing.mark_published(first, store.run("r1"), LOADED)
    landing.mark_published(first, store.run("r2"), LOADED)
    assert json.loads((first.path / "_published.json").read_text())["run_id"] == "r1"
    again = landing.land(warehouse, "north", DAY, delivery, FILES)
    assert (again.status, again.manifest, again.is_published) == ("same", first.manifest, True)


def test_other_bytes_for_a_published_load_date_are_refused(warehouse: Warehouse, delivery: Path) -> None:
    landing.mark_published(landing.land(warehouse, "north", DAY, delivery, FILES), store.run("r1"), LOADED)
    (delivery / "cards.csv").write_bytes(b"id;kind\r\n2;gold\r\n")
    told = r"were published: cards\.csv \(.* named 2026-03-10\.2, and take the changed one away"
    with pytest.raises(LoadRefused, match=told):
        landing.land(warehouse, "north", DAY, delivery, FILES)
    with pytest.raises(LoadRefused, match=r"cards\.csv, sub/orders\.csv"):
        landing.land(warehouse, "north", DAY, delivery, ["cards.csv"])
    assert landing.land(warehouse, "north", "2026-03-11", delivery, FILES).status == "new"
    assert b"1;gold" in landing.find_landing(warehouse, "north", DAY).file("cards.csv").read_bytes()


def test_a_load_that_was_never_published_gives_way(warehouse: Warehouse, delivery: Path) -> None:
    first = landing.land(warehouse, "north", DAY, delivery, FILES)
    (delivery / "cards.csv").write_bytes(b"id;kind\r\n2;gold\r\n")
    landed = landing.land(warehouse, "north", DAY, delivery, ["cards.csv"])
    assert (landed.status, names(landed)) == ("new", ["_manifest.json", "cards.csv"])
    assert b"2;gold" in landed.file("cards.csv").read_bytes()
    assert [p.name for p in landed.path.parent.iterdir() if not p.name.endswith(".lock")] == ["2026-03-10"]
    with pytest.raises(ConflictError, match="another delivery took this load's place"):
        landing.mark_published(first, store.run("r1"), LOADED)


def test_the_same_bytes_leave_an_unpublished_load_where_it_is(warehouse: Warehouse, delivery: Path) -> None:
    first = landing.land(warehouse, "north", DAY, delivery, FILES)
    copy = first.file("cards.csv").stat().st_ino
    again = landing.land(warehouse, "north", DAY, delivery, FILES)
    assert (again, again.file("cards.csv").stat().st_ino) == (first, copy)
    first.file("cards.csv").chmod(0o644)
    first.file("cards.csv").write_bytes(b"cut")
    assert landing.land(warehouse, "north", DAY, delivery, FILES).file("cards.csv").stat().st_size == 17


def test_one_run_at_a_time_ingests_a_source(warehouse: Warehouse, delivery: Path) -> None:
    with landing.alone(warehouse, "north"):
        landing.land(warehouse, "north", DAY, delivery, FILES)
        second = landing.alone(warehouse, "north")
        with pytest.raises(ConflictError, match="north: another run is ingesting this source"), second:
            pass
        with landing.alone(warehouse, "south"):
            pass
    with landing.alone(warehouse, "north"):
        pass


def test_what_is_missing_is_named(warehouse: Warehouse, delivery: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="directory does not exist"):
        landing.land(warehouse, "north", DAY, tmp_path / "nowhere", FILES)
    with pytest.raises(InputError, match=r"gone\.csv: the delivery lacks a file"):
        landing.land(warehouse, "north", DAY, delivery, [*FILES, "gone.csv"])
    for name in ("../secret.csv", "/etc/hosts", "_manifest.json", ""):
        with pytest.raises(InputError, match="must lie inside the delivery"):
            landing.land(warehouse, "north", DAY, delivery, [name])
    with pytest.raises(DeclarationError, match="source name"):
        landing.land(warehouse, "../north", DAY, delivery, FILES)
    with pytest.raises(NotFound, match="no delivery 2026-03-10 of north"):
        landing.find_landing(warehouse, "north", DAY)
    assert landing.landings(warehouse, "north") == []


def test_a_file_that_changes_while_it_is_copied_is_copied_again(
    warehouse: Warehouse, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = delivery / "cards.csv"
    real, calls = raw_folder._read_through, []

    def grow_meanwhile(origin: Path, target: IO[bytes] | None) -> tuple[str, int]:
        result = real(origin, target)
        calls.append(origin)
        if len(calls) == 1:
            growing.write_bytes(growing.read_bytes() + b"2;classic\r\n")
        return result

    monkeypatch.setattr(raw_folder, "_read_through", grow_meanwhile)
    landed = landing.land(warehouse, "north", DAY, delivery, FILES)
    assert landed.file("cards.csv").read_bytes() == growing.read_bytes()
    assert landed.manifest[0].sha256 == hashlib.sha256(growing.read_bytes()).hexdigest()
    growing.write_bytes(b"later bytes do not reach the copy")
    assert b"classic" in landed.file("cards.csv").read_bytes()


def test_a_file_that_never_stops_changing_is_not_landed(
    warehouse: Warehouse, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing, real = delivery / "cards.csv", raw_folder._read_through

    def grow_always(origin: Path, target: IO[bytes] | None) -> tuple[str, int]:
        growing.write_bytes(growing.read_bytes() + b"x")
        return real(origin, target)

    monkeypatch.setattr(raw_folder, "_read_through", grow_always)
    with pytest.raises(InputError, match=r"cards\.csv: the file changes while it is copied"):
        landing.land(warehouse, "north", DAY, delivery, FILES)
    assert landing.landings(warehouse, "north") == []


def test_a_full_disk_is_said_and_leaves_nothing(
    warehouse: Warehouse, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(origin: Path, target: IO[bytes] | None) -> tuple[str, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(raw_folder, "_read_through", fill)
    with pytest.raises(SetupError, match="the disk is full"):
        landing.land(warehouse, "north", DAY, delivery, FILES)
    home = warehouse.root / "raw" / "north"
    assert [p.name for p in home.iterdir()] == [".2026-03-10.lock"]


def test_two_runs_do_not_land_one_load_at_once(warehouse: Warehouse, delivery: Path) -> None:
    home = warehouse.root / "raw" / "north"
    home.mkdir(parents=True)
    with (home / ".2026-03-10.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConflictError, match="another run is landing this delivery"):
            landing.land(warehouse, "north", DAY, delivery, FILES)
        assert landing.land(warehouse, "north", "2026-03-11", delivery, FILES).status == "new"
    assert landing.land(warehouse, "north", DAY, delivery, FILES).status == "new"
    assert [found.name[-2:] for found in landing.landings(warehouse, "north")] == ["10", "11"]


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_is_untouched(
    warehouse: Warehouse, delivery: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    home = warehouse.root / "raw" / "berka"
    home.mkdir(parents=True)
    for name in (".ingest", f".{DAY}.lock"):
        (home / name).symlink_to(precious)
    with pytest.raises(SetupError, match="the lock is a link"), landing.alone(warehouse, "berka"):
        pass
    with pytest.raises(SetupError, match="the lock is a link"):
        landing.land(warehouse, "berka", DAY, delivery, ["cards.csv"])
    assert precious.read_text() == "kept"


def test_a_link_out_of_the_delivery_is_not_landed(warehouse: Warehouse, delivery: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (delivery / "out.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="a link leads out"):
        landing.land(warehouse, "berka", DAY, delivery, ["out.csv"])


def test_a_link_where_a_manifest_is_written_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / ".a.json.part").symlink_to(precious)
    write_whole(tmp_path / "a.json", "new")
    assert (precious.read_text(), (tmp_path / "a.json").read_text()) == ("kept", "new")
