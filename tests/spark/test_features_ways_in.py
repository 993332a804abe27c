"""One set of numbers by every way in: the daily snapshot, given observations, and one customer in plain Python.

Random rows stored in Delta by two loads, and the three ways compared exactly.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv
from pyarrow import parquet as pq

import tallystick
from tallystick.cli.explaining import explain_feature
from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.runs.params import ComputeFeatures, ComputeObserved
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, read_arrow, replace_arrow
from tallystick.tables.store.bucketing import bucket_of
from tests.lib import deliveries

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ZONE = ZoneInfo("Europe/Prague")
FIRST_LOAD, SECOND_LOAD = date(2024, 3, 25), date(2024, 4, 2)
# The days around the one on which the clock goes forward.
FROM, TO = date(2024, 3, 30), date(2024, 4, 3)
CUSTOMERS = [f"village:{number}" for number in range(7)]

GROUP = """\
from tallystick.spec.features import Change, FeatureGroup, Measure, Share, ZScore

SPEND = FeatureGroup(
    name="spend",
    table="clean.transactions",
    owner="tests",
    windows=("2d", "1m", "all"),
    filters={"cash": "channel = 'cash'", "night": "HOUR(event_at) < 6"},
    by={"channel": ("cash", "card")},
    measures=(
        Measure(name="any", value="amount_minor", ops="count sum mean std min max last last_2 quantile(0.5) slope",
                filters=("cash", "night"), unfiltered=True, previous=True, reason="Spending"),
        Measure(name="day", ops="active_days longest_streak days_since_first days_since_last mean_gap max_gap",
                reason="Days"),
        Measure(name="kind", value="channel", ops="distinct entropy top_share hhi", reason="Kinds"),
        Measure(name="by", value="amount_minor", ops="sum", by="channel", reason="Kinds"),
    ),
    derived=(
        Share(name="cash", a="any_cash_sum", b="any_sum"),
        Change(of="any_sum", windows=("2d",)),
        ZScore(of="any_count", windows=("2d",), k=3),
    ),
)
"""


def versions() -> list[dict[str, Any]]:
    """Transactions of the customers but the last two: ties, late, corrected, moved and retracted ones."""
    source = random.Random(20240331)
    made = []
    for number in range(200):
        local = datetime(2024, 3, 31, source.choice([0, 1, 3, 12, 23]), tzinfo=ZONE)
        at = (local - timedelta(days=source.choice([-2, -1, 0, 0, 1, 2, 3, 20, 31, 35, 40, 50, 60]))).astimezone(UTC)
        row = {
            "customer_id": source.choice(CUSTOMERS[:5]), "transaction_id": f"t{number:03}", "account_id": "a",
            "event_at": at, "known_on": at.astimezone(ZONE).date() + timedelta(days=source.choice([1, 1, 2, 9])),
            "channel": source.choice(["cash", "card", "strange", None]), "currency": "CZK", "direction": "out",
            "amount_minor": source.choice([0, 5, 5, source.randint(1, 10**9)]), "is_retracted": False,
        }  # fmt: skip
        made.append({**row, "loaded_on": FIRST_LOAD})
        if number % 4 == 0:
            later = {"known_on": max(row["known_on"] + timedelta(days=1), SECOND_LOAD), "loaded_on": SECOND_LOAD}
            changed = source.choice(
                [{"amount_minor": 77}, {"is_retracted": True}, {"event_at": at - timedelta(days=2)}]
            )
            made.append({**row, **later, **changed})
    return made


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project and a warehouse that holds the rows, in the buckets of their customers."""
    root, warehouse = tmp_path_factory.mktemp("ways_in"), tmp_path_factory.mktemp("ways_in_tables")
    deliveries.write_project(root)
    (root / "features" / "spend.py").write_text(GROUP, encoding="utf-8")
    contracts = load_project(root).contracts
    opened = datetime(2024, 3, 1, 9, tzinfo=UTC)
    # The last customer but one has an account and no transaction; the last one has nothing.
    accounts = [
        {
            "customer_id": who, "account_id": f"a{who}", "event_at": opened, "known_on": date(2024, 3, 2),
            "loaded_on": FIRST_LOAD, "is_retracted": False, "currency": "CZK",
        }
        for who in CUSTOMERS[:6]
    ]  # fmt: skip
    for name, rows in (("clean.transactions", versions()), ("clean.accounts", accounts)):
        for loaded_on in (FIRST_LOAD, SECOND_LOAD):
            store(warehouse, contracts[name], [row for row in rows if row["loaded_on"] == loaded_on], loaded_on)
    return root, warehouse


def store(warehouse: Path, contract: Any, rows: list[dict[str, Any]], loaded_on: date) -> None:
    if not rows:
        return
    buckets = bucket_of(pa.array([row["customer_id"] for row in rows]), 2).tolist()
    placed = [
        {**row, "source": "village", "bucket": bucket, "period": f"{row['event_at']:%Y-%m}"}
        for row, bucket in zip(rows, buckets, strict=True)
    ]
    where = Slice(
        f"{contract.name}/village/{loaded_on}", {"source": "village"}, "loaded_on", loaded_on,
        loaded_on + timedelta(days=1), buckets=2,
    )  # fmt: skip
    data = pa.Table.from_pylist(placed, schema=arrow_schema(contract.columns))
    replace_arrow(Warehouse(warehouse), contract, data, where=where, run=Run(f"{contract.name}{loaded_on}", "t", "0"))


