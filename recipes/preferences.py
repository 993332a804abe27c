"""Preference segments: customers whose everyday money goes to the same things.

For marketing and portfolio cuts. No credit decision reads them: the features behind them are not permitted for that.
"""

from __future__ import annotations

from tallystick.spec.segments import Segmentation

PREFERENCES = Segmentation(
    name="preferences",
    title="Preference segments",
    description="Customers whose everyday money goes to the same things, for marketing and portfolio cuts",
    observations="customer_months",
    group="preferences",
    parts={
        "preferences_spent_food_sum_180d": "food",
        "preferences_spent_shopping_sum_180d": "shopping",
        "preferences_spent_leisure_sum_180d": "leisure",
        "preferences_spent_transport_sum_180d": "transport",
        "preferences_spent_home_sum_180d": "home",
        "preferences_spent_bills_sum_180d": "bills",
    },
    activity="preferences_spent_count_180d",
    min_activity=20,
    segments=(4, 8),
    permitted_use="marketing, portfolio cuts",
)
