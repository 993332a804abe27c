"""Debts with other lenders: taken in need or by appetite, paid month by month, and never told in full.

What a customer owes elsewhere is hidden. The bank sees an instalment where it is paid from an account here, and a
question to the credit bureau where a lender asked one. Too many debts at once are a cause of not paying: the truth of
them is written apart.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.day_numbers import from_day_number
from tallystick.simulation.journal import Facts
from tallystick.simulation.people import People
from tallystick.simulation.town import CATEGORY, LENDER, MOBILE, STRANGER, TRANSFER, Debts, Town, cut_to, draw_factors

DEBT_TRUTH = "debt_truth"
TAKEN, SETTLED, GIVEN_UP = range(3)
ASKED_FOR_LOAN, ASKED_FOR_CARD, ASKED_FOR_OTHER = range(3)
LENDERS = 40
_TAKES_MONTHLY = 0.045
_SEEN_SHARE = 0.55  # of debts that are paid from an account here under the lender's name
_MOST_DEBTS, _GIVES_UP_AFTER = 6, 4
_TERMS = np.array([3, 6, 9, 12, 12, 18])
_RATE = 0.24 / 12
# Questions to the bureau: of debts that were taken, and of those who only compare, or want a card or a telephone.
_ASKED_SHARE, _ASKED_MONTHLY = 0.8, 0.045
_TAKING, _PAYING = 16 * 3600 + 41 * 60, 6 * 3600 + 45 * 60


def draw_debts(rng: np.random.Generator, people: People) -> Debts:
    """The debts that people have on the eve of the first day, part of them paid back already."""
    who = np.repeat(np.arange(people.count), rng.poisson(np.minimum(0.5 * people.appetite, 3.0)))
    size = len(who)
    amount = people.income[who] * draw_factors(rng, size, 0.7, shift=-0.1)
    term = _TERMS[rng.integers(0, len(_TERMS), size)]
    return Debts(
        who=who,
        lender=rng.integers(0, LENDERS, size),
        instalment=_instalment(amount, term),
        left=np.maximum(np.ceil(term * rng.random(size)), 1).astype(np.int64),
        day_of_month=rng.integers(1, 28, size),
        missed=np.zeros(size, dtype=np.int64),
        is_seen=rng.random(size) < _SEEN_SHARE,
    )


def _instalment(amount: np.ndarray, term: np.ndarray) -> np.ndarray:
    return np.ceil(amount * _RATE / (1 - (1 + _RATE) ** -term)).astype(np.int64)


def owed_to_others(town: Town) -> np.ndarray:
    """What each person owes other lenders a month (fen)."""
    return np.bincount(town.debts.who, weights=town.debts.instalment, minlength=town.count).astype(np.int64)


def burden_of(town: Town) -> np.ndarray:
    """What each person owes other lenders a month, as a share of the usual income."""
    burden: np.ndarray = owed_to_others(town) / np.maximum(town.people.income, 1)
    return burden


def strain_of(burden: np.ndarray) -> np.ndarray:
    """How far somebody is over-indebted: 0 up to 15 percent of the income, 1 from 60 on."""
    strain: np.ndarray = np.clip((burden - 0.15) / 0.45, 0, 1)
    return strain


def borrow_elsewhere(town: Town, day: int) -> None:
    """New debts of the day; half of them are paid out on an account here."""
    rng, people, debts = town.rng, town.people, town.debts
    money = town.balance[: town.count] / np.maximum(people.income, 1)
    running = np.bincount(debts.who, minlength=town.count)
    need = 0.5 + 1.2 * (money < 0.25) + 1.5 * (town.idle_days(day) > 10) + 1.5 * town.urge + 2.5 * town.hardship.level
    chance = _TAKES_MONTHLY / 30 * need * people.appetite * (running < _MOST_DEBTS)
    who = np.flatnonzero(town.active(day) & (rng.random(town.count) < chance))
    size = len(who)
    amount = cut_to(people.income[who] * draw_factors(rng, size, 0.7, shift=-0.1), 10_000) + 10_000
    term = _TERMS[rng.integers(0, len(_TERMS), size)]
    instalment = _instalment(amount, term)
    new = {
        "who": who,
        "lender": rng.integers(0, LENDERS, size),
        "instalment": instalment,
        "left": term,
        "day_of_month": rng.integers(1, 28, size),
        "missed": np.zeros(size, dtype=np.int64),
        "is_seen": rng.random(size) < _SEEN_SHARE,
    }
    for name, column in new.items():
        setattr(debts, name, np.concatenate([getattr(debts, name), column]))
    seen, first = np.unique(who[new["is_seen"]], return_index=True)
    facts: Facts = {"category": CATEGORY["other_loan_disbursal"], "channel": TRANSFER, "partner_kind": LENDER}
    lender, paid = new["lender"][new["is_seen"]][first], amount[new["is_seen"]][first]
    town.book(day, seen, paid, second=_TAKING, partner=lender, **facts)
    rows: Facts = {"who": who, "event": TAKEN, "lender": new["lender"], "instalment": instalment}
    town.journal.add(DEBT_TRUTH, day, size=size, columns=rows)


def pay_other_lenders(town: Town, day: int) -> None:
    """Instalments of the day, one debt a person; what is not covered is missed, and given up after some months."""
    debts = town.debts
    due = np.flatnonzero(debts.day_of_month == from_day_number(day).day)
    due = due[np.unique(debts.who[due], return_index=True)[1]]
    # Who is no customer yet pays somewhere else.
    here = town.active(day)[debts.who[due]]
    covered = ~here | (debts.instalment[due] <= town.balance[debts.who[due]])
    debts.missed[due[~covered]] += 1
    paid = due[covered]
    debts.left[paid] -= 1
    booked = due[covered & here]
    for seen in (True, False):
        at = booked[debts.is_seen[booked] == seen]
        # Paid by way of another account it looks like any transfer.
        category, kind = ("other_loan_payment", LENDER) if seen else ("transfer", STRANGER)
        partner = debts.lender[at] if seen else 80_000 + debts.who[at]
        facts: Facts = {"category": CATEGORY[category], "channel": TRANSFER if seen else MOBILE, "partner_kind": kind}
        town.book(day, debts.who[at], -debts.instalment[at], second=_PAYING, partner=partner, **facts)
    settled, given_up = debts.left == 0, debts.missed >= _GIVES_UP_AFTER
    for ended, event in ((settled, SETTLED), (given_up & ~settled, GIVEN_UP)):
        rows: Facts = {"who": debts.who[ended], "event": event}
        rows |= {"lender": debts.lender[ended], "instalment": debts.instalment[ended]}
        town.journal.add(DEBT_TRUTH, day, size=int(ended.sum()), columns=rows)
    debts.keep(~settled & ~given_up)


class InquiryRecorder:
    """What the credit bureau tells the day after: another lender asked about a customer.

    Some debts were never asked about, and many a question leads to none: people compare, or buy a telephone.
    """

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self._rng = rng
        self._often = rng.gamma(1.2, 1 / 1.2, town.count)

    def begin(self, town: Town, first: int) -> None:
        """Nothing: the bureau tells from the first day on."""

    def record_a_day(self, town: Town, day: int) -> None:
        """The questions of the day."""
        rng, rows = self._rng, town.journal.rows_of(DEBT_TRUTH, day)
        taken = rows["who"][rows["event"] == TAKEN] if rows else np.empty(0, dtype=np.int64)
        lender = rows["lender"][rows["event"] == TAKEN] if rows else taken
        asked = rng.random(len(taken)) < _ASKED_SHARE
        draw = rng.random(town.count) < _ASKED_MONTHLY / 30 * self._often * (1 + 0.5 * town.stress)
        others = np.flatnonzero(town.active(day) & draw)
        who = np.concatenate([taken[asked], others])
        kind = rng.choice(3, len(others), p=[0.4, 0.35, 0.25])
        columns: Facts = {
            "who": who,
            "lender": np.concatenate([lender[asked], rng.integers(0, LENDERS, len(others))]),
            "kind": np.concatenate([np.full(int(asked.sum()), ASKED_FOR_LOAN), kind]),
            "second": rng.integers(8 * 3600, 22 * 3600, len(who)),
        }
        town.journal.add("inquiries", day, size=len(who), columns=columns)
