"""The truth behind the deliveries: what really happened to customers and was never told.

When work was lost and found, hardship and how it came, debts with other lenders, who committed or suffered which fraud.
It goes into ``truth/`` beside the deliveries, for those who judge what the pipeline found. Kept apart from the files of
the supplier because no load, feature or model may read it: a test looks for anybody in this package who does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import pyarrow as pa

from tallystick.simulation.employment import WORK_TRUTH
from tallystick.simulation.fraud.casebook import FRAUD_TRUTH, LOOKALIKE_TRUTH
from tallystick.simulation.fraud.kinds import KINDS
from tallystick.simulation.hardship import HARDSHIP_TRUTH
from tallystick.simulation.other_lenders import DEBT_TRUTH
from tallystick.simulation.spelling import (
    Texts,
    clock_texts,
    coded,
    customer_texts,
    day_texts,
    joined,
    money_texts,
    padded,
    whole_texts,
)
from tallystick.simulation.town import Town

FOLDER = "truth"
# The words of codes, in the order of the codes.
_WORK = ("lost", "found")
_HARDSHIP, _CAUSES = ("illness", "accident", "relative", "separation"), ("chance", "ties")
_DEBTS = ("taken", "settled", "given_up")
_CASES, _ROLES = ("began", "act", "confirmed"), ("victim", "perpetrator", "")
_CASE_HEADER = "cust_no,case_no,kind,role,event,event_date,event_time,amount"


def work_lines(town: Town, number: int) -> pa.Array:
    """One line each time a customer lost or found work, in the order of time."""
    return _lines(town, WORK_TRUTH, lambda rows: [coded(_WORK, rows["event"]), _dates(rows["day"])])


def hardship_lines(town: Town, number: int) -> pa.Array:
    """One line per blow: when it struck, of what kind, whether it came by chance or along ties, and its last day."""
    return _lines(
        town,
        HARDSHIP_TRUTH,
        lambda rows: [
            coded(_HARDSHIP, rows["kind"]),
            coded(_CAUSES, rows["cause"]),
            _dates(rows["day"]),
            _dates(rows["until"] - 1),
        ],
    )


def debt_lines(town: Town, number: int) -> pa.Array:
    """One line each time a debt with another lender was taken, settled or given up, with its monthly instalment."""
    return _lines(
        town,
        DEBT_TRUTH,
        lambda rows: [
            coded(_DEBTS, rows["event"]),
            _dates(rows["day"]),
            joined("Z", whole_texts(rows["lender"])),
            money_texts(rows["instalment"]),
        ],
    )


def _lines(town: Town, table: str, write: Callable[[pd.DataFrame], list[Texts]]) -> pa.Array:
    """The rows of a table in the order of time: the customer and what ``write`` makes of them."""
    rows = town.journal.frame(table)
    if rows.empty:
        return pa.array([], pa.string())
    rows = rows.sort_values("day", kind="stable")
    return joined(customer_texts(town, rows["who"]), *write(rows), by=",")


def _dates(days: pd.Series) -> pa.Array:
    return day_texts(days, "%Y-%m-%d")


def case_lines(town: Town, number: int, *, table: str) -> pa.Array:
    """One line each time a case began for a person, money moved for it, or the bank confirmed it. The date, time and
    amount of an act are those of its booking.
    """
    return _lines(
        town,
        table,
        lambda rows: [
            joined(f"X{number:04d}", padded(rows["case"], 5)),
            coded(KINDS, rows["kind"]),
            coded(_ROLES, rows["role"]),
            coded(_CASES, rows["event"]),
            _dates(rows["day"]),
            clock_texts(rows["second"]),
            money_texts(rows["amount"]),
        ],
    )


# File -> its header, and what writes the lines of a town, which has a number.
TRUTHS: Mapping[str, tuple[str, Callable[[Town, int], pa.Array]]] = {
    "work": ("cust_no,event,event_date", work_lines),
    "hardship": ("cust_no,kind,cause,event_date,last_date", hardship_lines),
    "debts": ("cust_no,event,event_date,lender,instalment", debt_lines),
    "fraud": (_CASE_HEADER, partial(case_lines, table=FRAUD_TRUTH)),
    "lookalikes": (_CASE_HEADER, partial(case_lines, table=LOOKALIKE_TRUTH)),
}
