"""What is recorded beside the core of the simulated bank: nothing of the core changes, and signals follow the truth."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tallystick.simulation import simulate
from tallystick.simulation.arrivals import found_town
from tallystick.simulation.day_numbers import day_number
from tallystick.simulation.town import Town
from tallystick.simulation.town_days import make_recorders, run_days

DAY = pd.Timedelta(days=1)
WITH_BROKEN_LINES = ("tran", "im_event", "grp_msg", "repay", "loc_fix", "act")


def table(folder: Path, name: str, delimiter: str = "|") -> pd.DataFrame:
    """A file of the bank without the lines that are broken on purpose; ``local`` is the app's time on the wall."""
    encoding = "gb18030" if name == "loan_apply" else "utf-8"
    path = folder / f"{name}.csv.gz"
    frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, encoding=encoding)
    if name in WITH_BROKEN_LINES:
        frame = frame[~frame.iloc[:, 0].str[-5:].str.startswith("990")]
    if "ts_ms" in frame:
        frame["local"] = pd.to_datetime(frame["ts_ms"].astype("int64") + 8 * 3_600_000, unit="ms")
    return frame


def recorded(*, recorders: bool) -> Town:
    """A town after three months, with everything that is recorded beside the core or without."""
    first, last = day_number(date(2025, 1, 1)), day_number(date(2025, 3, 31))
    town = found_town(np.random.Generator(np.random.PCG64([5, 0])), 300, first_number=1, start=first)
    run_days(town, first, last, recorders=make_recorders(town, 5, 0) if recorders else ())
    return town


def test_whatever_is_recorded_beside_them_lives_and_money_stay_as_they_are() -> None:
    plain, watched = recorded(recorders=False), recorded(recorders=True)
    assert set(plain.journal.tables()) < set(watched.journal.tables())
    for name in plain.journal.tables():
        pd.testing.assert_frame_equal(plain.journal.frame(name), watched.journal.frame(name))


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight months of enough people for work to be lost."""
    out = tmp_path_factory.mktemp("lives") / "out"
    simulate(out, customers=2_000, seed=3, until=date(2025, 6, 20), months=8)
    return out


def without_work(lives: Path) -> pd.DataFrame:
    """A row each time work was lost, with the day on which it was found again or the run ended."""
    truth = pd.read_csv(lives / "truth" / "work.csv.gz", dtype=str)
    assert sorted(path.name for path in lives.iterdir()) == ["2025-06-21", "simulation.json", "truth"]
    assert not list(lives.glob("2*/*truth*"))
    assert not list(lives.glob("2*/work*"))
    truth["until"] = truth.groupby("cust_no")["event_date"].shift(-1).fillna("2025-06-21")
    event = truth.groupby("cust_no")["event"]
    assert set(event.first()) == {"lost"}
    assert (event.shift() != truth["event"]).all(), "lost and found in turn"
    return truth[truth["event"] == "lost"]


def around_losses(spells: pd.DataFrame, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events of the sixty days before work was lost, and of day 22 to 81 after it as far as none was found."""
    both = spells.merge(events, left_on="cust_no", right_on="cust")
    lost, until, day = pd.to_datetime(both["event_date"]), pd.to_datetime(both["until"]), both["local"].dt.normalize()
    after = (day > lost + 21 * DAY) & (day <= lost + 81 * DAY) & (day < until)
    return both[(day >= lost - 60 * DAY) & (day < lost)], both[after]


def test_who_has_no_work_is_paid_no_salary_and_falls_silent_in_the_work_group(lives: Path) -> None:
    spells = without_work(lives)
    assert len(spells) > 100
    paid = table(lives / "2025-06-21", "tran")
    paid = paid[paid["ABS_CD"].eq("101")].assign(day=pd.to_datetime(paid["TRAN_TM"].str[:8]).dt.strftime("%Y-%m-%d"))
    both = spells.merge(paid, left_on="cust_no", right_on="CUST_NO")
    assert not ((both["day"] > both["event_date"]) & (both["day"] < both["until"])).any()

    said = table(lives / "2025-06-21", "grp_msg", ",")
    before, after = around_losses(spells, said[said["grp_type"] == "WRK"])
    assert len(before) > 200
    assert len(after) < 0.1 * len(before)


