"""Views that mappings look up or are driven by, of files without rows and of files that were not delivered."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tallystick.errors import LoadRefused
from tallystick.runs import ingest_source
from tallystick.runs.params import IngestSource
from tests.lib.deliveries import (
    ACCOUNTS_SQL,
    CUSTOMERS_SQL,
    SOURCE_YAML,
    counts_of,
    rejects_of,
    rows_of,
    write_delivery,
    write_project,
)

# Customers are driven by a view of the people; accounts look up their owners, and that view, where there are any.
VIEWS = """\
views:
  owners: {sql: "SELECT person, MIN(born) AS born, MIN(village) AS village FROM people GROUP BY person", key: [person]}
tables:"""
FILES = {
    "source.yaml": SOURCE_YAML.replace("tables:", VIEWS).replace(
        "columns: [person, born, village]}", "columns: [person, born, village], key: [person], optional: true}"
    ),
    "customers.sql": CUSTOMERS_SQL.replace("FROM people", "FROM owners"),
    "accounts.sql": ACCOUNTS_SQL.replace("CAST(NULL AS STRING) AS region_id", "COALESCE(p.village, o.village, 'none')"
                                         " AS region_id").replace("person)", "a.person)")
    + "a LEFT JOIN people p ON p.person = a.person LEFT JOIN owners o ON o.person = a.person",
}  # fmt: skip


@pytest.mark.parametrize("people", [None, "person,born,village\n", "person,born,village\n1,1970-05-01,north\n"])
def test_a_view_that_is_looked_up_may_have_no_rows(tmp_path: Path, people: str | None) -> None:
    project = write_project(tmp_path / "project", files=FILES)
    write_delivery(tmp_path / "supplier", {"people.csv": people})
    warehouse, is_there = tmp_path / "warehouse", bool(people and "north" in people)
    params = IngestSource(
        project=project, warehouse=warehouse, run_id="one", source="village", directory=tmp_path / "supplier"
    )
    ingest_source.run(params, None)
    villages = {row["account_id"]: row["region_id"] for row in rows_of(warehouse, "clean.accounts")}
    assert villages == {"A1": "north" if is_there else "none", "A2": "none"}
    assert counts_of(warehouse, "customers", date(2024, 1, 31)) == (is_there, is_there, 0, 0, 0)


def test_a_view_that_stops_on_a_row_is_refused_in_one_sentence_without_the_row(tmp_path: Path) -> None:
    too_large = "CAST(MIN(person) AS BIGINT) * 9223372036854775807 AS born"
    yaml = FILES["source.yaml"].replace("MIN(born) AS born", too_large)
    project = write_project(tmp_path / "project", files={**FILES, "source.yaml": yaml})
    write_delivery(tmp_path / "supplier", {"people.csv": "person,born,village\n77,1970-05-01,north\n"})
    params = IngestSource(
        project=project, warehouse=tmp_path / "w", run_id="one", source="village", directory=tmp_path / "supplier"
    )
    with pytest.raises(LoadRefused, match="stopped on a row or expression: ARITHMETIC_OVERFLOW") as told:
        ingest_source.run(params, None)
    assert "77" not in str(told.value)


def test_free_text_is_a_reject_and_a_long_word_is_not(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    word, sentence = "w" * 64, "Dear sir, " * 7
    bookings = (
        f'booking,account,booked,amount,kind,note\n1,A1,2024-01-02,1,CASH,{word}\n2,A1,2024-01-02,1,CASH,"{sentence}"\n'
    )
    write_delivery(tmp_path / "supplier", {"bookings_1.csv.gz": bookings})
    params = IngestSource(
        project=project, warehouse=tmp_path / "w", run_id="one", source="village", directory=tmp_path / "supplier"
    )
    ingest_source.run(params, None)
    assert [row["category"] for row in rows_of(tmp_path / "w", "clean.transactions")] == [word]
    assert rejects_of(tmp_path / "w", "transactions") == [("free_text", "category", "2024-01-31/bookings_1.csv.gz", 3)]
