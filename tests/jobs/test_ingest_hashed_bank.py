"""The simulated bank with hashed identifiers is the same bank under other names, in every row of every table."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tallystick.project.sources import check_source
from tallystick.runs import ingest_source
from tallystick.runs.params import IngestSource
from tallystick.simulation import simulate
from tests.lib.deliveries import CHECKOUT, rows_of, write_project
from tests.lib.pseudonyms import KEY, pseudonym

# The kinds of things that the bank's files name, by the columns that name them. An employer is known by the account
# that it pays salaries from, so both are of one namespace.
KINDS = {
    "person": "CUST_NO OWNER_NO HOLDER_NO CONTACT_NO cust cust_a cust_b from_id to_id",
    "account": "ACCT_NO OPP_ACCT EMP_NO",
    "device": "dev_no",
    "phone": "TEL_NO",
    "mail": "MAIL_NO",
    "address": "ADDR_NO",
    "household": "HH_NO",
    "as_delivered": "AREA_CD APPLY_NO LOAN_NO grp_no",
}
SPACES = {column: space for space, columns in KINDS.items() for column in columns.split()}


def declared() -> str:
    """The bank's source.yaml with identifiers; the first letter of a person says whether he banks here."""
    content = yaml.safe_load((CHECKOUT / "sources" / "simbank" / "source.yaml").read_text(encoding="utf-8"))
    for file in content["files"].values():
        found = {column: SPACES[column] for column in file["columns"] if column in SPACES}
        file.update({"identifiers": found} if found else {})
    content["pseudonyms"] = {"keep_first": {"person": 1}}
    return yaml.safe_dump(content, sort_keys=False)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The warehouses of the bank as it was delivered and of the one with pseudonyms."""
    root = tmp_path_factory.mktemp("hashed")
    simulate(root / "bank", customers=60, seed=3, until=date(2025, 6, 20), months=2)
    folder = CHECKOUT / "sources" / "simbank"
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    hashed = write_project(root / "project", name="simbank", files={**files, "source.yaml": declared()})
    for name in ("customers", "accounts", "transactions"):
        if f"{name}.sql" not in files:
            (hashed / "sources" / "simbank" / f"{name}.sql").unlink()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TALLYSTICK_PSEUDONYM_KEY", KEY)
        for project, warehouse in ((CHECKOUT, root / "plain"), (hashed, root / "names")):
            params = IngestSource(
                project=project, warehouse=warehouse, run_id="one", source="simbank", directory=root / "bank"
            )
            ingest_source.run(params, None)
    return root / "plain", root / "names"


def test_the_declaration_lacks_nothing(both: tuple[Path, Path]) -> None:
    from tallystick.project import load_project

    root = both[0].parent / "project"
    assert check_source(root, "simbank", contracts=load_project(root).contracts) == []


# Which namespace a clean column's identifiers are of.
COLUMNS = {
    "customer_id": "person", "holder_id": "person", "other_customer_id": "person", "counterpart_id": "person",
    "contact_id": "person", "account_id": "account", "counterparty_id": "account", "employer_id": "account",
    "device_id": "device", "phone_id": "phone", "email_id": "mail", "address_id": "address",
    "household_id": "household",
}  # fmt: skip


def renamed(row: dict[str, Any]) -> dict[str, Any]:
    """A row under the pseudonyms of what it names, after their definition; without the bucket, which follows them."""
    made = {name: value for name, value in row.items() if name != "bucket"}
    for name, space in COLUMNS.items():
        if made.get(name) is not None:
            before, _, number = made[name].rpartition(":")
            kept = number[:1] if space == "person" else ""
            made[name] = f"{before}{':' if before else ''}{kept}{pseudonym(number, space, source='simbank')}"
    return made


def test_every_row_of_every_table_is_the_one_under_its_other_name(both: tuple[Path, Path]) -> None:
    plain, names = both
    tables = sorted(path.name for path in (plain / "clean").iterdir() if not path.name.endswith("_rejected"))
    assert len(tables) > 20
    told = 0
    for table in tables:
        ours = [renamed(row) for row in rows_of(plain, f"clean.{table}")]
        theirs = [{k: v for k, v in row.items() if k != "bucket"} for row in rows_of(names, f"clean.{table}")]
        assert sorted(ours, key=repr) == sorted(theirs, key=repr), table
        told += len(ours)
    assert told > 2_000


def test_rejects_are_those_of_the_same_lines_without_their_text(both: tuple[Path, Path]) -> None:
    plain, names = both
    kept = ("file", "line", "reason", "column_name", "loaded_on", "table_name")
    for path in (plain / "clean").glob("*_rejected"):
        ours, theirs = rows_of(plain, f"clean.{path.name}"), rows_of(names, f"clean.{path.name}")
        assert sorted(repr([row[name] for name in kept]) for row in ours) == sorted(
            repr([row[name] for name in kept]) for row in theirs
        )
        assert {row["raw"] for row in theirs} <= {None}


def test_no_number_of_a_customer_or_account_is_in_any_table(both: tuple[Path, Path]) -> None:
    _, names = both
    number = re.compile(r"[CP][0-9]{5,}|621[0-9]{10,}")
    for path in (names / "clean").iterdir():
        for row in rows_of(names, f"clean.{path.name}"):
            assert not [key for key, value in row.items() if isinstance(value, str) and number.fullmatch(value)], path
