"""Cases: the truth about each, and what the bank finds out about some of them, later.

The truth is noted as it happens and goes into a file that no stage reads; a report is a row like any other that the
bank delivers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from tallystick.simulation.fraud.kinds import TERMS
from tallystick.simulation.journal import Facts
from tallystick.simulation.town import Town

FRAUD_TRUTH, LOOKALIKE_TRUTH, REPORTS = "fraud_truth", "lookalike_truth", "fraud_reports"
BEGAN, ACT, CONFIRMED = range(3)
_OFFICE_HOURS = (9 * 3600, 18 * 3600)
_LAG_SPREAD = 0.7


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One case: its number in the town, the kind that it is or resembles, who is in it, and the day it began."""

    number: int
    kind: int
    members: tuple[int, ...]
    role: int
    began: int
    is_fraud: bool = True


class Casebook:
    """All cases of a town so far, and the reports that are to come."""

    def __init__(self, rng: np.random.Generator, town: Town) -> None:
        self._rng = rng
        self._town = town
        self._next = 1
        self._taken: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._due: defaultdict[int, list[tuple[Case, int]]] = defaultdict(list)

    def open(self, day: int, members: tuple[int, ...], *, kind: int, role: int, is_fraud: bool = True) -> Case:
        """A case that begins on this day."""
        case = Case(number=self._next, kind=kind, members=members, role=role, began=day, is_fraud=is_fraud)
        self._next += 1
        for who in members:
            self._note(case, who, event=BEGAN, day=day)
        return case

    def note_act(self, case: Case, who: int, *, day: int, second: int, amount: int) -> None:
        """Note that money moved for the case; a negative amount left the account."""
        self._taken[case.number, who] += max(-amount, 0)
        self._note(case, who, event=ACT, day=day, second=second, amount=abs(amount))

    def close(self, case: Case, last: int) -> None:
        """Draw what of a case that ends on the day ``last`` the bank will confirm, and when."""
        terms, rng, size = TERMS[case.kind], self._rng, len(case.members)
        is_caught, luck = rng.random() < terms.caught, rng.random(size)
        lags = np.ceil(terms.lag * np.exp(rng.normal(0, _LAG_SPREAD) + rng.normal(0, 0.1, size))).astype(int)
        for who, one, lag in zip(case.members, luck, lags, strict=True):
            if is_caught and (size == 1 or one < terms.caught):
                self._due[last + int(lag)].append((case, who))

    def report(self, day: int) -> None:
        """Write what the bank confirms today. What an account lost, or a debtor took, is as known today."""
        for case, who in self._due.pop(day, []):
            second, amount = int(self._rng.integers(*_OFFICE_HOURS)), self._taken[case.number, who]
            rows: Facts = {"who": who, "kind": case.kind, "role": case.role, "amount": amount, "second": second}
            self._town.journal.add(REPORTS, day, size=1, columns={**rows, "began": case.began})
            self._note(case, who, event=CONFIRMED, day=day, second=second, amount=amount)

    def _note(self, case: Case, who: int, *, event: int, day: int, **facts: int) -> None:
        rows: Facts = {"case": case.number, "kind": case.kind, "role": case.role, "who": who}
        table = FRAUD_TRUTH if case.is_fraud else LOOKALIKE_TRUTH
        rows |= {"event": event, "second": facts.get("second", 0), "amount": facts.get("amount", 0)}
        self._town.journal.add(table, day, size=1, columns=rows)
