"""Customers day by day: whoever has a visible row is observed at the start of every business day."""

from __future__ import annotations

from tallystick.spec.observations import Customers, ObservationSet

# A demographic fact alone does not make somebody a customer: an account or an event does.
DAILY = ObservationSet(
    name="daily",
    key="customer_id",
    population=Customers(
        tables=(
            "clean.account_holders",
            "clean.accounts",
            "clean.applications",
            "clean.cards",
            "clean.loans",
            "clean.orders",
            "clean.outcomes",
            "clean.relationships",
            "clean.repayments",
            "clean.social_events",
            "clean.transactions",
        ),
    ),
    description="Every customer with an account or an event, at every local midnight",
)

CONTACTS = ObservationSet(
    name="contacts",
    key="customer_id",
    population=Customers(tables=("clean.relationships", "clean.social_events"), days=28),
    description="Everybody who has messages, calls or ties, at the midnights of the last four weeks",
)
