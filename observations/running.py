"""Running loans: those with an instalment still to come, at the end of each month and every night.

The book (``book``) also holds loans whose schedule is over: they are repaid, or late already, and early warning can do
nothing for either. A model learns from the month ends; the watch list is made of the nights.
"""

from __future__ import annotations

from tallystick.spec.observations import MonthEnds, Nights, ObservationSet

# The last instalment is due term_months after the grant.
STILL_TO_PAY = "mob < term_months"

RUNNING = ObservationSet(
    name="running",
    key="loan_id",
    population=MonthEnds(table="clean.loans", where=STILL_TO_PAY),
    description="Each loan with an instalment still to come, at the end of each month",
)

RUNNING_NIGHTS = ObservationSet(
    name="running_nights",
    key="loan_id",
    population=Nights(table="clean.loans", where=STILL_TO_PAY),
    description="Each loan with an instalment still to come, at the start of every business day",
)
