"""Who is asked about when lost work is measured, by the definitions, on lives made by hand."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.job_loss import area
from benchmarks.job_loss_cases import Truth, observations_of

FIRST, LAST = "2025-01-01", "2026-01-31"
NEVER = "2100-01-01"


def lives(*spells: tuple[str, str, str], **account_since: str) -> Truth:
    """Spells without work: who, since, until. Whoever is named without a day had an account from before the first."""
    rows = [{"customer_id": who, "since": pd.Timestamp(a), "until": pd.Timestamp(b)} for who, a, b in spells]
    names = sorted({who for who, _, _ in spells} | set(account_since))
    people = [
        {"customer_id": who, "account_since": pd.Timestamp(account_since.get(who, "2020-01-01"))} for who in names
    ]
    return Truth(
        spells=pd.DataFrame(rows, columns=["customer_id", "since", "until"]),
        people=pd.DataFrame(people),
        first=pd.Timestamp(FIRST),
        last=pd.Timestamp(LAST),
    )


@pytest.mark.parametrize(
    ("since", "until", "is_asked"),
    [
        ("2025-06-01", NEVER, True),
        ("2025-06-01", "2025-06-23", True),
        ("2025-06-01", "2025-06-22", False),  # found on the day that is asked about
        ("2025-05-01", NEVER, True),
        ("2025-04-30", NEVER, False),  # 119 days of history
        ("2026-01-10", NEVER, True),
        ("2026-01-11", NEVER, False),  # the day lies behind the last
    ],
)
def test_a_loss_is_asked_about_some_days_later(since: str, until: str, is_asked: bool) -> None:
    found = lives(("a", since, until)).losses(21)
    assert len(found) == is_asked
    assert not is_asked or found["as_of"][0] == pd.Timestamp(since) + pd.Timedelta(days=21)


def test_who_was_without_work_shortly_before_is_not_asked_about() -> None:
    assert len(lives(("a", "2025-01-05", "2025-03-03"), ("a", "2025-06-01", NEVER)).losses(21)) == 1
    assert len(lives(("a", "2025-01-05", "2025-03-04"), ("a", "2025-06-01", NEVER)).losses(21)) == 0
    assert len(lives(("a", "2025-06-01", NEVER), a="2025-02-02").losses(21)) == 0


def test_settled_are_those_with_work_for_long() -> None:
    as_of = date(2025, 9, 1)
    truth = lives(
        ("idle", "2025-08-31", NEVER),
        ("back", "2025-02-01", "2025-06-04"),
        ("steady", "2025-02-01", "2025-06-03"),
        ("later", "2025-09-01", NEVER),
        new="2025-05-05",
        old="2025-05-04",
    )
    asked = pd.DataFrame({"customer_id": truth.people["customer_id"], "as_of": pd.Timestamp(as_of)})
    assert set(truth.settled(asked)["customer_id"]) == {"steady", "later", "old"}


def test_the_others_are_settled_and_seen_on_the_same_day() -> None:
    truth = lives(("a", "2025-06-01", NEVER), b="2020-01-01", c="2020-01-01")
    others = truth.others(truth.losses(21), np.random.default_rng(1))
    assert set(others["customer_id"]) == {"b", "c"}
    assert set(others["as_of"]) == {pd.Timestamp("2025-06-22")}


def test_an_observation_is_a_local_midnight() -> None:
    asked = pd.DataFrame(
        {"customer_id": ["a", "a"], "as_of": pd.to_datetime(["2025-06-22", "2025-07-01"])}, index=[7, 9]
    )
    found = observations_of(asked).to_pylist()
    assert [one["as_of"].isoformat() for one in found] == ["2025-06-21T16:00:00+00:00", "2025-06-30T16:00:00+00:00"]
    assert [one["observation_id"] for one in found] == ["0", "1"]


def test_the_area_is_the_chance_to_be_doubted_more() -> None:
    rng = np.random.default_rng(3)
    is_lost, doubt = rng.random(60) < 0.4, rng.integers(0, 9, 60).astype(float)
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(doubt[is_lost], doubt[~is_lost])]
    assert area(is_lost, pd.Series(doubt)) == pytest.approx(np.mean(pairs))
