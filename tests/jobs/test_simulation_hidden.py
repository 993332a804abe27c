"""What is hidden in the simulated bank: hardship that spreads, debts elsewhere, and shops that look like mules."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tallystick.simulation.arrivals import found_town
from tallystick.simulation.day_numbers import day_number
from tallystick.simulation.hardship import BY_TIES, HARDSHIP_TRUTH
from tallystick.simulation.holidays import is_day_off, is_spring_festival
from tallystick.simulation.other_lenders import DEBT_TRUTH, GIVEN_UP, TAKEN
from tallystick.simulation.people import NO_SHOP
from tallystick.simulation.town import CATEGORY, LENDER, Town
from tallystick.simulation.town_days import make_recorders, run_days

FIRST, LAST = day_number(date(2024, 7, 1)), day_number(date(2025, 6, 30))


@pytest.fixture(scope="module")
def town() -> Town:
    """A year of a town, without its files."""
    town = found_town(np.random.Generator(np.random.PCG64([11, 0])), 2_000, first_number=1, start=FIRST)
    run_days(town, FIRST, LAST, recorders=make_recorders(town, 11, 0))
    return town


def test_hardship_strikes_more_often_beside_hardship(town: Town) -> None:
    """Within sixty days of a blow, people of the same household against everybody of the town in the same days."""
    blows = town.journal.frame(HARDSHIP_TRUTH)
    assert 0.1 < len(blows) / town.count < 0.4, "per person and year"
    home, days = town.homes.number, blows.groupby("who")["day"].apply(list).to_dict()
    near = usual = near_days = usual_days = 0
    everybody = np.sort(blows["day"].to_numpy())
    for who, day in zip(blows["who"], blows["day"], strict=True):
        for other in np.flatnonzero((home == home[who]) & (np.arange(town.count) != who)):
            near += sum(day < at <= day + 60 for at in days.get(int(other), []))
            near_days += 60
        usual += int(((everybody > day) & (everybody <= day + 60)).sum())
        usual_days += 60 * town.count
    assert near / near_days > 1.5 * usual / usual_days
    assert 0.05 < (blows["cause"] == BY_TIES).mean() < 0.4


def test_debts_elsewhere_are_seen_in_part_and_asked_about_in_part(town: Town) -> None:
    debts, booked = town.journal.frame(DEBT_TRUTH), town.journal.frame("transactions")
    taken = debts[debts["event"] == TAKEN]
    assert len(taken) > 300
    assert (debts["event"] == GIVEN_UP).sum() > 10
    paid_out = booked[booked["category"] == CATEGORY["other_loan_disbursal"]]
    assert 0.4 < len(paid_out) / len(taken) < 0.7
    lenders = booked[booked["partner_kind"] == LENDER]
    assert set(lenders["category"]) == {CATEGORY["other_loan_disbursal"], CATEGORY["other_loan_payment"]}
    asked = town.journal.frame("inquiries")
    pairs = set(zip(asked["who"], asked["lender"], asked["day"], strict=True))
    known = [pair in pairs for pair in zip(taken["who"], taken["lender"], taken["day"], strict=True)]
    assert 0.7 < np.mean(known) < 0.9
    assert len(asked) > 1.3 * sum(known), "many a question leads to no debt"


def test_a_shop_has_many_payers_and_keeps_little_of_what_comes_in(town: Town) -> None:
    booked = town.journal.frame("transactions")
    owners = np.flatnonzero(town.people.shop != NO_SHOP)
    trade = booked[booked["account"].isin(owners) & (booked["category"] == CATEGORY["business"])]
    taken, spent = trade[trade["amount"] > 0], trade[trade["amount"] < 0]
    payers = taken.groupby("account")["partner"].nunique()
    assert payers.median() > 50
    assert 0.45 < -spent["amount"].sum() / taken["amount"].sum() < 0.75
    others = booked[~booked["account"].isin(owners) & (booked["account"] < town.count) & (booked["amount"] > 0)]
    assert others.groupby("account")["partner"].nunique().median() < 10


def test_shops_follow_the_week_and_shut_at_spring_festival(town: Town) -> None:
    booked = town.journal.frame("transactions")
    taken = booked[(booked["category"] == CATEGORY["business"]) & (booked["amount"] > 0)]
    taken = taken[taken["account"].isin(np.flatnonzero(town.people.shop != NO_SHOP))]
    per_day = taken.groupby("day").size().reindex(range(FIRST, LAST + 1), fill_value=0)
    closed = [day for day in per_day.index if is_spring_festival(day)]
    assert len(closed) == 8
    assert per_day[closed].sum() == 0
    november, february = (per_day[pd.to_datetime(per_day.index, unit="D").month == month].mean() for month in (11, 2))
    assert november > 1.15 * february
    weekdays = [day for day in per_day.index if not is_day_off(day)]
    weekends = [day for day in per_day.index if (day + 3) % 7 >= 5 and not is_spring_festival(day)]
    assert per_day[weekdays].mean() != pytest.approx(per_day[weekends].mean(), rel=0.02)


def test_nothing_is_booked_that_an_account_does_not_hold(town: Town) -> None:
    booked = town.journal.frame("transactions")
    assert (booked["balance"] >= 0).all()
    ordered = booked["second"].groupby([booked["account"], booked["day"]]).diff().dropna()
    assert (ordered >= 0).all(), "booked in the order of time"
