"""Identifiers are pseudonyms before anything is stored outside raw/, and stay the same ones from load to load."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xxhash

from tallystick.errors import LoadRefused, SetupError
from tallystick.runs import ingest_source
from tallystick.runs.params import IngestSource
from tests.lib.deliveries import SOURCE_YAML, rows_of, write_delivery, write_project
from tests.lib.pseudonyms import DELIVERY, KEY, OTHER_KEY, RAW, YAML, places_of, pseudonym

FIRST = date(2024, 1, 31)


class Village:
    """The village bank, its warehouse and the environment that it is loaded in."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, *, yaml: str = YAML) -> None:
        self.root, self.environment = root, monkeypatch
        self.warehouse = root / "warehouse"
        self.declare(yaml)
        self.use(KEY)

    def declare(self, yaml: str) -> None:
        write_project(self.root / "project", files={"source.yaml": yaml})

    def use(self, key: str) -> None:
        self.environment.setenv("TALLYSTICK_PSEUDONYM_KEY", key)

    def load(self, day: date = FIRST, files: dict[str, Any] | None = None) -> None:
        folder = self.root / "supplier" / day.isoformat()
        write_delivery(folder, DELIVERY if files is None else files)
        self._run(directory=folder, load_date=day)

    def replay(self, day: date) -> None:
        self._run(replay_from=day)

    def _run(self, **asked: Any) -> None:
        params = IngestSource(
            project=self.root / "project", warehouse=self.warehouse, run_id=f"{asked}", source="village", **asked
        )
        ingest_source.run(params, None)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return rows_of(self.warehouse, table)

    def keys(self) -> dict[date, set[str | None]]:
        found: dict[date, set[str | None]] = {}
        for row in self.rows("monitor.loads"):
            found.setdefault(row["loaded_on"], set()).add(row["pseudonym_key"])
        return found


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Village:
    return Village(tmp_path, monkeypatch)


def test_the_tables_hold_pseudonyms_that_join_as_the_identifiers_did(village: Village) -> None:
    village.load()
    humans = {pseudonym(text, "human"): text for text in ("HUMAN-7001", "HUMAN-7002")}
    accounts = {pseudonym(text, "account"): text for text in ("ACCT-9001", "ACCT-9002")}
    customers = village.rows("clean.customers")
    assert {row["customer_id"].removeprefix("village:") for row in customers} == set(humans)
    assert all(
        row["bucket"] == _signed(xxhash.xxh64_intdigest(row["customer_id"].encode(), seed=42)) % 2 for row in customers
    )
    assert {row["region_id"] for row in customers} == {"north", "south"}
    held = {accounts[row["account_id"]]: humans[row["customer_id"].partition(":")[2]]
            for row in village.rows("clean.accounts")}  # fmt: skip
    assert held == {"ACCT-9001": "HUMAN-7001", "ACCT-9002": "HUMAN-7002"}
    moved = [(row["transaction_id"], accounts[row["account_id"]], humans[row["customer_id"].partition(":")[2]])
             for row in village.rows("clean.transactions")]  # fmt: skip
    assert sorted(moved) == [
        ("1", "ACCT-9001", "HUMAN-7001"),
        ("2", "ACCT-9001", "HUMAN-7001"),
        ("3", "ACCT-9002", "HUMAN-7002"),
    ]


def test_no_identifier_is_written_outside_raw_not_even_for_a_moment(
    village: Village, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ingest_source.shutil, "rmtree", lambda *told, **asked: None)  # type: ignore[attr-defined]
    village.load()
    assert len(list((village.warehouse / "_scratch").rglob("*.arrow"))) > 3, "the scratch files are there to be read"
    assert places_of(RAW, village.warehouse) == []
    texts = [value for path in village.warehouse.rglob("*.parquet") for column in pq.read_table(path).itercolumns()
             for value in column.to_pylist() if isinstance(value, str)]  # fmt: skip
    assert len(texts) > 40
    assert not [text for text in texts if any(mark in text for mark in RAW) or KEY in text]
    told = capfd.readouterr()
    assert not any(mark in told.out + told.err for mark in (*RAW, KEY))
    assert len(places_of((KEY, KEY.upper()), village.root)) == 0


