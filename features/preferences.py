"""What the customer's everyday money goes to, for segments of customers; not for credit decisions.

Apart from ``consumption`` because its purpose is another one: these columns are permitted for marketing and portfolio
cuts only, so a recipe that decides about credit cannot use them, and the columns of ``consumption`` need not be opened
to marketing. Three kinds of spending are left out on purpose. Medical care tells of health, gambling of an addiction
that nobody shall be addressed by, and cash does not tell what it bought.

Why a lender cares: an offer that fits what a customer spends on is answered more often, and a portfolio that is cut by
consumption shows which industries it depends on.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure

# Names of the parts, and the categories of the clean model that they hold.
PARTS = {
    "food": "food",
    "shopping": "shopping",
    "leisure": "entertainment",
    "transport": "transport",
    "home": "household",
    "bills": "utilities",
}
SPENT = f"direction = 'out' AND category IN ({', '.join(repr(category) for category in PARTS.values())})"

PREFERENCES = FeatureGroup(
    name="preferences",
    table="clean.transactions",
    owner="customer-insight",
    description="What the customer's everyday money goes to",
    windows=("180d",),
    pii="personal",
    permitted_use="marketing, portfolio cuts",
    filters={part: f"category = '{category}'" for part, category in PARTS.items()},
    words={"bills": "electricity, water and the like", "home": "the home"},
    measures=(
        Measure(
            name="spent",
            value="amount_minor",
            where=SPENT,
            ops="sum",
            filters=tuple(PARTS),
            description="Spending on {filter} over {window}",
            reason="Spending on {filter}",
        ),
        Measure(
            name="spent",
            where=SPENT,
            ops="count",
            description="Everyday payments over {window}: of few payments, shares are chance",
            reason="How often you pay from your account",
        ),
    ),
)
