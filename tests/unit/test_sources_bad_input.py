"""Deliveries that cannot be used stop the real job with file and column named, before Spark and before any table."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.errors import InputError
from tallystick.ingest.deliveries import _matches, find_deliveries, match_files
from tallystick.project.sources import load_source
from tallystick.tables import Warehouse
from tallystick.tables.landing import landings
from tests.lib.deliveries import ACCOUNTS, BOOKINGS, SOURCE_YAML, load_delivery, write_delivery, write_project

# As much of a session as is asked before the files are found fit.
SESSION: Any = SimpleNamespace(conf=SimpleNamespace(get=lambda name: "UTC"))


def refused(tmp_path: Path, files: dict[str, str | bytes | None], *, yaml: str = SOURCE_YAML) -> str:
    """The error of a load of the village bank with other files; nothing of it may be published."""
    project = write_project(tmp_path / "project", files={"source.yaml": yaml})
    warehouse, supplier = tmp_path / "warehouse", write_delivery(tmp_path / "supplier", files)
    with pytest.raises(InputError) as caught:
        load_delivery(SESSION, project, warehouse, supplier)
    store = Warehouse(warehouse)
    assert store.tables() == []
    assert [landing.is_published for landing in landings(store, "village")] in ([], [False])
    return str(caught.value)


def test_a_missing_column_names_file_and_column(tmp_path: Path) -> None:
    told = refused(tmp_path, {"people.csv": "person,born\n1,1970-05-01\n"})
    assert "people.csv, column village: column village is missing from the header" in told


def test_a_renamed_column_names_both_names(tmp_path: Path) -> None:
    told = refused(tmp_path, {"people.csv": "person,born,town\n1,1970-05-01,north\n"})
    assert "people.csv, column village: column village is missing" in told
    assert "the file has town, which is not declared" in told


def test_an_extra_column_is_refused_where_the_source_says_so(tmp_path: Path) -> None:
    yaml = SOURCE_YAML.replace("reading: {", "reading: {extra_columns: refuse, ")
    told = refused(tmp_path, {"people.csv": "person,born,village,age\n1,1970-05-01,north,50\n"}, yaml=yaml)
    assert "people.csv, column age: a column that is not declared" in told


def test_another_delimiter_says_what_was_expected(tmp_path: Path) -> None:
    told = refused(tmp_path, {"bookings_1.csv.gz": BOOKINGS.replace(",", ";")})
    assert "bookings_1.csv.gz: fields are not separated by a comma, as declared; the first line has a semicolon" in told


def test_another_encoding_says_what_was_expected(tmp_path: Path) -> None:
    told = refused(tmp_path, {"people.csv": "person,born,village\n1,1970-05-01,Žďár\n".encode("cp1250")})
    assert "people.csv: not utf-8 text" in told


def test_an_archive_cut_off_in_its_header_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, {"accounts.csv.gz": gzip.compress(ACCOUNTS.encode())[:14]})
    assert "accounts.csv.gz: the file ends early: it is truncated" in told


def test_a_file_of_zero_bytes_is_refused(tmp_path: Path) -> None:
    assert "people.csv: the file is empty: 0 bytes" in refused(tmp_path, {"people.csv": b""})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "people.csv: the file people.csv is missing" in refused(tmp_path, {"people.csv": None})


def test_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    source = load_source(write_project(tmp_path / "project"), "village")
    with pytest.raises(InputError, match="the source directory does not exist"):
        find_deliveries(tmp_path / "nowhere", source)


def test_a_file_that_keeps_changing_while_it_is_copied_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallystick.tables.landing import raw_folder

    states = iter(range(1000))
    monkeypatch.setattr(raw_folder, "_state", lambda path: (path.stat().st_size, next(states), 0))
    assert "the file changes while it is copied" in refused(tmp_path, {})


def test_folders_named_by_date_are_deliveries_and_nothing_lies_beside_them(tmp_path: Path) -> None:
    source = load_source(write_project(tmp_path / "project"), "village")
    for day in ("2024-02-01", "2024-01-31"):
        write_delivery(tmp_path / "supplier" / day)
    found = find_deliveries(tmp_path / "supplier", source)
    assert [delivery.name for delivery in found] == ["2024-01-31", "2024-02-01"]
    assert found[0].names == ("accounts.csv.gz", "bookings_1.csv.gz", "people.csv")
    write_delivery(tmp_path / "supplier")
    with pytest.raises(InputError, match="files lie beside folders named by date"):
        find_deliveries(tmp_path / "supplier", source)


def test_a_folder_that_is_no_date_and_an_empty_directory_are_named(tmp_path: Path) -> None:
    yaml = SOURCE_YAML.replace("load_date: 2024-01-31\n", "")
    source = load_source(write_project(tmp_path / "project", files={"source.yaml": yaml}), "village")
    supplier = tmp_path / "supplier"
    supplier.mkdir()
    with pytest.raises(InputError, match="supplier: the source directory is empty"):
        find_deliveries(supplier, source)
    (supplier / "20240131").mkdir()
    with pytest.raises(InputError, match="the delivery has no load date; no folder is named by date: 20240131"):
        find_deliveries(supplier, source)
    for good in (False, True):
        if good:
            write_delivery(supplier / "2024-01-31")
        (supplier / "2024-13-01").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=r"2024-13-01: the folder's name is no date .name it"):
            find_deliveries(supplier, source)


def village(tmp_path: Path, **patterns: str) -> Any:
    """The village bank whose people come in files of another name or pattern."""
    yaml = SOURCE_YAML.replace("file: people.csv", f'file: "{patterns["people"]}", format: csv')
    return load_source(write_project(tmp_path / "project", files={"source.yaml": yaml}), "village")


def test_a_pattern_takes_no_file_of_landings_own_and_none_that_is_hidden(tmp_path: Path) -> None:
    home = tmp_path / "landed"
    home.mkdir()
    for name in ("_manifest.json", "_published.json", "_SUCCESS", "._a.json", ".DS_Store", "_b.json", "a.json"):
        (home / name).write_text("x\n")
    for number, (pattern, found) in enumerate(
        (("*", ["a.json"]), ("*.json", ["a.json"]), ("_*.json", ["_b.json"]), ("[_a]*", ["a.json"]))
    ):
        source = village(tmp_path / str(number), people=pattern)
        assert _matches(home, source.files["people"]) == found, pattern


def test_a_link_is_followed_only_inside_its_delivery(tmp_path: Path) -> None:
    source = village(tmp_path, people="people*.csv")
    secret = tmp_path / "secret.csv"
    secret.write_text("person,born,village\n1,1970-05-01,north\n")
    home = write_delivery(tmp_path / "supplier" / "2024-01-31")
    (home / "people_2.csv").symlink_to("people.csv")
    assert match_files(home, source)["people"] == ("people.csv", "people_2.csv")
    (home / "people_3.csv").symlink_to(secret)
    with pytest.raises(InputError, match=r"people_3\.csv: a link leads out of the delivery's folder"):
        match_files(home, source)
    (home / "people_3.csv").unlink()
    elsewhere = write_delivery(tmp_path / "elsewhere")
    (tmp_path / "supplier" / "2024-02-01").symlink_to(elsewhere)
    with pytest.raises(InputError, match="2024-02-01: a link leads out"):
        find_deliveries(tmp_path / "supplier", source)
    # The folder that the operator names may be a link: that is his choice.
    (tmp_path / "named").symlink_to(elsewhere)
    assert find_deliveries(tmp_path / "named", source)[0].files["people"] == ("people.csv",)


def test_a_fault_names_the_file_where_the_supplier_put_it(tmp_path: Path) -> None:
    told = refused(tmp_path, {"people.csv": "person,born\n1,1970-05-01\n"})
    assert told.startswith(f"{tmp_path / 'supplier' / 'people.csv'}, column village")
