"""The running book: each loan at the end of each month, from its grant to three months after its schedule ends."""

from __future__ import annotations

from tallystick.spec.observations import MonthEnds, ObservationSet

BOOK = ObservationSet(
    name="book",
    key="loan_id",
    # clean.loans does not say when a loan was closed. Its schedule does, and arrears keep it on the book for a while.
    population=MonthEnds(table="clean.loans", where="mob <= term_months + 3"),
    description="Each loan at the end of each month, until three months after its last instalment is due",
)