def test_silence_in_the_work_group_tells_much_of_lost_work_and_not_all(lives: Path) -> None:
    """Three weeks after a loss, against customers whose work was not lost in the eleven weeks before that day."""
    spells = without_work(lives)
    said = table(lives / "2025-06-21", "grp_msg", ",").query("grp_type == 'WRK'")
    days = {who: rows.dt.normalize().to_numpy() for who, rows in said.groupby("cust")["local"]}
    lost, until = pd.to_datetime(spells["event_date"]), pd.to_datetime(spells["until"])
    at = lost + 21 * DAY
    fair = spells["cust_no"].isin(days) & (lost >= pd.Timestamp("2025-01-20")) & (at < until)

    def silence(who: str, day: pd.Timestamp) -> float:
        """By how many messages the last three weeks fall behind the eight weeks before them."""
        mine = days[who]
        base = ((mine >= day - 77 * DAY) & (mine < day - 21 * DAY)).sum() / 56 * 21
        return float(base - ((mine >= day - 21 * DAY) & (mine < day)).sum())

    idle = [silence(who, day) for who, day in zip(spells["cust_no"][fair], at[fair], strict=True)]
    steady = sorted(set(days) - set(spells["cust_no"]))
    working = [silence(who, day) for day in at[fair].drop_duplicates()[:10] for who in steady]
    assert len(idle) > 20
    ranks = pd.Series(idle + working).rank()
    auc = (ranks[: len(idle)].sum() - len(idle) * (len(idle) + 1) / 2) / (len(idle) * len(working))
    assert 0.7 < auc < 0.95, auc


def test_the_bank_is_told_of_few_lost_jobs_and_pays_come_from_the_declared_employer(lives: Path) -> None:
    history = lives / "2025-06-21"
    told, employers = table(history, "emp_fact"), table(history, "emp")
    first = told.drop_duplicates("CUST_NO").set_index("CUST_NO")
    assert set(told["EMP_NO"]) - {""} == set(employers["EMP_NO"])
    salaries = table(history, "tran").query("ABS_CD == '101'")
    assert len(salaries) > 1_000
    employed = first.index[first["EMP_NO"] != ""]
    assert 0.4 < salaries["CUST_NO"].nunique() / len(employed) < 0.8, "others are paid at another bank"
    assert (salaries["OPP_ACCT"] == salaries["CUST_NO"].map(first["EMP_NO"])).all()
    ended = told[told["UNTIL_DT"] != ""]
    spells = without_work(lives)
    assert 0 < len(ended) < 0.5 * len(spells)
    really = spells["cust_no"] + spells["event_date"].str.replace("-", "")
    assert set(ended["CUST_NO"] + ended["UNTIL_DT"]) <= set(really)
    assert (ended["UNTIL_DT"] < ended["TOLD_TM"]).all()


def test_groups_have_two_members_or_more_and_only_members_write(lives: Path) -> None:
    history = lives / "2025-06-21"
    members, said = table(history, "grp_member", ","), table(history, "grp_msg", ",")
    groups = table(history, "grp", ",")
    assert set(members["grp_no"]) == set(groups["grp_no"])
    joined = members[members["evt"] == "JOIN"].drop_duplicates(["cust", "grp_no"])
    since = joined.set_index(["cust", "grp_no"])["ts_ms"].astype("int64").to_dict()
    written = zip(said["cust"], said["grp_no"], said["ts_ms"].astype("int64"), strict=True)
    day = 86_400_000  # on the day itself the hours are not compared
    assert all(at > since[cust, group] - day for cust, group, at in written)
    assert set(groups["grp_type"]) == set(said["grp_type"]) == {"WRK", "FAM", "HOB"}
    assert set(groups["topic"].eq("")[groups["grp_type"].eq("HOB")]) == {False}


def cells(rows: pd.DataFrame) -> pd.Series:
    """The hundredth of a degree each way that a place is in."""
    degrees = rows[["lat", "lon"]].astype(float).mul(100).floordiv(1).astype("int64").astype(str)
    joined: pd.Series = degrees["lat"] + "_" + degrees["lon"]
    return joined


