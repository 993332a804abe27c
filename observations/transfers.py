"""Money that leaves: transfers to others and cash, each reviewed on the next day."""

from __future__ import annotations

from tallystick.spec.observations import ObservationSet, RowsAfter

TRANSFERS = ObservationSet(
    name="transfers",
    key="transaction_id",
    # What a shop or a lender gets is no way to carry money off; a category that a source does not tell may be one. From
    # 1,000 yuan a day on, a Chinese payment needs two factors (People's Bank, online payments, 2015, article 24); in
    # the data of this bank that is every fiftieth booking.
    population=RowsAfter(
        table="clean.transactions",
        where="direction = 'out' AND COALESCE(category, 'transfer') IN ('transfer', 'cash') AND amount_minor >= 100000",
    ),
    # A bank delivers the bookings of a day in the night after it.
    review_days=1,
    description="Each transfer to others and each withdrawal of cash of 1,000 or more, as reviewed on the next day",
)
