"""The simulated bank: the same bytes each time, no future in the past, money that adds up, a supplier's usual flaws."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tallystick.errors import InputError
from tallystick.project import load_project
from tallystick.simulation import Summary, simulate
from tallystick.simulation import bank as bank_module

UNTIL = date(2025, 6, 20)
APP = (
    "emp",
    "emp_fact",
    "grp",
    "grp_member",
    "grp_msg",
    "loc_fix",
    "dev_evt",
    "id_chk",
    "act",
    "wall",
    "hh_fact",
    "apply_form",
    "fraud_rep",
)
# Under numbers that end in 990..: these lines are broken on purpose.
WITH_BROKEN_LINES = ("tran", "im_event", "grp_msg", "repay", "loc_fix", "act")
ENCODINGS = {"loan_apply": "gb18030", "area": "gb18030"}


def small_bank(out: Path, *, until: date = UNTIL, daily: int = 0, seed: int = 3, customers: int = 160) -> Summary:
    return simulate(out, customers=customers, seed=seed, until=until, months=8, daily=daily)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bank") / "out"
    small_bank(out, daily=3)
    return out


def lines(folder: Path, name: str) -> list[str]:
    path = folder / f"{name}.csv.gz"
    return gzip.decompress(path.read_bytes()).decode(ENCODINGS.get(name, "utf-8")).splitlines()[1:]


def table(folder: Path, name: str, delimiter: str = "|") -> pd.DataFrame:
    path = folder / f"{name}.csv.gz"
    frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, encoding=ENCODINGS.get(name, "utf-8"))
    if name in WITH_BROKEN_LINES:
        frame = frame[~frame.iloc[:, 0].str[-5:].str.startswith("990")]
    return frame


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path, delivered: Path) -> None:
    small_bank(tmp_path / "again", daily=3)
    small_bank(tmp_path / "other", daily=3, seed=4)
    names = sorted(str(path.relative_to(delivered)) for path in delivered.rglob("*.gz"))
    assert names == sorted(str(path.relative_to(tmp_path / "again")) for path in (tmp_path / "again").rglob("*.gz"))
    assert all((tmp_path / "again" / name).read_bytes() == (delivered / name).read_bytes() for name in names)
    history = "2025-06-21/tran.csv.gz"
    assert (tmp_path / "other" / history).read_bytes() != (delivered / history).read_bytes()


def test_a_longer_run_leaves_every_earlier_row_as_it_was(tmp_path: Path) -> None:
    small_bank(tmp_path / "short", until=date(2025, 6, 3))
    small_bank(tmp_path / "long", until=date(2025, 6, 30))
    short, long = tmp_path / "short" / "2025-06-04", tmp_path / "long" / "2025-07-01"
    for name in (
        "tran",
        "cust_fact",
        "acct",
        "acct_holder",
        "card",
        "stand_ord",
        "im_event",
        "relation",
        "loan_apply",
        *APP,
    ):
        before, after = lines(short, name), lines(long, name)
        assert set(before) <= set(after), name
    before, after = table(short, "tran"), table(long, "tran")
    pd.testing.assert_frame_equal(before, after[after["TRAN_TM"] < "20250604"], check_like=False)
    for name in ("work", "hardship", "debts"):
        before, after = (lines(tmp_path / run / "truth", name) for run in ("short", "long"))
        assert before
        assert set(before) <= set(after), name


def test_every_balance_is_the_one_before_plus_or_minus_the_amount(delivered: Path) -> None:
    rows = pd.concat([table(folder, "tran") for folder in sorted(delivered.glob("2*"))])
    rows = rows.drop_duplicates("TRAN_NO").assign(order=lambda frame: frame["SEQ_NO"].astype(int))
    rows = rows.sort_values(["ACCT_NO", "TRAN_TM", "order"])
    fen = (rows[["AMT", "BAL"]].astype(float) * 100).round().astype("int64")
    signed = fen["AMT"].where(rows["DC_FLG"] == "C", -fen["AMT"])
    moved = fen["BAL"].groupby(rows["ACCT_NO"]).diff()
    later = rows["ACCT_NO"].duplicated()
    assert later.sum() > 5_000
    assert (moved[later] == signed[later]).all()
    assert (fen["BAL"] >= 0).all()


def test_an_opening_deposit_is_the_first_balance_of_those_who_joined_later(delivered: Path) -> None:
    history = delivered / "2025-06-21"
    rows = table(history, "tran").drop_duplicates("ACCT_NO")
    opened = table(history, "acct").set_index("ACCT_NO")["OPEN_TM"]
    first = rows[(rows["ACCT_NO"].map(opened) >= "20241101") & rows["ACCT_NO"].str.startswith("6217")]
    assert len(first) > 10
    assert (first["AMT"] == first["BAL"]).all()


def test_nothing_happens_on_an_account_before_it_is_opened(delivered: Path) -> None:
    rows, accounts = table(delivered / "2025-06-21", "tran"), table(delivered / "2025-06-21", "acct")
    opened = accounts.set_index("ACCT_NO")["OPEN_TM"]
    assert rows["ACCT_NO"].isin(accounts["ACCT_NO"]).all()
    assert (rows["TRAN_TM"] > rows["ACCT_NO"].map(opened)).all()


def test_a_transfer_inside_the_bank_stands_on_both_accounts(delivered: Path) -> None:
    rows = table(delivered / "2025-06-21", "tran")
    inside = rows[(rows["OPP_BANK"] == "900") & rows["OPP_ACCT"].str.startswith("621")]
    sides = inside.groupby(["TRAN_TM", "AMT"])["DC_FLG"].agg("".join).map(sorted)
    assert len(inside) > 100
    assert inside["DC_FLG"].value_counts().nunique() == 1, "as many debits as credits"
    assert sides.map(lambda side: side.count("C") == side.count("D")).all()


def test_instalments_are_paid_in_order_and_never_above_what_is_due(delivered: Path) -> None:
    history = delivered / "2025-06-21"
    paid, loans = table(history, "repay", ","), table(history, "loan", ",").set_index("LOAN_NO")
    paid["fen"] = (paid["AMT"].astype(float) * 100).round().astype("int64")
    per_instalment = paid.groupby(["LOAN_NO", "TERM_NO"])["fen"].sum().reset_index()
    due = (per_instalment["LOAN_NO"].map(loans["INSTAL"]).astype(float) * 100).round()
    assert (per_instalment["fen"] <= due).all()
    number = paid["TERM_NO"].astype(int).groupby(paid["LOAN_NO"])
    assert (number.diff().dropna() >= 0).all()
    assert (paid["PAY_TM"] >= paid["LOAN_NO"].map(loans["FIRST_DUE"])).all()


def test_amounts_lent_are_within_the_range_of_the_product(delivered: Path) -> None:
    asked = table(delivered / "2025-06-21", "loan_apply", ",")["AMT"].astype(float)
    assert asked.between(500, 300_000).all()
    assert len(asked) > 30


def test_history_holds_the_days_up_to_until_and_each_daily_one_more(delivered: Path) -> None:
    folders = sorted(path.name for path in delivered.glob("2*"))
    assert folders == ["2025-06-21", "2025-06-22", "2025-06-23", "2025-06-24"]
    days = [table(delivered / folder, "tran")["TRAN_TM"].str[:8] for folder in folders]
    assert [day.max() for day in days] == ["20250620", "20250621", "20250622", "20250623"]
    assert days[0].min() == "20241101"


def test_daily_deliveries_bring_a_repeated_a_changed_and_a_retracted_row(delivered: Path) -> None:
    history, daily = lines(delivered / "2025-06-21", "tran"), lines(delivered / "2025-06-22", "tran")
    known = {line.split("|")[0]: line for line in history}
    again = [line for line in daily if line.split("|")[0] in known]
    assert sum(line == known[line.split("|")[0]] for line in again) == 1
    assert sum(line != known[line.split("|")[0]] for line in again) == 1
    for name in ("im_event", "grp_msg", "loc_fix", "act", "wall"):
        gone = table(delivered / "2025-06-22", name, ",")
        assert (gone["del"] == "1").sum() == 1, name


def test_large_files_of_the_first_town_have_broken_lines_with_numbers_of_their_own(delivered: Path) -> None:
    history = lines(delivered / "2025-06-21", "tran")
    broken = [line for line in history if line.split("|")[0][-5:].startswith("990")]
    assert len(broken) == 3
    assert any("20250231" in line for line in broken)
    numbers = [line.split("|")[0] for line in history]
    assert len(set(numbers)) == len(numbers)


PARENTS = {"tran": ("ACCT_NO", "acct"), "loan": ("APPLY_NO", "loan_apply"), "repay": ("LOAN_NO", "loan")}
TABLES = {
    "tran": "transactions",
    "loan": "loans",
    "repay": "repayments",
    "im_event": "social_events",
    "grp_msg": "group_messages",
    "loc_fix": "location_events",
    "act": "behaviour_events",
    "wall": "wallpaper_changes",
}


def rejects(out: Path, name: str) -> dict[str, tuple[int, int]]:
    """Per load date: rows of the table that a file becomes which its source must reject, and all that it reads."""
    told: dict[str, tuple[int, int]] = {}
    column, parent = PARENTS.get(name, ("", ""))
    known: set[str] = set()
    for folder in sorted(out.glob("2*")):
        if parent:
            known |= {line.replace("|", ",").split(",")[0] for line in lines(folder, parent)}
        header, *records = gzip.decompress((folder / f"{name}.csv.gz").read_bytes()).decode("gb18030").splitlines()
        names = header.replace("|", ",").split(",")
        bad = read = 0
        for record in records:
            row = dict(zip(names, record.replace("|", ",").split(","), strict=True))
            sides = (row["from_id"][:1] == "C") + (row["to_id"][:1] == "C") if name == "im_event" else 1
            read += sides
            bad += sides * (not is_readable(row) or (parent != "" and row[column] not in known))
        told[folder.name] = bad, read
    return told


def is_readable(row: dict[str, str]) -> bool:
    """Whether a line's amount and time are an amount and a time."""
    patterns = {"TRAN_TM": "%Y%m%d %H:%M:%S", "GRANT_TM": "%Y/%m/%d %H:%M:%S", "PAY_TM": "%Y/%m/%d %H:%M:%S"}
    try:
        for column, pattern in patterns.items():
            if column in row:
                time.strptime(row[column], pattern)
        int(row.get("ts_ms", "0"))
        float(row.get("AMT", "0"))
        float(row.get("lat", "0"))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("customers", "daily", "months"), [(1, 9, 3), (10, 9, 2), (150, 40, 1), (800, 9, 2)])