def test_people_sleep_at_home_work_where_colleagues_do_and_stop_when_work_is_lost(lives: Path) -> None:
    seen = table(lives / "2025-06-21", "loc_fix", ",")
    seen = seen.assign(cell=cells(seen))
    hour, weekday = seen["local"].dt.hour, seen["local"].dt.weekday
    nights = seen[hour < 7].groupby("cust")["cell"].agg(lambda cell: cell.value_counts(normalize=True).iloc[0])
    often = seen[hour < 7]["cust"].value_counts()
    assert nights[often[often >= 8].index].median() > 0.5, "a place on the edge of cells is in several of them"
    office = seen[(hour >= 9) & (hour < 18) & (weekday < 5)]
    spells = without_work(lives)
    steady = office[~office["cust"].isin(spells["cust_no"])]
    usual = steady.groupby("cust")["cell"].agg(lambda cell: cell.value_counts().index[0])
    told, lived = (table(lives / "2025-06-21", name).drop_duplicates("CUST_NO") for name in ("emp_fact", "cust_fact"))
    told = told[told["EMP_NO"] != ""].merge(lived, on="CUST_NO").assign(cell=lambda one: one["CUST_NO"].map(usual))
    sites = told.dropna(subset="cell").groupby(["EMP_NO", "AREA_CD"])["cell"].agg(["size", "nunique"])
    shared = sites[sites["size"] > 1]
    assert len(shared) > 10
    assert (shared["nunique"] < shared["size"]).mean() > 0.5, "colleagues of one region are at one place"
    places = office[office["cust"].isin(spells["cust_no"])]
    before, after = around_losses(spells, places)
    working = before.groupby("cust")["cell"].agg(lambda cell: cell.value_counts().index[0])
    at_work = [(rows["cell"] == rows["cust"].map(working)).mean() for rows in (before, after)]
    assert at_work[0] > 0.5
    assert at_work[1] < 0.5 * at_work[0]


def test_telephones_are_shared_by_rings_and_some_families_and_faces_are_checked_before_a_loan(lives: Path) -> None:
    history = lives / "2025-06-21"
    used, checks = table(history, "dev_evt", ","), table(history, "id_chk", ",")
    people = used.groupby("dev_no")["cust"].nunique()
    assert people.max() >= 4
    assert 0.005 < (people > 1).mean() < 0.15
    first = used.sort_values("local", kind="stable").drop_duplicates("cust")
    assert set(first["evt"]) == {"NEWDEV"}
    assert set(used["evt"]) == {"NEWDEV", "LOGIN", "FAIL", "SIM"}
    assert checks["score"].astype(float).between(0, 1).all()
    assert 0.01 < (checks["ok"] == "0").mean() < 0.3
    asked = table(history, "loan_apply", ",")
    at = pd.to_datetime(asked["APPLY_TM"], format="%Y/%m/%d %H:%M:%S")
    looked = checks[checks["why"] == "LOAN"]
    assert len(looked) == len(asked)
    mine = sorted(zip(asked["CUST_NO"], at, strict=True))
    others = sorted(zip(looked["cust"], looked["local"], strict=True))
    pairs = zip(mine, others, strict=True)
    assert all(one[0] == other[0] and abs(one[1] - other[1]) < pd.Timedelta(minutes=2) for one, other in pairs)


def test_people_read_about_their_hobbies_and_about_jobs_when_they_have_none(lives: Path) -> None:
    history = lives / "2025-06-21"
    looked, groups = table(history, "act", ","), table(history, "grp", ",").set_index("grp_no")["topic"]
    members = table(history, "grp_member", ",").query("grp_type == 'HOB'")
    mine = set(zip(members["cust"], members["grp_no"].map(groups), strict=True))
    hobby = looked[(looked["act_type"] == "HOBBY") & looked["cust"].isin(members["cust"])]
    assert np.mean([pair in mine for pair in zip(hobby["cust"], hobby["topic"], strict=True)]) > 0.4
    before, after = around_losses(without_work(lives), looked[looked["act_type"] == "READ"])
    jobs = "T20"
    assert (after["topic"] == jobs).mean() > 3 * (before["topic"] == jobs).mean()


