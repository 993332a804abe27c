"""Who is late on a date, as known on it, against days past due counted from the written definition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tallystick.project import load_project
from tallystick.warning import find_arrears
from tests.lib import label_oracle
from tests.lib.dpd_oracle import dpd, local_date
from tests.lib.label_books import LOAN_SCHEMA, PAYMENT_SCHEMA, ZONE, much_corrected_book
from tests.lib.label_engines import table


def test_arrears_of_a_much_corrected_book_agree_with_the_definition(project_root: Path) -> None:
    contracts = load_project(project_root).contracts
    book = much_corrected_book(seed=4, size=60)
    tables = {"clean.loans": table(book.loans, LOAN_SCHEMA), "clean.repayments": table(book.repayments, PAYMENT_SCHEMA)}
    late = repaid = 0
    for day in (date(2026, 2, 10), date(2026, 4, 1), date(2026, 5, 31), date(2026, 9, 1)):
        expected = {}
        payments = in_force(book.repayments, "repayment_id", day)
        for loan in in_force(book.loans, "loan_id", day):
            own = [one for one in payments if one["loan_id"] == loan["loan_id"]]
            is_repaid = paid_by(own, day) >= loan["instalment_minor"] * loan["term_months"]
            expected[loan["loan_id"]] = (dpd(loan, own, day, zone=ZONE), is_repaid)
        found = find_arrears(tables, contracts, day=day, zone=ZONE).to_pylist()
        assert {row["observation_id"]: (row["dpd"], row["is_repaid"]) for row in found} == expected
        late += sum(row["dpd"] > 0 for row in found)
        repaid += sum(row["is_repaid"] for row in found)
    assert late > 30
    assert repaid > 10


def in_force(rows: list[dict[str, Any]], event_id: str, day: date) -> list[label_oracle.Row]:
    """Of each event the version that counts on the date, unless that takes it back."""
    return [row for row in label_oracle.in_force(rows, event_id, day) if not row["is_retracted"]]


def paid_by(payments: list[label_oracle.Row], day: date) -> int:
    """What was paid on local dates before ``day``."""
    return sum(one["amount_minor"] for one in payments if local_date(one["event_at"], ZONE) < day)
