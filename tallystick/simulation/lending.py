"""Loans: who asks, whom the bank lends to, who pays and who does not.

No outcome is used before its day: a default is nothing but a run of days on which an instalment was not paid.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.day_numbers import days_of_months, from_day_number, month_number
from tallystick.simulation.friendships import FAMILY
from tallystick.simulation.hardship import pressure_of
from tallystick.simulation.journal import Facts
from tallystick.simulation.money import seconds_between
from tallystick.simulation.other_lenders import burden_of, strain_of
from tallystick.simulation.town import (
    BOOKMAKER,
    CATEGORY,
    GUARANTOR,
    MERCHANT,
    MOBILE,
    OWN_BANK,
    STRANGER,
    TRANSFER,
    Loans,
    Town,
    cut_to,
    draw_factors,
)

FIRST_COLLECTION = 6 * 3600 + 30 * 60
SECOND_COLLECTION = 17 * 3600 + 45 * 60
_DISBURSAL = 17 * 3600 + 30 * 60
_LAST_APPLICATION = 17 * 3600 + 25 * 60
_WRITE_OFF_DAYS = 150
_MINIMUM, _MAXIMUM = 50_000, 30_000_000  # 500 to 300,000 yuan, in fen
_TERMS = np.array([3, 6, 9, 12, 18, 24])
PURPOSES = ("consumption", "education", "medical", "renovation", "travel", "business", "debt")
_PURPOSE_CATEGORY = np.array(
    [
        CATEGORY[name]
        for name in ("shopping", "transfer", "medical", "household", "entertainment", "transfer", "transfer")
    ]
)
_PURCHASE = 17 * 3600 + 32 * 60
APPROVED, DECLINED = 1, 2
_APPLIES_MONTHLY = 0.123
# Lending begins when there is something to know about those who were customers before the first day.
_LENDING_STARTS_AFTER = 60


def collect(town: Town, day: int, *, second: int) -> None:
    """Take due instalments from accounts that can pay, if their owner lets it happen today."""
    loans, rng = town.loans, town.rng
    late = day - loans.due
    at = np.flatnonzero(loans.is_open & (late >= 0))
    # One loan a round and person, the oldest debt first: the balance is read once.
    at = at[np.lexsort((loans.due[at], loans.who[at]))]
    _, first = np.unique(loans.who[at], return_index=True)
    at = at[first]
    who, late = loans.who[at], late[at]
    will = _will_now(town)[who]
    chance = np.where(late == 0, 0.45 + 0.54 * will, 0.02 + 0.55 * will**3)
    chance = np.where(late > 30, chance * 0.3, chance) * (second == FIRST_COLLECTION) + chance * 0.3 * (
        second != FIRST_COLLECTION
    )
    yes = (rng.random(len(at)) < chance) & ~town.marks.refuses[who]
    owed = loans.instalment[at] - loans.part[at]
    whole = yes & (town.balance[who] >= owed + _reserve(town, who))
    some = yes & ~whole & (late >= 3) & (rng.random(len(at)) < 0.08) & (town.balance[who] > owed // 4)
    _pay(town, day, at[whole], owed[whole], second=second)
    part = np.minimum(cut_to(town.balance[who[some]] * 0.7, 100), owed[some])
    _pay(town, day, at[some], part, second=second)
    loans.is_open[at[late > _WRITE_OFF_DAYS]] = False


def _will_now(town: Town) -> np.ndarray:
    """How reliably each person lets a due instalment be taken today: bets, hardship and other debts come first."""
    will: np.ndarray = town.people.will * (1 - 0.35 * town.urge) * (1 - 0.85 * town.hardship.level)
    return will * (1 - 0.5 * strain_of(burden_of(town)))


def _reserve(town: Town, who: np.ndarray) -> np.ndarray:
    """What people keep for food before they pay a debt (fen); the less reliable keep more."""
    return (town.people.income[who] * 0.10 * (1.2 - town.people.will[who])).astype(np.int64)


def _pay(town: Town, day: int, at: np.ndarray, amount: np.ndarray, *, second: int) -> None:
    """Book payments and move on to the next instalment where one is covered; a late one costs interest as well."""
    loans = town.loans
    who, late = loans.who[at], day - loans.due[at]
    facts: Facts = {"channel": TRANSFER, "partner_kind": OWN_BANK, "partner": loans.number[at], "second": second}
    town.book(day, who, -amount, category=CATEGORY["loan_payment"], **facts)
    rows = {"who": who, "loan": loans.number[at], "instalment": loans.next[at], "amount": amount, "second": second}
    town.journal.add("repayments", day, size=len(at), columns=rows)
    penalty = np.minimum((loans.instalment[at] * 0.0005 * late).astype(np.int64), town.balance[who])
    charged = np.flatnonzero(penalty > 0)
    facts["partner"] = loans.number[at][charged]
    town.book(day, who[charged], -penalty[charged], category=CATEGORY["penalty_interest"], **facts)
    loans.part[at] += amount
    done = at[loans.part[at] >= loans.instalment[at]]
    loans.part[done] = 0
    loans.next[done] += 1
    loans.due[done] = days_of_months(loans.first_month[done] + loans.next[done] - 1, loans.due_day[done])
    loans.is_open[done] = loans.next[done] <= loans.term[done]


def lend_a_day(town: Town, day: int) -> None:
    """Take the day's applications, decide by the old rule of thumb, and pay out in the afternoon."""
    who = _applicants(town, day)
    if len(who) == 0:
        return
    rng, people = town.rng, town.people
    amount, term = _wishes(town, who)
    instalment = _instalment(amount, term, who)
    by_night = rng.random(len(who)) < people.night[who]
    second = np.where(
        by_night, rng.integers(0, 5 * 3600, len(who)), rng.integers(7 * 3600, _LAST_APPLICATION, len(who))
    )
    income = _income_told(town, who)
    good = _rule_of_thumb(town, day, who, instalment / np.maximum(income, 1))
    number = np.int64(day) * 1_000 + np.arange(len(who))
    rows = {"who": who, "number": number, "amount": amount, "term": term, "instalment": instalment, "second": second}
    rows |= {"purpose": _purposes(town, who), "income": income}
    decision = np.where(good, APPROVED, DECLINED)
    town.journal.add("applications", day, size=len(who), columns={**rows, "decision": decision})
    _pay_out(town, day, {name: column[good] for name, column in rows.items()})


