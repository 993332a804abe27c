"""Customers month by month: whoever has an account or a movement on it, at the midnight that ends each month."""

from __future__ import annotations

from datetime import date

from tallystick.spec.observations import Nodes, ObservationSet

# Of this century: a month that is not over at the last load observes nobody yet.
YEARS = range(2000, 2100)

CUSTOMER_MONTHS = ObservationSet(
    name="customer_months",
    key="customer_id",
    population=Nodes(
        tables=("clean.accounts", "clean.transactions"),
        dates=tuple(date(year, month, 1) for year in YEARS for month in range(1, 13)),
    ),
    description="Every customer with an account or a movement on it, at the end of each month",
)