def test_a_bank_of_any_size_delivers_no_file_that_its_source_refuses(
    tmp_path: Path, project_root: Path, customers: int, daily: int, months: int
) -> None:
    out = tmp_path / "out"
    simulate(out, customers=customers, months=months, daily=daily)
    declared = load_project(project_root).sources["simbank"].tables
    planted: Counter[str] = Counter()
    for day, files in json.loads((out / "simulation.json").read_text())["planted"].items():
        for name, flaws in files.items():
            faults = flaws.get("broken", 0) + flaws.get("waiting", 0)
            planted[f"{day} {name}"] += faults if name != "im_event" else 0
    found: Counter[str] = Counter()
    for name, table in TABLES.items():
        for day, (bad, read) in rejects(out, name).items():
            assert bad <= declared[table].reject_rate * read, (day, table, bad, read)
            found[f"{day} {name}"] += bad if name != "im_event" else 0
    assert +found == +planted, "the receipt says what was planted, and nothing else is wrong"
    assert customers < 10 or found.total() > 0


def test_numbers_of_rows_are_unique_over_towns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_module, "TOWN_SIZE", 60)
    summary = simulate(tmp_path / "out", customers=150, seed=3, until=UNTIL, months=3)
    for name in (
        "cust_fact",
        "acct",
        "acct_holder",
        "tran",
        "stand_ord",
        "card",
        "im_event",
        "relation",
        "loan_apply",
        *APP,
    ):
        rows = lines(tmp_path / "out" / "2025-06-21", name)
        ids = [line.replace("|", ",").split(",")[0] for line in rows]
        assert len(set(ids)) == len(ids) == summary.rows[name], name


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="something else"):
        small_bank(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_asking_again_for_the_same_bank_writes_nothing_and_for_another_is_refused(delivered: Path) -> None:
    written = {path: path.stat().st_mtime_ns for path in delivered.rglob("*.gz")}
    assert small_bank(delivered, daily=3).rows["tran"] > 5_000
    assert {path: path.stat().st_mtime_ns for path in delivered.rglob("*.gz")} == written
    with pytest.raises(InputError, match="something else"):
        small_bank(delivered, daily=3, seed=4)


def test_an_interrupted_run_leaves_no_folder_that_looks_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bank_module, "pack_town", stop)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "out", customers=20, until=UNTIL, months=1)
    assert list(tmp_path.iterdir()) == []
