"""What a customer sends away after a new telephone or SIM card.

One row of clean.transactions is a booking; rows of clean.device_events that tell of a change of telephone or SIM card
stand among them.

Why a bank cares: who takes over an account comes with a telephone or SIM card of their own and transfers money before
the owner notices, often within minutes (ENISA, Countering SIM-Swapping, 2021). Who merely bought a telephone has time.
For the review of fraud alone: a person who is in a hurry is no worse borrower.
"""

from __future__ import annotations

from tallystick.spec.among import Among
from tallystick.spec.features import FeatureGroup, Measure

TRANSFER = "direction = 'out' AND category = 'transfer'"
# The customer's last change or transfer before this row was a change: so this transfer is the first one after it.
IS_FIRST = (
    f"{TRANSFER} AND LAST_VALUE(LAG(CASE WHEN row_of = 'device_events' OR ({TRANSFER}) THEN row_of END) IGNORE NULLS)"
    " = 'device_events'"
)
SECONDS = "EPOCH(event_at) - LAST_VALUE(CASE WHEN row_of = 'device_events' THEN EPOCH(event_at) END IGNORE NULLS)"
HOUR = 3_600

AFTER_CHANGE = FeatureGroup(
    name="after_change",
    table="clean.transactions",
    owner="fraud",
    description="The first transfer after each change of telephone or SIM card",
    windows=("7d", "30d"),
    pii="personal",
    permitted_use="fraud review",
    among=(Among(table="clean.device_events", where="kind IN ('new_device', 'sim_change')"),),
    measures=(
        Measure(
            name="seconds",
            value=SECONDS,
            where=IS_FIRST,
            ops="min",
            description="The fewest seconds from a change to the first transfer after it, over {window}",
            reason="A transfer soon after a change of telephone or SIM card",
            sign=-1,
        ),
        Measure(
            name="hasty",
            value="amount_minor",
            where=f"{IS_FIRST} AND {SECONDS} < {HOUR}",
            ops="count max",
            description="First transfers within an hour of a change, over {window}",
            reason="A transfer soon after a change of telephone or SIM card",
            sign=1,
        ),
    ),
)
