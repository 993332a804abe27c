"""JSON records through the real job: a renamed key stops the load, undeclared ones obey the source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tallystick.errors import InputError
from tallystick.tables import Warehouse
from tests.lib.deliveries import (
    ACCOUNTS_SQL,
    SOURCE_YAML,
    TRANSACTIONS_SQL,
    counts_of,
    load_delivery,
    rows_of,
    write_delivery,
    write_project,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

YAML = SOURCE_YAML.replace('{file: "bookings*.csv.gz",', '{file: "bookings*.jsonl", format: jsonl,')
RECORDS: tuple[Mapping[str, Any], ...] = (
    {"booking": "1", "account": "A1", "booked": "2024-01-02", "amount": 100, "kind": "CASH"},
    {"booking": "2", "account": "A1", "booked": "2024-01-03", "amount": -5, "kind": "CARD", "note": None},
)
LOADED = date(2024, 1, 31)


def load(
    spark: SparkSession,
    root: Path,
    files: Mapping[str, Sequence[Mapping[str, Any]] | str],
    yaml: str,
    sql: str = TRANSACTIONS_SQL,
    *,
    accounts: str = ACCOUNTS_SQL,
) -> Path:
    """Load the village bank whose bookings are JSON records; returns the warehouse."""
    texts = {
        name: content if isinstance(content, str) else "".join(json.dumps(record) + "\n" for record in content)
        for name, content in files.items()
    }
    declared = {"source.yaml": yaml, "accounts.sql": accounts, "transactions.sql": sql}
    project = write_project(root / "project", files=declared)
    supplier = write_delivery(root / "supplier", {"bookings_1.csv.gz": None, **texts})
    load_delivery(spark, project, root / "warehouse", supplier)
    return root / "warehouse"


def notes_of(warehouse: Path) -> set[str | None]:
    return {row["notes"] for row in rows_of(warehouse, "monitor.loads")}


def renamed(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{{"kind": "Kinds"}.get(key, key): value for key, value in record.items()} for record in records]


def test_a_key_that_no_record_has_stops_the_load_and_names_the_nearest_one(spark: SparkSession, tmp_path: Path) -> None:
    files = {"bookings_1.jsonl": RECORDS, "bookings_2.jsonl": renamed(RECORDS)}
    with pytest.raises(InputError) as caught:
        load(spark, tmp_path, files, YAML)
    assert str(caught.value) == (
        f"{tmp_path}/supplier/bookings_2.jsonl, column kind: no record has the key kind; the file has Kinds, which is"
        " not declared (was it renamed? correct columns in source.yaml; if it is left out when empty, declare sparse:"
        " [kind])"
    )
    assert Warehouse(tmp_path / "warehouse").tables() == []


def test_a_key_declared_sparse_may_be_absent_from_a_whole_file(spark: SparkSession, tmp_path: Path) -> None:
    files = {"bookings_1.jsonl": RECORDS[:1]}
    with pytest.raises(InputError, match="no record has the key note .*left out when empty, declare sparse"):
        load(spark, tmp_path / "strict", files, YAML)
    yaml = YAML.replace("format: jsonl,", "format: jsonl, sparse: [note],")
    warehouse = load(spark, tmp_path / "sparse", files, yaml)
    assert counts_of(warehouse, "transactions", LOADED) == (1, 1, 0, 0, 0)


def test_undeclared_keys_are_noted_refused_or_ignored_as_declared(spark: SparkSession, tmp_path: Path) -> None:
    files = {"bookings_1.jsonl": [*RECORDS, {**RECORDS[0], "booking": "3", "shop": "x", "branch": 1}]}
    # Bookings are read twice: at once, and when the accounts that they look up are known.
    opening = (
        ACCOUNTS_SQL.replace("person", "account").replace("opened", "booked").replace("FROM accounts", "FROM bookings")
    )
    twice = f"{ACCOUNTS_SQL} UNION ALL {opening} WHERE kind = 'OPENING'"
    warehouse = load(spark, tmp_path / "note", files, YAML, accounts=twice)
    assert counts_of(warehouse, "transactions", LOADED) == (3, 3, 0, 0, 0)
    assert notes_of(warehouse) == {"bookings_1.jsonl has columns that are not declared: branch, shop"}
    refuse = YAML.replace("reading: {", "reading: {extra_columns: refuse, ")
    with pytest.raises(InputError, match=r"bookings_1\.jsonl, column branch: a column that is not declared"):
        load(spark, tmp_path / "refuse", files, refuse)
    ignore = YAML.replace("reading: {", "reading: {extra_columns: ignore, ")
    assert notes_of(load(spark, tmp_path / "ignore", files, ignore)) == {None}


def test_a_file_of_one_empty_line_is_a_day_without_rows(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"bookings_1.jsonl": "\n", "bookings_2.jsonl": "no object\n" + json.dumps(RECORDS[1])}
    warehouse = load(spark, tmp_path, files, YAML)
    assert counts_of(warehouse, "transactions", LOADED) == (2, 1, 1, 0, 0)
    told = [line.strip() for line in capsys.readouterr().err.splitlines()]
    # A slow machine says before how far it is.
    begun = told.index("reading 4 files of 2024-01-31")
    # Bookings look up accounts, so their files are read when those are settled.
    assert [line for line in told[begun:] if line.endswith((" rows", "is mapped"))] == [
        "people.csv: 2 rows",
        "accounts.csv.gz: 2 rows",
        "customers is mapped",
        "accounts is mapped",
        "bookings_1.jsonl: 0 rows",
        "bookings_2.jsonl: 2 rows",
        "transactions is mapped",
    ]


def test_names_with_other_letters_stand_as_they_are_and_names_with_blanks_in_backticks(
    spark: SparkSession, tmp_path: Path
) -> None:
    names = {"kind": "druh", "note": "poznámka k platbě", "amount": "částka"}
    yaml, sql = YAML.replace("kind, note]", "druh, poznámka k platbě]").replace("amount,", "částka,"), TRANSACTIONS_SQL
    for old, new in {"b.kind": "b.druh", "b.note": "b.`poznámka k platbě`", "b.amount": "b.částka"}.items():
        sql = sql.replace(old, new)
    records = [{names.get(key, key): value for key, value in record.items()} for record in RECORDS]
    warehouse = load(spark, tmp_path, {"bookings_1.jsonl": records}, yaml, sql)
    assert counts_of(warehouse, "transactions", LOADED) == (2, 2, 0, 0, 0)