def compute_given(spark: SparkSession, bank: tuple[Path, Path], observations: str, *, name: str) -> None:
    run_id = f"{name}-{len(list(bank[1].rglob('*.json')))}"
    common: dict[str, Any] = {"project": bank[0], "warehouse": bank[1], "run_id": run_id, "source": "village"}
    perform(ComputeObserved(**common, groups=("spend",), observations=observations, name=name), spark)


def stored(bank: tuple[Path, Path], name: str) -> pa.Table:
    rows = read_arrow(Warehouse(bank[1]), "feature.spend", filter=pc.field("observations") == name)
    features = [column for column in rows.column_names if column.startswith("spend_")]
    ordered = rows.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    return ordered.select(["customer_id", "as_of", *features])


@pytest.fixture(scope="module")
def daily(spark: SparkSession, bank: tuple[Path, Path]) -> pa.Table:
    common: dict[str, Any] = {"project": bank[0], "warehouse": bank[1], "source": "village"}
    perform(ComputeFeatures(**common, groups=("spend",), first=FROM, last=TO), spark)
    return stored(bank, "daily")


def by_vector(bank: tuple[Path, Path], rows: pa.Table, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The same customers and instants by ``compute_vector``, with the group's name alone, in the project's folder."""
    monkeypatch.chdir(bank[0])
    events = read_arrow(Warehouse(bank[1]), "clean.transactions")
    made = []
    for asked in rows.select(["customer_id", "as_of"]).to_pylist():
        own = events.filter(pc.equal(events["customer_id"], asked["customer_id"])).to_pylist()
        vector = tallystick.compute_vector(own, asked["as_of"], "spend", customer_id=asked["customer_id"])
        made.append({**asked, **vector})
    return made


def test_snapshot_given_observations_and_vectors_are_equal(
    spark: SparkSession,
    bank: tuple[Path, Path],
    daily: pa.Table,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert daily.num_rows == 6 * ((TO - FROM).days + 1)
    asked = daily.select(["customer_id", "as_of"])
    twice = pa.concat_tables([asked.slice(9), asked.slice(0, 9), asked.slice(3, 5)])
    path = tmp_path / "training.parquet"
    pq.write_table(twice, path)
    compute_given(spark, bank, str(path), name="again")
    again = stored(bank, "again")
    assert again.equals(daily)
    assert by_vector(bank, daily, monkeypatch) == daily.to_pylist()
    # The bank is one on which the ways could differ.
    assert pc.sum(daily["spend_any_count_all"]).as_py() > 100
    assert {name for name in daily.column_names if daily[name].null_count == daily.num_rows} == set()


def test_any_instant_can_be_given_also_of_a_customer_without_rows(
    spark: SparkSession, bank: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "instants.csv"
    instants = [
        datetime(2024, 3, 31, 4, 30, 0, 1, UTC),
        datetime(2024, 4, 2, 9, tzinfo=UTC),
        datetime(2019, 1, 1, tzinfo=UTC),
    ]
    pairs = [(who, at) for who in CUSTOMERS for at in instants]
    given = pa.table(
        [[who for who, _ in pairs], [at.isoformat(timespec="microseconds") for _, at in pairs]],
        ["customer_id", "as_of"],
    )
    csv.write_csv(given, path)
    compute_given(spark, bank, str(path), name="instants")
    found = stored(bank, "instants")
    assert found.num_rows == len(pairs)
    assert by_vector(bank, found, monkeypatch) == found.to_pylist()
    nobody = found.filter(pc.equal(found["customer_id"], CUSTOMERS[-1])).to_pylist()
    assert {(row["spend_any_sum_all"], row["spend_any_mean_all"]) for row in nobody} == {(0, None)}
    before = [row for row in found.to_pylist() if row["as_of"].year == 2019]
    assert {row["spend_any_count_all"] for row in before} == {0}


def test_a_table_can_be_given_and_dates_mean_local_midnights(
    spark: SparkSession, bank: tuple[Path, Path], daily: pa.Table, tmp_path: Path
) -> None:
    path = tmp_path / "dates.csv"
    days = [FROM + timedelta(days=number) for number in range((TO - FROM).days + 1)]
    path.write_text("customer_id,as_of\n" + "".join(f"{who},{day}\n" for who in CUSTOMERS[:6] for day in days))
    compute_given(spark, bank, str(path), name="dates")
    assert stored(bank, "dates").equals(daily)
    compute_given(spark, bank, "feature.spend", name="copy")
    assert set(stored(bank, "copy").to_pylist()[0]) == set(daily.column_names)
    assert not list((bank[1] / "_given").iterdir())


def test_a_set_that_a_run_fills_cannot_be_replaced(spark: SparkSession, bank: tuple[Path, Path]) -> None:
    with pytest.raises(DeclarationError, match="observations daily are drawn from.*take another name"):
        compute_given(spark, bank, "x.csv", name="daily")


def test_the_sql_of_a_passport_answers_the_same_over_the_stored_tables(
    bank: tuple[Path, Path], daily: pa.Table
) -> None:
    row = daily.filter(pc.equal(daily["customer_id"], CUSTOMERS[2])).to_pylist()[2]
    day = f"{row['as_of'].astimezone(ZONE).date()}"
    for name in [column for column in daily.column_names if column.startswith("spend_")][::37]:
        told = explain_feature(name, bank[0], as_of=day, source="village", customer=row["customer_id"])
        assert "$" not in str(told["SQL"])
        answer = tallystick.query(Warehouse(bank[1]), str(told["SQL"])).to_pylist()
        assert answer == [{name: pytest.approx(row[name], rel=1e-9)}]
