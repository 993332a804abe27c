"""Moves: bookings of a case that are still to come, and the parts of a day in which they are made.

Apart from the schemes, which only plan them: what an account can bear is known when its turn comes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from tallystick.simulation.fraud.casebook import Case, Casebook
from tallystick.simulation.journal import Facts
from tallystick.simulation.money import account_number
from tallystick.simulation.town import CASH, CATEGORY, CUSTOMER, MERCHANT, MOBILE, NOBODY, STRANGER, Town

# Gaps between the steps of a day. Bookings of one account must be made in the order of the clock.
DAWN, EARLY, NOON, AFTERNOON, DUSK, LATE = range(6)
SLOTS = (
    (4 * 3600 + 1_800, 5 * 3600),
    (6 * 3600 + 2_701, 7 * 3600),
    (11 * 3600 + 1_260, 11 * 3600 + 1_800),
    (16 * 3600 + 2_461, 16 * 3600 + 2_700),
    (17 * 3600 + 2_701, 18 * 3600),
    (22 * 3600 + 2_400, 22 * 3600 + 2_700),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Money in (``amount`` in fen), or out: a ``share`` of the balance, at most ``amount``, in multiples of ``unit``.

    ``payee`` is the other side at another bank, ``to`` a customer of the town in its place; cash has neither.
    ``is_purchase`` buys what can be sold again from a merchant. Less than ``least`` (fen) is not moved.
    """

    case: Case
    who: int
    amount: int
    share: float = 0.0
    unit: int = 100
    channel: int = MOBILE
    payee: int = 0
    to: int | None = None
    is_purchase: bool = False
    least: int = 10_000


class Agenda:
    """The moves to come, by day and part of the day."""

    def __init__(self, rng: np.random.Generator, town: Town, book: Casebook) -> None:
        self._rng = rng
        self._town = town
        self._book = book
        self._moves: defaultdict[tuple[int, int], list[Move]] = defaultdict(list)

    def plan(self, day: int, slot: int, move: Move) -> None:
        """Make a move on a day that is not over yet, in a part of it that has not begun."""
        self._moves[day, slot].append(move)

    def make(self, day: int, slot: int) -> None:
        """Make the moves that are planned for now."""
        moves = self._moves.pop((day, slot), [])
        seconds = np.sort(self._rng.integers(*SLOTS[slot], len(moves))).tolist()
        for move, second in zip(moves, seconds, strict=True):
            self._make(day, move, second=second)

    def _make(self, day: int, move: Move, *, second: int) -> None:
        town, who = self._town, move.who
        balance = int(town.balance[who])
        wished = min(int(balance * move.share), move.amount) if move.share else move.amount
        amount = wished // move.unit * move.unit
        if amount < move.least or not town.active(day)[who]:
            return
        category = CATEGORY["cash" if move.channel == CASH else "shopping" if move.is_purchase else "transfer"]
        facts: Facts = {"second": second, "channel": move.channel, "category": category}
        signed = -amount if move.share else amount
        if move.to is not None:
            other = np.array([move.to])
            _book(town, day, who, signed, partner_kind=CUSTOMER, partner=account_number(town, other), **facts)
            mine = account_number(town, np.array([who]))
            _book(town, day, move.to, -signed, partner_kind=CUSTOMER, partner=mine, **facts)
        else:
            kind = NOBODY if move.channel == CASH else MERCHANT if move.is_purchase else STRANGER
            payee = 0 if move.channel == CASH else move.payee
            _book(town, day, who, signed, partner_kind=kind, partner=payee, **facts)
        self._book.note_act(move.case, who, day=day, second=second, amount=signed)


def _book(town: Town, day: int, who: int, amount: int, **facts: np.ndarray | int) -> None:
    town.book(day, np.array([who]), np.array([amount]), **facts)