def _applicants(town: Town, day: int) -> np.ndarray:
    """Who asks today: need raises the chance, a loan that runs already lowers it."""
    people, loans = town.people, town.loans
    running = np.bincount(loans.who[loans.is_open], minlength=town.count)
    money = (town.balance[: town.count] + town.balance[town.count :]) / np.maximum(people.income, 1)
    need = 0.6 + 0.7 * (money < 0.4) + 1.7 * (town.idle_days(day) > 10) + 1.5 * town.urge + 1.2 * (people.ring >= 0)
    # Hardship, one's own or that of people one would help, and debts that fall due elsewhere.
    need += 1.2 * town.hardship.level + 0.25 * pressure_of(town) + 0.8 * strain_of(burden_of(town))
    chance = _APPLIES_MONTHLY / 30 * need * np.where(running == 0, 1.0, np.where(running == 1, 0.3, 0.05))
    settled = (people.joined + 45 <= day) & (town.first_day + _LENDING_STARTS_AFTER <= day)
    return np.flatnonzero(settled & ((town.rng.random(town.count) < chance) | town.marks.asks) & (running < 3))


def _wishes(town: Town, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Amount (fen, whole hundreds of yuan) and term (months) that each applicant asks for."""
    rng, people = town.rng, town.people
    greed = 0.35 * town.urge[who] + 0.3 * (people.ring[who] >= 0) + 0.7 * town.marks.asks[who]
    multiple = np.exp(rng.normal(0.05, 0.8, len(who)) + greed)
    amount = np.clip(cut_to(people.income[who] * multiple, 10_000), _MINIMUM, _MAXIMUM)
    length = np.log2(1 + amount / people.income[who]) * 1.4 + rng.normal(0.6, 0.9, len(who))
    return amount, _TERMS[np.clip(length, 0, len(_TERMS) - 1).astype(np.int64)]


def _instalment(amount: np.ndarray, term: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Equal monthly instalments (fen) at the bank's rate: 12 to 21.6 percent a year by customer."""
    rate = (0.12 + 0.024 * (who % 5)) / 12
    return np.ceil(amount * rate / (1 - (1 + rate) ** -term)).astype(np.int64)


def _income_told(town: Town, who: np.ndarray) -> np.ndarray:
    """The monthly income (fen) that each applicant writes down, a little different each time; nobody checks it."""
    told = np.where(town.told_idle[who], 0, town.people.declared[who])
    return cut_to(told * draw_factors(town.rng, len(who), 0.06), 10_000)


def _rule_of_thumb(town: Town, day: int, who: np.ndarray, burden: np.ndarray) -> np.ndarray:
    """The bank's old decision: no open arrears, an instalment the income told can bear, and some luck."""
    loans = town.loans
    in_arrears = np.zeros(town.count, dtype=bool)
    in_arrears[loans.who[(day - loans.due > 5) & (loans.next <= loans.term)]] = True
    adult = day - town.people.birth[who] >= 18 * 365.25
    told_idle = town.told_idle[who]
    return ~in_arrears[who] & (burden < 0.55) & adult & ~told_idle & (town.rng.random(len(who)) > 0.08)


def _purposes(town: Town, who: np.ndarray) -> np.ndarray:
    """What the money is said to be for; those in need say ``debt`` or ``medical`` more often."""
    rng = town.rng
    usual = rng.choice(len(PURPOSES), len(who), p=[0.42, 0.09, 0.06, 0.13, 0.10, 0.12, 0.08])
    pressed = rng.random(len(who)) < 0.35 * town.stress[who]
    return np.where(
        pressed, np.where(rng.random(len(who)) < 0.6, PURPOSES.index("debt"), PURPOSES.index("medical")), usual
    )


def _pay_out(town: Town, day: int, granted: dict[str, np.ndarray]) -> None:
    """Put the granted loans on the book and their money on the accounts; the first instalment is due in a month."""
    who, size = granted["who"], len(granted["who"])
    if size == 0:
        return
    date = from_day_number(day)
    first_month = np.full(size, month_number(date) + 1)
    due_day = np.full(size, min(date.day, 28))
    due = days_of_months(first_month, due_day)
    facts: Facts = {"category": CATEGORY["loan_disbursal"], "channel": TRANSFER, "partner_kind": OWN_BANK}
    town.book(day, who, granted["amount"], second=_DISBURSAL, partner=granted["number"], **facts)
    _find_guarantors(town, day, who, granted["term"])
    town.purchases.append((who, granted["amount"], granted["purpose"], day + 1 + town.rng.geometric(0.35, size)))
    rows = {name: granted[name] for name in ("who", "number", "amount", "term", "instalment")}
    town.journal.add("loans", day, size=size, columns={**rows, "second": _DISBURSAL, "due": due})
    new = Loans(
        who=who,
        number=granted["number"],
        instalment=granted["instalment"],
        term=granted["term"],
        first_month=first_month,
        due_day=due_day,
        next=np.ones(size, dtype=np.int64),
        part=np.zeros(size, dtype=np.int64),
        due=due,
        is_open=np.ones(size, dtype=bool),
    )
    old = town.loans
    town.loans = Loans(**{name: np.concatenate([getattr(old, name), getattr(new, name)]) for name in Loans.__slots__})


def buy_with_loans(town: Town, day: int) -> None:
    """Spend what was lent, some days after it came, on what it was for; a gambler's purpose is another."""
    keep, ready = [], []
    for who, amount, purpose, when in town.purchases:
        now = when == day
        if now.any():
            ready.append((who[now], amount[now], purpose[now]))
        if (when > day).any():
            keep.append((who, amount, purpose, when))
    town.purchases = keep
    if ready:
        who, amount, purpose = (np.concatenate(column) for column in zip(*ready, strict=True))
        _buy(town, day, who, amount, purpose=purpose)


def _buy(town: Town, day: int, who: np.ndarray, amount: np.ndarray, *, purpose: np.ndarray) -> None:
    who, first = np.unique(who, return_index=True)
    share = 0.7 + 0.3 * town.rng.random(len(who))
    cost = np.minimum((amount[first] * share).astype(np.int64), town.balance[who])
    bets = town.urge[who] > 0.3
    category = np.where(bets, CATEGORY["gambling"], _PURPOSE_CATEGORY[purpose[first]])
    kind = np.where(bets, BOOKMAKER, np.where(category == CATEGORY["transfer"], STRANGER, MERCHANT))
    able = np.flatnonzero(cost > 0)
    second = seconds_between(town, len(able), low=_PURCHASE, high=_PURCHASE + 600)
    facts: Facts = {"category": category[able], "channel": MOBILE, "partner_kind": kind[able], "partner": who[able] % 7}
    town.book(day, who[able], -cost[able], second=second, **facts)


def _find_guarantors(town: Town, day: int, who: np.ndarray, term: np.ndarray) -> None:
    """For some of the longer loans a member of the family who banks here stands surety."""
    ties = town.people.ties
    tie = ties.draw(town.rng, who)
    other = ties.other[tie]
    inside = (other < town.count) & town.active(day)[np.minimum(other, town.count - 1)]
    signs = (ties.kind[tie] == FAMILY) & inside & (term >= 12) & (town.rng.random(len(who)) < 0.8)
    rows = {"who": who[signs], "other": other[signs], "kind": GUARANTOR, "second": _DISBURSAL - 600}
    town.journal.add("relations", day, size=int(signs.sum()), columns=rows)
