"""Fraud in the simulated bank: rare, in the bank's own tables, not unlike honest lives, and found late."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tallystick.simulation import simulate
from tallystick.simulation.fraud.kinds import KINDS, LOOKALIKES_YEARLY, TERMS
from tallystick.simulation.fraud.starts import QUIET_DAYS

UNTIL, DAYS, CUSTOMERS = date(2025, 12, 31), 430, 2_000
HISTORY = "2026-01-01"
HOUR = pd.Timedelta(hours=1)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fraud") / "bank"
    simulate(out, customers=CUSTOMERS, seed=7, until=UNTIL, days=DAYS)
    return out


def table(path: Path, delimiter: str = "|") -> pd.DataFrame:
    """A file; the lines that are broken on purpose are left out."""
    encoding = "gb18030" if path.name.startswith("loan_") else "utf-8"
    frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, encoding=encoding)
    return frame[~frame.iloc[:, 0].str[-5:].str.startswith("990") | (path.parent.name == "truth")]


def truth(bank: Path, name: str) -> pd.DataFrame:
    frame = table(bank / "truth" / f"{name}.csv.gz", ",")
    frame["at"] = pd.to_datetime(frame["event_date"] + " " + frame["event_time"])
    return frame.assign(fen=(frame["amount"].astype(float) * 100).round().astype("int64"))


@cache
def bookings(bank: Path) -> pd.DataFrame:
    rows = table(bank / HISTORY / "tran.csv.gz")
    fen = (rows["AMT"].astype(float) * 100).round().astype("int64")
    return rows.assign(fen=fen).rename(columns={"CUST_NO": "cust_no"})


@cache
def acts(bank: Path, name: str) -> pd.DataFrame:
    """The acts of all cases of a file of the truth, with their bookings."""
    noted = truth(bank, name).query("event == 'act'")
    when = noted["event_date"].str.replace("-", "") + " " + noted["event_time"]
    return noted.assign(TRAN_TM=when).merge(
        bookings(bank), on=["cust_no", "TRAN_TM", "fen"], how="left", indicator=True
    )


def test_every_kind_is_there_as_often_as_declared(bank: Path) -> None:
    begun = truth(bank, "fraud").query("event == 'began'")
    cases = begun.groupby("kind")["case_no"].nunique()
    assert set(cases.index) == set(KINDS)
    years = (DAYS - QUIET_DAYS) / 365
    for kind, name in enumerate(KINDS):
        declared = TERMS[kind].yearly * CUSTOMERS / 1_000 * years
        assert 0.5 * declared - 1 <= cases[name] <= 2 * declared + 1, name
    assert 0.002 < begun["cust_no"].nunique() / CUSTOMERS < 0.02, "fraud is rare"


def test_what_resembles_fraud_is_there_more_often_than_fraud(bank: Path) -> None:
    honest, fraud = (truth(bank, name).query("event == 'began'") for name in ("lookalikes", "fraud"))
    assert set(honest["kind"]) == {KINDS[kind] for kind in LOOKALIKES_YEARLY}
    assert not set(honest["cust_no"]) & set(fraud["cust_no"])
    for kind in set(honest["kind"]):
        assert (honest["kind"] == kind).sum() > (fraud["kind"] == kind).sum(), kind


def test_each_act_is_a_booking_of_its_customer(bank: Path) -> None:
    for name in ("fraud", "lookalikes"):
        found = acts(bank, name)
        assert len(found) > 50
        assert (found["_merge"] == "both").all(), name


def test_a_mules_money_leaves_within_a_day_and_a_collectors_too(bank: Path) -> None:
    for name in ("fraud", "lookalikes"):
        moved = acts(bank, name).query("kind == 'mule'").drop_duplicates("TRAN_NO")
        came, left = moved[moved["DC_FLG"] == "C"], moved[moved["DC_FLG"] == "D"]
        pairs = came.merge(left, on="cust_no", suffixes=("", "_out"))
        soon = pairs[(pairs["at_out"] >= pairs["at"]) & (pairs["at_out"] <= pairs["at"] + 24 * HOUR)]
        assert soon["TRAN_NO"].nunique() > 0.7 * len(came), name


def test_structured_sums_stay_below_what_is_reported_as_do_honest_ones(bank: Path) -> None:
    for name in ("fraud", "lookalikes"):
        paid_in = acts(bank, name).query("kind == 'structuring' and DC_FLG == 'C'")
        assert paid_in["fen"].between(2_000_000, 5_000_000).all()
        assert (paid_in["fen"] >= 4_000_000).mean() > 0.5, name
    fraud = acts(bank, "fraud").query("kind == 'structuring' and DC_FLG == 'C'")
    assert (fraud["fen"] < 5_000_000).all()
    assert fraud["CHNL_CD"].nunique() > 1


def test_a_farm_shares_a_telephone_and_many_honest_people_do_as_well(bank: Path) -> None:
    used = table(bank / HISTORY / "dev_evt.csv.gz", ",")
    begun = truth(bank, "fraud").query("event == 'began'")
    people = used.groupby("dev_no")["cust"].agg(set)
    for _, members in begun[begun["kind"] == "device_farm"].groupby("case_no")["cust_no"]:
        assert max(len(users & set(members)) for users in people) >= 3
    honest = people[people.map(lambda users: len(users) > 1 and not users & set(begun["cust_no"]))]
    assert len(honest) > 10


def test_most_takeovers_begin_with_a_new_telephone_and_not_all(bank: Path) -> None:
    used = table(bank / HISTORY / "dev_evt.csv.gz", ",").query("evt == 'NEWDEV'")
    used = used.assign(new_at=pd.to_datetime(used["ts_ms"].astype("int64") + 8 * 3_600_000, unit="ms"))
    for name in ("fraud", "lookalikes"):
        taken = acts(bank, name).query("kind == 'take_over'")
        both = taken.merge(used, left_on="cust_no", right_on="cust")
        just = both[(both["new_at"] < both["at"]) & (both["new_at"] > both["at"] - 72 * HOUR)]
        assert just["case_no"].nunique() >= 0.5 * taken["case_no"].nunique(), name


def test_who_borrowed_for_fraud_pays_nothing_and_who_only_looks_like_it_does(bank: Path) -> None:
    begun = truth(bank, "fraud").query("event == 'began' and kind in ('device_farm', 'synthetic_identity', 'bust_out')")
    since = begun.set_index("cust_no")["event_date"].str.replace("-", "/")
    loans, paid = (table(bank / HISTORY / f"{name}.csv.gz", ",") for name in ("loan", "repay"))
    taken = loans[loans["GRANT_TM"] >= loans["CUST_NO"].map(since)]
    assert len(taken) >= 5
    assert not paid["LOAN_NO"].isin(taken["LOAN_NO"]).any()
    honest = (
        truth(bank, "lookalikes").query("event == 'began' and kind == 'bust_out'").set_index("cust_no")["event_date"]
    )
    theirs = loans[loans["GRANT_TM"] >= loans["CUST_NO"].map(honest.str.replace("-", "/"))]
    assert paid["LOAN_NO"].isin(theirs["LOAN_NO"]).any()


def test_the_bank_reports_a_part_and_only_after_it_happened(bank: Path) -> None:
    reports, told = table(bank / HISTORY / "fraud_rep.csv.gz"), truth(bank, "fraud")
    confirmed = told[told["event"] == "confirmed"]
    begun = told[told["event"] == "began"]
    assert sorted(zip(reports["CUST_NO"], reports["REP_TM"].str[:8], strict=True)) == sorted(
        zip(confirmed["cust_no"], confirmed["event_date"].str.replace("-", ""), strict=True)
    )
    assert 0.1 < len(confirmed) / len(begun) < 0.9
    first = begun.set_index("cust_no")["event_date"].str.replace("-", "")
    assert (reports["BEGAN_DT"] == reports["CUST_NO"].map(first)).all()
    assert (reports["REP_TM"].str[:8] > reports["BEGAN_DT"]).all()
    assert set(reports["ROLE_CD"][reports["KIND_CD"] == "TAKE"]) <= {"V"}


def test_a_longer_run_leaves_fraud_and_what_is_known_of_it_as_it_was(bank: Path, tmp_path: Path) -> None:
    fewer = 200
    until = UNTIL - timedelta(days=fewer)
    simulate(tmp_path / "short", customers=CUSTOMERS, seed=7, until=until, days=DAYS - fewer)
    short = tmp_path / "short" / (until + timedelta(days=1)).isoformat()
    for name in ("fraud_rep", "tran", "dev_evt", "id_chk", "relation", "loan_apply"):
        before, after = (
            table(folder / f"{name}.csv.gz", "|" if name in ("fraud_rep", "tran") else ",")
            for folder in (short, bank / HISTORY)
        )
        key = before.columns[0]
        pd.testing.assert_frame_equal(
            before.reset_index(drop=True), after[after[key].isin(before[key])].reset_index(drop=True)
        )
    for name in ("fraud", "lookalikes"):
        before, after = truth(tmp_path / "short", name), truth(bank, name)
        pd.testing.assert_frame_equal(before, after[after["event_date"] <= until.isoformat()])
