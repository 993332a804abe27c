"""What early warning is measured with: outcomes from the definition of days past due, curves and churn by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from benchmarks.early_warning import _churn, _listed_before
from benchmarks.early_warning_cases import outcomes
from tests.lib.dpd_oracle import dpd, local_date
from tests.lib.label_books import LOAN_SCHEMA, PAYMENT_SCHEMA, ZONE, random_book
from tests.lib.label_engines import table


class Stored:
    """A bank whose tables are in memory."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables

    def table(self, name: str) -> Any:
        return self.tables[name]


def test_a_loan_goes_bad_when_it_is_first_ninety_days_late_and_the_payment_missed_is_the_one_due_then() -> None:
    loans, paid = random_book(seed=6, size=80)
    once = {row["repayment_id"]: row for row in paid if not row["is_retracted"]}
    payments = list(once.values())
    tables = {"clean.loans": table(loans, LOAN_SCHEMA), "clean.repayments": table(payments, PAYMENT_SCHEMA)}
    until = date(2026, 10, 1)
    found = outcomes(Stored(tables), until=until).set_index("observation_id")["missed"]  # type: ignore[arg-type]
    bad = 0
    for loan in loans:
        own = [row for row in payments if row["loan_id"] == loan["loan_id"]]
        granted = local_date(loan["event_at"], ZONE)
        days = (granted + timedelta(days=number) for number in range((until - granted).days + 1))
        first = next((day for day in days if dpd(loan, own, day, zone=ZONE) >= 90), None)
        expected = first - timedelta(days=90) if first else None
        told = found[loan["loan_id"]]
        assert (None if pd.isna(told) else told.date()) == expected
        bad += expected is not None
    assert 20 < bad < 80


def lists(rows: list[tuple[str, int, bool]]) -> pd.DataFrame:
    """Loan, day of the night in January, and whether it was listed."""
    frame = pd.DataFrame(rows, columns=["observation_id", "day", "is_listed"])
    return frame.assign(night=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["day"], unit="D"))


def test_churn_counts_who_left_of_those_that_still_run_and_are_not_late() -> None:
    before = [("a", 0, True), ("b", 0, True), ("c", 0, True), ("d", 0, True), ("e", 0, False)]
    after = [("a", 28, True), ("b", 28, False), ("e", 28, True)]  # c and d are late or have ended
    assert _churn([lists(before + after)]) == {"churn": 0.25, "late_or_ended": 0.5}


def test_the_list_in_force_so_many_days_before_is_the_last_one_up_to_that_day() -> None:
    listed = lists([("a", 0, True), ("a", 7, False), ("b", 0, True)])
    bad = pd.DataFrame(
        {"observation_id": ["a", "b"], "missed": pd.Timestamp("2026-01-01") + pd.to_timedelta([9, 9], "D")}
    )
    assert _listed_before(listed, bad, days=3) == 2  # the list of day 0 is in force on day 6
    assert _listed_before(listed, bad, days=2) == 0  # on day 7 a is off it, and b has no row: it was not ranked