def test_who_moved_out_is_told_as_gone_with_the_next_household_and_some_never_tell(lives: Path) -> None:
    told = table(lives / "2025-06-21", "hh_fact")
    customers = table(lives / "2025-06-21", "cust_fact")["CUST_NO"].nunique()
    assert 0.6 * customers < told["CUST_NO"].nunique() < 0.95 * customers
    assert told["TOLD_TM"].str[:8].ge(told["FROM_DT"]).all()
    ended = told[told["UNTIL_DT"] != ""]
    assert len(ended) > 8
    assert (ended["UNTIL_DT"] >= ended["FROM_DT"]).all()
    before = told.merge(ended, on=["CUST_NO", "HH_NO"], suffixes=("", "_end"))
    assert set(before[before["UNTIL_DT"] == ""]["CUST_NO"]) == set(ended["CUST_NO"]), "what ends was told before"
    following = told.merge(ended, on="CUST_NO", suffixes=("", "_end")).query("FROM_DT == UNTIL_DT_end")
    assert set(following["CUST_NO"]) == set(ended["CUST_NO"]), "an end is told with what came after it"


def test_a_household_shares_its_nights_and_its_region(lives: Path) -> None:
    history = lives / "2025-06-21"
    told, moved = table(history, "hh_fact"), table(history, "hh_fact").query("UNTIL_DT != ''")["CUST_NO"]
    told = told[~told["CUST_NO"].isin(moved)].drop_duplicates("CUST_NO", keep="last").set_index("CUST_NO")
    seen = table(history, "loc_fix", ",")
    nights = seen[seen["local"].dt.hour < 7]
    places = nights.assign(lat=nights["lat"].astype(float)).groupby("cust")["lat"].median()
    mine = told.assign(lat=places).dropna(subset="lat")
    spread = mine.groupby("HH_NO")["lat"].agg(["size", lambda lat: lat.max() - lat.min()])
    assert (spread[spread["size"] > 1].iloc[:, 1] < 0.05).mean() > 0.8
    region = table(history, "cust_fact").drop_duplicates("CUST_NO").set_index("CUST_NO")["AREA_CD"]
    assert region.groupby(told["HH_NO"]).nunique().max() == 1


def test_every_application_has_one_form_filled_in_just_before_it(lives: Path) -> None:
    history = lives / "2025-06-21"
    forms, asked = table(history, "apply_form"), table(history, "loan_apply", ",")
    both = forms.merge(asked, on="APPLY_NO", validate="one_to_one")
    assert len(both) == len(forms) == len(asked) > 300
    assert (both["CUST_NO_x"] == both["CUST_NO_y"]).all()
    wait = pd.to_datetime(both["APPLY_TM"], format="%Y/%m/%d %H:%M:%S") - pd.to_datetime(both["TOLD_TM"])
    assert wait.between(pd.Timedelta(0), pd.Timedelta(seconds=30)).all()


def test_numbers_that_several_applicants_give_are_rings_and_households(lives: Path) -> None:
    forms = table(lives / "2025-06-21", "apply_form")
    for column in ("TEL_NO", "ADDR_NO", "CONTACT_NO"):
        people = forms.groupby(column)["CUST_NO"].nunique()
        assert 0 < (people > 1).mean() < 0.3, column
    changes = forms.groupby("CUST_NO")[["TEL_NO", "CONTACT_NO"]].nunique()
    assert (changes > 1).any().all(), "some give other data the next time"


def test_wallpapers_change_as_often_whatever_happens(lives: Path) -> None:
    """Of those who were there from the first day on, whoever lost work changes as often as whoever did not."""
    changes, facts = table(lives / "2025-06-21", "wall", ","), table(lives / "2025-06-21", "cust_fact")
    there = facts[facts["VALID_TM"] < "20241101"]["CUST_NO"].unique()
    often = changes["cust"].value_counts().reindex(there, fill_value=0)
    lost = often.index.isin(without_work(lives)["cust_no"])
    assert lost.sum() > 50
    assert 0.9 < often[lost].mean() / often[~lost].mean() < 1.1
    assert changes["theme"].value_counts(normalize=True).between(0.11, 0.14).all()
