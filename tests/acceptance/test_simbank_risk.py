"""The simulated bank as a place to learn from: enough loans, enough of them bad, defaults one can partly foresee."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tallystick.simulation.arrivals import found_town
from tallystick.simulation.day_numbers import day_number, days_of_months
from tallystick.simulation.town import CATEGORY, Town
from tallystick.simulation.town_days import run_days

FIRST, LAST = day_number(date(2024, 7, 1)), day_number(date(2026, 3, 31))
EARNED = [CATEGORY[name] for name in ("salary", "business", "pension")]


@pytest.fixture(scope="module")
def town() -> Town:
    """The town of the default simulation, without its files."""
    town = found_town(np.random.Generator(np.random.PCG64([7, 0])), 2_000, first_number=1, start=FIRST)
    run_days(town, FIRST, LAST)
    return town


@pytest.fixture(scope="module")
def loans(town: Town) -> pd.DataFrame:
    """Loans whose label is finished: bad when an instalment was 30 days late within 90 days of the first due date."""
    loans, paid = town.journal.frame("loans"), town.journal.frame("repayments")
    mature = loans[loans["due"] + 91 <= LAST].reset_index(drop=True)
    month = mature["due"].to_numpy().astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    day_of_month = mature["due"].to_numpy() - days_of_months(month, np.ones(len(month), dtype=np.int64)) + 1
    bad = np.zeros(len(mature), dtype=bool)
    for place in range(3):
        due = days_of_months(month + place, day_of_month)
        by_then = paid["loan"].map(dict(zip(mature["number"], due + 30, strict=True))) > paid["day"]
        sums = paid[by_then].groupby("loan")["amount"].sum()
        covered = mature["number"].map(sums).fillna(0) >= (place + 1) * mature["instalment"]
        in_window = (place < mature["term"]) & (due + 30 <= mature["due"] + 90)
        bad |= (in_window & ~covered).to_numpy()
    return mature.assign(bad=bad)


def test_there_are_some_seventeen_hundred_finished_labels_and_one_in_eight_is_bad(loans: pd.DataFrame) -> None:
    assert 1_400 < len(loans) < 2_100
    assert 0.09 < loans["bad"].mean() < 0.16


def test_the_past_tells_a_good_part_of_a_default_and_not_all_of_it(town: Town, loans: pd.DataFrame) -> None:
    """One plain signal separates those who are paid here: income that stopped before the application. Traits alone do
    not give a default away.
    """
    rows = town.journal.frame("transactions")
    earned = rows[rows["category"].isin(EARNED)].sort_values("day")
    last = pd.merge_asof(
        loans.sort_values("day"),
        earned[["day", "account"]].assign(paid_on=earned["day"]),
        on="day",
        left_by="who",
        right_by="account",
        allow_exact_matches=False,
    )
    silence, here = (last["day"] - last["paid_on"]).fillna(365), ~town.people.paid_elsewhere[last["who"]]
    assert 0.55 < roc_auc_score(last["bad"][here], silence[here]) < 0.85
    assert 0.52 < roc_auc_score(loans["bad"], -town.people.will[loans["who"]]) < 0.70


def test_those_who_lost_their_work_go_quiet(town: Town) -> None:
    idle = np.flatnonzero(town.idle_days(LAST) > 60)
    said = town.journal.frame("social")
    recent = said[said["day"] > LAST - 30].groupby("who").size().reindex(range(town.count), fill_value=0)
    before = (
        said[said["day"].between(LAST - 400, LAST - 370)].groupby("who").size().reindex(range(town.count), fill_value=0)
    )
    working = np.setdiff1d(np.flatnonzero(town.active(LAST - 400)), idle)
    idle = np.intersect1d(idle, np.flatnonzero(town.active(LAST - 400)))
    assert len(idle) > 50
    assert recent[idle].sum() / before[idle].sum() < 0.7 * recent[working].sum() / before[working].sum()


def test_loans_end_when_they_are_paid_or_written_off(town: Town) -> None:
    book = town.loans
    assert (book.next <= book.term + 1).all()
    assert not book.is_open[book.next > book.term].any()
    late = LAST - book.due[book.is_open]
    assert late.max() <= 152, "a loan is written off after five months"
