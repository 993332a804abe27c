"""The state of a town between two days.

What changes from day to day (work, money, loans) and the booking of money. The steps of a day hold it and use the past
alone.

Accounts are positions too: the main account of person ``i`` is ``i``, the savings account (if any) is ``count + i``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tallystick.simulation.households import Households
from tallystick.simulation.journal import Journal, Value
from tallystick.simulation.people import People

NEVER = 1 << 30

# Who stands at the other end of a transaction.
NOBODY, MERCHANT, EMPLOYER, CUSTOMER, STRANGER, OWN_BANK, BOOKMAKER, LENDER = range(8)

# How the bank knows two customers to be connected; the first three are also kinds of a tie.
KIN, COLLEAGUES, FRIENDS, GUARANTOR, DEVICE, ADDRESS = range(6)
CASH, TRANSFER, CARD, MOBILE = range(4)
CATEGORIES = (
    "salary",
    "business",
    "family_support",
    "transfer",
    "savings",
    "cash",
    "food",
    "shopping",
    "entertainment",
    "transport",
    "medical",
    "household",
    "utilities",
    "insurance",
    "pension",
    "gambling",
    "loan_disbursal",
    "loan_payment",
    "penalty_interest",
    "interest",
    "fee",
    "other_loan_disbursal",
    "other_loan_payment",
)
CATEGORY = {name: position for position, name in enumerate(CATEGORIES)}


def cut_to(amounts: np.ndarray, unit: int) -> np.ndarray:
    """Amounts cut towards zero to whole multiples of ``unit``: people think in tens and hundreds of yuan."""
    return np.trunc(amounts / unit).astype(np.int64) * unit


def draw_factors(rng: np.random.Generator, size: int, spread: float, *, shift: float = 0.0) -> np.ndarray:
    """Log-normal factors around ``exp(shift)``."""
    return np.exp(rng.normal(shift, spread, size))


@dataclass(kw_only=True, slots=True)
class Loans:
    """The book of a town, one position per loan; ``due`` is the day of the next unpaid instalment."""

    who: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    number: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    instalment: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    term: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    first_month: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    due_day: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    next: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    part: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    due: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    is_open: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """The standing orders of a town, one position per order, grouped by the day of the month they run on."""

    who: np.ndarray
    category: np.ndarray
    amount: np.ndarray
    day_of_month: np.ndarray


@dataclass(kw_only=True, slots=True)
class Hardship:
    """How heavy it is on each person (0 none .. 1), until which day, of what kind, and what it still costs (fen)."""

    level: np.ndarray
    until: np.ndarray
    kind: np.ndarray
    cost: np.ndarray
    partner_of: np.ndarray  # role in the household the day before
    owner: np.ndarray  # close ties inside the town, both sides
    other: np.ndarray


@dataclass(kw_only=True, slots=True)
class Debts:
    """Running debts with other lenders, one position per debt."""

    who: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lender: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    instalment: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    left: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    day_of_month: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    missed: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    is_seen: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    def keep(self, chosen: np.ndarray) -> None:
        """Forget all debts but the chosen ones."""
        for name in ("who", "lender", "instalment", "left", "day_of_month", "missed", "is_seen"):
            setattr(self, name, getattr(self, name)[chosen])


@dataclass(kw_only=True, slots=True)
class Marks:
    """What fraud makes of people, for the other steps to obey; a position a person. Without fraud nobody is marked."""

    asks: np.ndarray  # asks for a loan today, a large one
    refuses: np.ndarray  # pays no instalment any more
    shares: np.ndarray  # number of the telephone that several use, -1 for none
    borrowed: np.ndarray  # by how much the face is another person's: 0 .. 1
    next_device: int  # number of the next new telephone

    @classmethod
    def none(cls, count: int) -> Marks:
        """Marks of so many people, none of whom is marked; each has a telephone."""
        asks, refuses = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        shares, borrowed = np.full(count, -1), np.zeros(count)
        return cls(asks=asks, refuses=refuses, shares=shares, borrowed=borrowed, next_device=count)


@dataclass(kw_only=True, slots=True)
class Town:
    """People, the random stream, the journal, and everything that a day may change."""

    first_day: int
    people: People
    rng: np.random.Generator
    journal: Journal
    balance: np.ndarray  # fen, main accounts then savings accounts
    elsewhere: np.ndarray  # fen, at the bank that the wage goes to
    has_savings: np.ndarray
    homes: Households  # who lives with whom now
    region: np.ndarray  # where each person lives now
    pay: np.ndarray  # fen a month, what work brings in now
    idle_since: np.ndarray  # day the job was lost, NEVER while working
    told_idle: np.ndarray  # the bank was told about it
    urge: np.ndarray  # gambling now: 0 .. 1
    stress: np.ndarray  # 0 .. 1, follows the money
    hardship: Hardship
    debts: Debts
    loans: Loans
    orders: Orders
    marks: Marks
    # Lent money that is still to be spent: who, amount, purpose, day.
    purchases: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many people the town has."""
        return self.people.count

    def active(self, day: int) -> np.ndarray:
        """Who uses the bank on this day: those who joined before it."""
        return self.people.joined < day

    def idle_days(self, day: int) -> np.ndarray:
        """For how many days each person has been without work (0 while working)."""
        return np.maximum(day - self.idle_since, 0)

    def book(self, day: int, account: np.ndarray, amount: np.ndarray, **facts: Value) -> None:
        """Move money on each account (no account twice) and record one transaction row per account.

        ``amount`` is in fen, positive for money coming in. The facts are second, category, channel, partner_kind and
        partner.
        """
        after = self.balance[account] + amount
        self.balance[account] = after
        rows = {"account": account, "amount": amount, "balance": after, **facts}
        self.journal.add("transactions", day, size=len(account), columns=rows)
