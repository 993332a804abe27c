"""One bank delivered in other formats gives the same tables, and its parked rows are read again from their raw text."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from tests.lib.deliveries import (
    ACCOUNTS,
    BOOKINGS,
    PEOPLE,
    SOURCE_YAML,
    TRANSACTIONS_SQL,
    load_delivery,
    rejects_of,
    rows_of,
    write_delivery,
    write_project,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

YAML = (
    SOURCE_YAML.replace("file: people.csv", "file: people.json, format: json")
    .replace("file: accounts.csv.gz", "file: accounts.zip, format: fixed, places: [1-2, 4, 6-15]")
    .replace(
        'file: "bookings*.csv.gz", columns: [booking, account, booked, amount, kind, note]',
        'file: "bookings*.parquet", columns: {booking: int64, account: string, booked: timestamp_ntz,'
        ' amount: "decimal(18, 2)", kind: string, note: string}',
    )
)
SQL = TRANSACTIONS_SQL.replace("CAST(b.amount AS DECIMAL(18, 2))", "b.amount")
UNKNOWN = "5,A3,2024-01-04 08:00:00,9.99,CARD,\n6,A1,2024-01-05,1,ODD,\n"


def parse(text: str) -> pa.Table:
    """A file of the bank as a table of texts."""
    texts = arrow_csv.ConvertOptions(column_types=dict.fromkeys(text.split("\n", 1)[0].split(","), pa.string()))
    return arrow_csv.read_csv(io.BytesIO(text.encode()), convert_options=texts)


def write_formats(directory: Path, files: dict[str, str]) -> Path:
    """The same delivery as Parquet in folders, a JSON array, and fixed width lines in a zip archive."""
    directory.mkdir(parents=True)
    (directory / "people.json").write_text(json.dumps(parse(files["people.csv"]).to_pylist(), indent=1))
    if "accounts.csv.gz" in files:
        lines = [" ".join(row.values()) for row in parse(files["accounts.csv.gz"]).to_pylist()]
        with zipfile.ZipFile(directory / "accounts.zip", "w") as archive:
            archive.writestr("out/accounts.txt", "\n".join(lines))
    table = parse(files["bookings_1.csv.gz"])
    columns: dict[str, Any] = {name: table.column(name) for name in table.column_names}
    columns |= {"booking": columns["booking"].cast(pa.int64()), "amount": columns["amount"].cast(pa.decimal128(10, 2))}
    columns["booked"] = columns["booked"].cast(pa.timestamp("ms"))
    pq.write_to_dataset(pa.table(columns), directory / "bookings.parquet", partition_cols=["account"])
    return directory


def test_other_formats_give_the_same_tables_and_parked_rows_enter_later(spark: SparkSession, tmp_path: Path) -> None:
    first = {"people.csv": PEOPLE, "accounts.csv.gz": ACCOUNTS, "bookings_1.csv.gz": BOOKINGS + UNKNOWN}
    later = {
        "people.csv": PEOPLE,
        "accounts.csv.gz": "account,person,opened\nA3,2,2022-01-01\n",
        "bookings_1.csv.gz": BOOKINGS.splitlines()[0] + "\n7,A3,2024-02-01,5,CASH,\n",
    }
    tables = ("customers", "accounts", "transactions")
    found = {}
    for name in ("text", "formats"):
        files = {"source.yaml": YAML, "transactions.sql": SQL} if name == "formats" else None
        project, warehouse = write_project(tmp_path / name, files=files), tmp_path / name / "warehouse"
        for day, delivery in ((date(2024, 1, 31), first), (date(2024, 2, 1), later)):
            write: Any = write_formats if name == "formats" else write_delivery
            supplier = write(tmp_path / name / f"supplier {day}", delivery)
            load_delivery(spark, project, warehouse, supplier, load_date=day)
        found[name] = {table: rows_of(warehouse, f"clean.{table}") for table in tables}
        told = [(reason, column) for reason, column, *_ in rejects_of(warehouse, "transactions")]
        assert sorted(told) == [
            ("entered_later", None),
            ("not_in_values", "channel"),
            ("parent_unknown", "account_id"),
        ]
    assert found["formats"] == found["text"]
    places = {(file, line) for _, _, file, line in rejects_of(tmp_path / "formats" / "warehouse", "transactions")}
    assert {file.rpartition("/")[0] for file, _ in places} == {
        "2024-01-31/bookings.parquet/account=A1", "2024-01-31/bookings.parquet/account=A3",
    }  # fmt: skip


def test_typed_values_follow_the_rules_of_texts(spark: SparkSession, tmp_path: Path) -> None:
    yaml = SOURCE_YAML.replace("reject_rate: 0.9", "reject_rate: 0.99").replace(
        'file: "bookings*.csv.gz", columns: [booking, account, booked, amount, kind, note]',
        'file: "bookings*.parquet", columns: {booking: int64, account: string, booked: timestamp, amount: double,'
        " kind: string, note: string, gone: boolean}",
    )
    sql = TRANSACTIONS_SQL.replace("${currency} AS currency", "${currency} AS currency, gone AS is_retracted")
    project, warehouse = tmp_path / "project", tmp_path / "warehouse"
    write_project(project, files={"source.yaml": yaml, "transactions.sql": sql})
    supplier = write_delivery(tmp_path / "supplier", {"bookings_1.csv.gz": None})
    at, far = datetime(2024, 1, 2, 23, 30, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    amounts = {0.1: None, -50.25: None, 12.345: "not_a_whole_number", 1e20: "not_a_whole_number", None: "missing"}
    amounts |= {float("nan"): "not_a_number", float("inf"): "not_a_number", 1.0: "not_a_time"}
    columns: dict[str, Any] = {
        "booking": range(len(amounts)),
        "account": ["A1"] * len(amounts),
        "amount": list(amounts),
    }
    columns |= {"booked": pa.array([*[at] * (len(amounts) - 1), far], pa.timestamp("us", "Asia/Tokyo"))}
    columns |= {
        "kind": ["CASH"] * len(amounts),
        "note": pa.nulls(len(amounts)),
        "gone": [n == 1 for n in range(len(amounts))],
    }
    pq.write_table(pa.table(columns), supplier / "bookings.parquet")
    load_delivery(spark, project, warehouse, supplier)
    found = rows_of(warehouse, "clean.transactions")
    names = ("transaction_id", "event_at", "amount_minor", "direction", "is_retracted")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("0", at, 10, "in", False), ("1", at, 5025, "out", True),
    ]  # fmt: skip
    told = [(reason, line) for reason, _, _, line in rejects_of(warehouse, "transactions")]
    assert told == [(reason, line) for line, reason in enumerate(amounts.values(), start=1) if reason]