def test_a_rejected_row_keeps_file_and_line_and_a_parked_one_enters_later(village: Village) -> None:
    village.load()
    found = {row["line"]: (row["reason"], row["raw"]) for row in village.rows("clean.transactions_rejected")}
    assert found == {5: ("not_a_number", None), 6: ("parent_unknown", None)}
    later = {"people.csv": "person,born,village\n", "bookings_1.csv.gz": None}
    later["accounts.csv.gz"] = "account,person,opened\nACCT-9003,HUMAN-7002,2021-03-04\n"
    later["bookings_2.csv.gz"] = "booking,account,booked,amount,kind,note\n"
    village.load(date(2024, 2, 1), later)
    (entered,) = [row for row in village.rows("clean.transactions") if row["transaction_id"] == "5"]
    assert entered["customer_id"] == f"village:{pseudonym('HUMAN-7002', 'human')}"
    assert entered["loaded_on"] == date(2024, 2, 1)
    parked = [row["reason"] for row in village.rows("clean.transactions_rejected") if row["line"] == 6]
    assert sorted(parked) == ["entered_later", "parent_unknown"]
    ids = {row["rejected_id"] for row in village.rows("clean.transactions_rejected") if row["line"] == 6}
    assert len(ids) == 1


def test_a_load_with_another_key_is_refused_until_all_loads_have_it(village: Village) -> None:
    second, third = date(2024, 2, 1), date(2024, 2, 2)
    quiet = {**DELIVERY, "bookings_1.csv.gz": "booking,account,booked,amount,kind,note\n"}
    village.load()
    village.load(second, quiet)
    (before,) = village.keys()[FIRST]
    village.use(OTHER_KEY)
    for begin in (lambda: village.load(third, quiet), lambda: village.replay(second)):
        with pytest.raises(LoadRefused, match=f"hashed with key {before}, and this one would be with key") as told:
            begin()
        assert OTHER_KEY not in str(told.value)
    village.replay(FIRST)
    assert village.keys()[FIRST] == village.keys()[second]
    assert before not in village.keys()[FIRST]
    village.load(third, quiet)
    assert {row["customer_id"] for row in village.rows("clean.customers")} == {
        f"village:{pseudonym(text, 'human', key=OTHER_KEY)}" for text in ("HUMAN-7001", "HUMAN-7002")
    }


def test_a_source_cannot_begin_or_end_to_hash_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    village = Village(tmp_path, monkeypatch, yaml=SOURCE_YAML)
    village.load()
    village.declare(YAML)
    with pytest.raises(LoadRefused, match="earlier loads have identifiers as they were delivered"):
        village.load(date(2024, 2, 1))
    village.replay(FIRST)
    village.declare(SOURCE_YAML)
    with pytest.raises(LoadRefused, match="the source declares none now"):
        village.load(date(2024, 2, 2))


def test_without_a_key_nothing_is_loaded(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLYSTICK_PSEUDONYM_KEY")
    with pytest.raises(SetupError, match="village hashes identifiers, and TALLYSTICK_PSEUDONYM_KEY"):
        village.load()
    assert village.rows("clean.customers") == []


def test_a_table_may_keep_no_line_of_its_rejects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yaml = SOURCE_YAML.replace("reject_rate: 0.9}", "reject_rate: 0.9, keep_raw_lines: false}")
    village = Village(tmp_path, monkeypatch, yaml=yaml)
    village.load()
    rejects = village.rows("clean.transactions_rejected")
    assert [(row["line"], row["raw"]) for row in rejects] == [(5, None), (6, None)]
    assert places_of(("seven",), village.warehouse) == []
    assert [row["rejected_id"].rpartition(":")[2] for row in rejects] == ["0", "0"], "no hash of the line either"
    village.load(date(2024, 2, 1), {**DELIVERY, "accounts.csv.gz": "account,person,opened\nACCT-9003,1,2020-01-02\n",
                                    "bookings_1.csv.gz": "booking,account,booked,amount,kind,note\n"})  # fmt: skip
    assert "5" in [row["transaction_id"] for row in village.rows("clean.transactions")]
