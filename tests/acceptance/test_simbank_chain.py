"""The simulated bank through the chain: what a supplier's flaws become, and labels that the raw files confirm."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.compute as pc
import pytest

from benchmarks import job_loss
from tallystick.pipeline import Place, list_steps, run_steps
from tallystick.project import load_project
from tallystick.simulation import simulate
from tallystick.tables import Warehouse, query

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST_LOAD = date(2026, 4, 1)
DAILY = 2


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen months of 600 customers, and two daily deliveries after them."""
    out = tmp_path_factory.mktemp("simbank") / "bank"
    simulate(out, customers=600, months=15, daily=DAILY)
    return out


@pytest.fixture(scope="module")
def bank(spark: SparkSession, files: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """From files to labels and the audit of the training set."""
    home = tmp_path_factory.mktemp("simbank")
    recipe = load_project(project_root).recipes["cash_loan"]
    wanted = ("ingest_source", "validate_tables", "compute_features", "build_labels", "audit_leakage")
    chain = list_steps(recipe, {"simbank": files}, place=Place(project=project_root, warehouse=home))
    steps = [step for step in chain if step.job in wanted]
    run_steps(steps, session=lambda: spark, run_id="acceptance")
    return Warehouse(home)


def raw(files: Path, name: str, *, delimiter: str = ",", encoding: str = "gb18030") -> pd.DataFrame:
    """A file of all deliveries; ``folder`` is the delivery."""
    parts = [
        pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, encoding=encoding).assign(
            folder=path.parent.name
        )
        for path in sorted(files.glob(f"2*/{name}.csv.gz"))
    ]
    return pd.concat(parts, ignore_index=True)


def test_every_row_read_is_accepted_rejected_duplicate_or_excluded(bank: Warehouse) -> None:
    loads = query(bank, "SELECT * FROM monitor.loads").to_pandas()
    outcomes = loads[["rows_accepted", "rows_rejected", "rows_duplicate", "rows_excluded"]].sum(axis=1)
    assert (loads["rows_read"] == outcomes).all()
    assert loads["loaded_on"].nunique() == 1 + DAILY
    assert loads.groupby("loaded_on")["table_name"].nunique().eq(26).all()
    assert loads[loads["table_name"].str.endswith("transactions")]["rows_duplicate"].sum() == DAILY


def test_broken_lines_are_rejected_with_their_reasons(bank: Warehouse) -> None:
    told = query(bank, "SELECT reason, count(*) AS n FROM clean.transactions_rejected GROUP BY ALL").to_pylist()
    reasons = {row["reason"]: row["n"] for row in told}
    assert {"not_a_time", "not_a_number", "parent_unknown"} <= set(reasons), reasons


def test_late_rows_are_known_on_the_day_they_came(bank: Warehouse, files: Path) -> None:
    rows = raw(files, "tran", delimiter="|", encoding="utf-8")
    day = pd.to_datetime(rows["TRAN_TM"].str[:8], format="%Y%m%d", errors="coerce")
    is_broken = rows["TRAN_NO"].str[-5:].str.startswith("990")
    first = rows.assign(day=day)[~is_broken].drop_duplicates("TRAN_NO")
    is_daily = first["folder"] > FIRST_LOAD.isoformat()
    late = first[is_daily & (pd.to_datetime(first["folder"]) > first["day"] + timedelta(days=1))]
    assert len(late) >= 1, "the simulation delivers some rows late"
    known = query(
        bank, "SELECT transaction_id, min(known_on) AS known_on FROM clean.transactions GROUP BY 1"
    ).to_pandas()
    found = late.merge(known, left_on="TRAN_NO", right_on="transaction_id")
    assert len(found) == len(late)
    assert (pd.to_datetime(found["known_on"]) == pd.to_datetime(found["folder"])).all()


def test_a_correction_is_a_second_version_and_a_retraction_ends_a_row(bank: Warehouse) -> None:
    versions = query(
        bank,
        "SELECT transaction_id, count(DISTINCT category) AS n, count(DISTINCT amount_minor) AS amounts, "
        "max(known_on) AS known_on FROM clean.transactions GROUP BY 1 HAVING count(*) > 1 ORDER BY 1",
    ).to_pylist()
    assert len(versions) == DAILY
    assert all(row["n"] == 2 and row["amounts"] == 1 and row["known_on"] > FIRST_LOAD for row in versions)
    gone = query(bank, "SELECT count(*) AS n FROM clean.social_events WHERE is_retracted").to_pylist()
    assert gone[0]["n"] >= DAILY, "each message that was taken back is a row of one side or two"


