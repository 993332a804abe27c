"""The flaws that every supplier's files have: late, changed, repeated, retracted and broken rows.

Kept apart from the writing of files because of one promise: however small a bank is, no file of any delivery holds so
many faults that its own source refuses the load. A delivery with too few rows for a fault gets none. The flaws draw
from a random stream of their own, so they do not disturb what happens in the bank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tallystick.simulation.spelling import SupplierFile
from tallystick.simulation.town import CATEGORY

# The share of a delivery's rows that sources/simbank lets be rejected, the same for all of its tables.
_REJECT_RATE = 0.01
_LATE_SHARE = 0.004
# A delivery of fewer rows is not spoken of again: three of them would be a large share.
_LEAST_ROWS = 10
# Broken lines of a delivery: file, column, and what stands there instead.
_BROKEN = (
    ("transactions", "TRAN_TM", "20250231 10:15:00"),
    ("transactions", "AMT", "12.5O"),
    ("transactions", "ACCT_NO", "621799999999"),
    ("social", "ts_ms", "n/a"),
    ("group_messages", "ts_ms", "n/a"),
    ("repayments", "AMT", "--"),
    ("locations", "lat", "north"),
    ("behaviour", "ts_ms", "n/a"),
)
MOST_BROKEN = len(_BROKEN)
# What comes late, repeated, changed or taken back.
_STREAMS_OF_EVENTS = ("transactions", "social", "group_messages", "locations", "behaviour", "wallpapers")
# How many rows a line of a file can become: a message has two sides.
_SIDES = {"social": 2}


class Flaws:
    """The flaws of one town, with a count of what was planted.

    Call ``spoil`` for the transactions before the accounts: which account may come late depends on its bookings.
    ``last`` is the place of the last delivery.
    """

    def __init__(self, rng: np.random.Generator, *, last: int, has_broken_lines: bool) -> None:
        self.planted: Counter[tuple[int, str, str]] = Counter()
        self._rng = rng
        self._last = last
        self._has_broken_lines = has_broken_lines
        self._late_account: tuple[int, int] | None = None
        self._waiting: Counter[int] = Counter()

    def spoil(self, rows: pd.DataFrame, table: str, *, accounts: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table, which have their place in ``delivery``, with those that come late or come again.

        ``accounts`` are the rows of that table with their places.
        """
        extra = [rows]
        if table in _STREAMS_OF_EVENTS:
            late = self._choose_late(rows)
            rows.loc[late, "delivery"] += 1
            self._count(rows.loc[late, "delivery"], table, "late")
            for place in range(1, self._last + 1):
                settled = rows[rows["delivery"] == place - 1].tail(400)
                extra += self._afterthoughts(settled, table, place=place)
        rows = pd.concat(extra, ignore_index=True)
        if table == "transactions":
            self._choose_late_account(accounts, rows)
        if table == "accounts" and self._late_account:
            account, place = self._late_account
            rows.loc[rows["account"] == account, "delivery"] = place + 1
            self.planted[place + 1, table, "late"] += 1
        return rows

    def _choose_late(self, rows: pd.DataFrame) -> pd.Series:
        """Four in a thousand rows of a delivery's newest day, and at least one where there are enough."""
        may = (rows["delivery"] < self._last) & _is_newest_day(rows)
        draw = pd.Series(self._rng.random(len(rows)), index=rows.index).where(may)
        of_delivery = draw.groupby(rows["delivery"])
        first = (draw == of_delivery.transform("min")) & (of_delivery.transform("count") >= _LEAST_ROWS)
        late: pd.Series = may & ((draw < _LATE_SHARE) | first)
        return late

    def break_lines(self, file: SupplierFile, place: int, lines: Sequence[str], *, rows: int) -> list[str]:
        """Copies of ``lines`` with one field spoilt each, under numbers of their own.

        ``lines`` are the first ones of the delivery at ``place``, ``rows`` is the number of all of this town.
        """
        sides = _SIDES.get(file.table, 1)
        waiting = self._waiting[place] if file.table == "transactions" else 0
        room = (_most_faults(rows) - waiting) // sides if self._has_broken_lines else 0
        broken: list[str] = []
        for table, column, text in _BROKEN:
            if table == file.table and len(broken) < min(room, len(lines)):
                fields = lines[len(broken)].split(file.delimiter)
                fields[0] = f"{fields[0][:-5]}{99_000 + len(broken)}"
                fields[file.header.index(column)] = text
                broken.append(file.delimiter.join(fields))
        if broken:
            self.planted[place, file.table, "broken"] += len(broken)
        return broken

    def _choose_late_account(self, accounts: pd.DataFrame, bookings: pd.DataFrame) -> None:
        """The first account of a daily delivery whose bookings may wait for it: it will come a day after them."""
        read = bookings.groupby("delivery").size()
        daily = accounts[accounts["delivery"].between(1, self._last - 1)]
        for account, place in zip(daily["account"].tolist(), daily["delivery"].tolist(), strict=True):
            waiting = int(((bookings["account"] == account) & (bookings["delivery"] == place)).sum())
            if 0 < waiting <= _most_faults(int(read.get(place, 0))):
                self._late_account = account, place
                self._waiting[place] = waiting
                self.planted[place, "transactions", "waiting"] += waiting
                return

    def _afterthoughts(self, settled: pd.DataFrame, table: str, *, place: int) -> list[pd.DataFrame]:
        """What a delivery says about rows of the one before: one repeated unchanged, one changed or taken back."""
        if len(settled) < _LEAST_ROWS:
            return []
        chosen = settled.iloc[np.sort(self._rng.choice(len(settled), 3, replace=False))].assign(delivery=place)
        repeated, changed, gone = chosen.iloc[[0]], chosen.iloc[[1]], chosen.iloc[[2]]
        self.planted[place, table, "repeated"] += 1
        if table == "transactions":
            # The category of a booking is put right; the money stays as it was, so balances still add up.
            right = np.where(changed["category"] == CATEGORY["food"], CATEGORY["shopping"], CATEGORY["food"])
            self.planted[place, table, "changed"] += 1
            return [repeated, changed.assign(category=right)]
        self.planted[place, table, "retracted"] += 1
        return [repeated, gone.assign(deleted=1)]

    def _count(self, places: pd.Series, table: str, flaw: str) -> None:
        for place, rows in Counter(places.tolist()).items():
            self.planted[place, table, flaw] += rows


def _most_faults(rows: int) -> int:
    """How many of ``rows`` may be rejected: fewer than the source allows, never as many."""
    return max(int(np.ceil(rows * _REJECT_RATE)) - 1, 0)


def _is_newest_day(rows: pd.DataFrame) -> pd.Series:
    """Whether a row is of the last day of its delivery: only those can come late without becoming history."""
    newest: pd.Series = rows["day"] == rows.groupby("delivery")["day"].transform("max")
    return newest