def test_money_of_every_account_is_what_the_files_say(bank: Warehouse, files: Path) -> None:
    rows = raw(files, "tran", delimiter="|", encoding="utf-8").drop_duplicates("TRAN_NO")
    rows = rows[~rows["TRAN_NO"].str[-5:].str.startswith("990")]
    fen = (rows["AMT"].astype(float) * 100).round().astype("int64")
    expected = fen.where(rows["DC_FLG"] == "C", -fen).groupby(rows["ACCT_NO"]).sum()
    found = query(
        bank,
        "SELECT account_id, sum(CASE direction WHEN 'in' THEN amount_minor ELSE -amount_minor END)::BIGINT AS net "
        "FROM (SELECT DISTINCT transaction_id, account_id, direction, amount_minor FROM clean.transactions) "
        "GROUP BY account_id",
    ).to_pandas()
    assert found.set_index("account_id")["net"].to_dict() == expected.to_dict()


def test_labels_are_what_the_payments_in_the_files_say(bank: Warehouse, files: Path) -> None:
    """Bad: on some day within 90 days of the first due date an instalment due 30 days before was not fully paid."""
    loans = raw(files, "loan").drop_duplicates("LOAN_NO").set_index("LOAN_NO")
    paid = raw(files, "repay").drop_duplicates("REPAY_NO")
    paid = paid[pd.to_numeric(paid["AMT"], errors="coerce").notna()]
    cutoff = pd.Timestamp(FIRST_LOAD + timedelta(days=DAILY))
    paid["day"] = pd.to_datetime(paid["PAY_TM"].str[:10], format="%Y/%m/%d")
    expected = {}
    for number, loan in loans.iterrows():
        first = pd.to_datetime(loan["FIRST_DUE"], format="%Y/%m/%d")
        if first + timedelta(days=91) > cutoff:
            continue
        own = paid[paid["LOAN_NO"] == number]
        is_bad = False
        for place in range(min(int(loan["TERM"]), 3)):
            due = first + pd.DateOffset(months=place)
            # 30 days past due at the start of a day: nothing paid on that day counts, and the day is in the window.
            if due + timedelta(days=30) > first + timedelta(days=90):
                continue
            before = own[own["day"] < due + timedelta(days=30)]["AMT"].astype(float).sum()
            is_bad = is_bad or before < (place + 1) * float(loan["INSTAL"]) - 0.005
        expected[loan["APPLY_NO"]] = int(is_bad)
    rows = query(bank, "SELECT observation_id, label FROM label.dpd30_in_90_days WHERE status = 'mature'").to_pylist()
    assert {row["observation_id"]: row["label"] for row in rows} == expected
    assert 0.05 < sum(expected.values()) / len(expected) < 0.25


def test_the_leakage_audit_finds_nothing(bank: Warehouse) -> None:
    failed = query(bank, "SELECT check_name, feature FROM monitor.leakage WHERE NOT is_passed").to_pylist()
    assert failed == []


def test_every_dimension_has_a_row_per_application_and_tells_them_apart(bank: Warehouse, project_root: Path) -> None:
    """A group without rows, or one whose table is empty, would go unnoticed among a thousand other columns."""
    counted = query(bank, "SELECT count(DISTINCT (customer_id, event_at)) AS n FROM clean.applications")
    applications = counted.to_pylist()[0]["n"]
    for group in load_project(project_root).recipes["cash_loan"].groups:
        rows = query(bank, f"SELECT * FROM feature.{group} WHERE observations = 'applications'")
        assert rows.num_rows == applications, group
        names = [name for name in rows.column_names if name.startswith(f"{group}_")]
        told = [name for name in names if pc.count_distinct(rows[name]).as_py() > 1]
        assert len(told) > len(names) / 2, group


def test_lost_work_is_seen_and_days_off_are_no_alarm(bank: Warehouse, files: Path) -> None:
    found = job_loss.measure(files, bank, seed=7)
    lost = found["states"][job_loss.WITHIN]
    assert lost["cases"] >= 20
    assert found["auc"][job_loss.WITHIN][job_loss.ALL] >= job_loss.LEAST_AUC, found["auc"]
    assert len(found["alarms"]) >= 4
    assert {name: one["alarm"] for name, one in found["alarms"].items() if one["alarm"] > job_loss.MOST_ALARMS} == {}
