"""What kind of account a customer keeps, since when, and who else may use it."""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure

ACCOUNTS = FeatureGroup(
    name="accounts",
    table="clean.accounts",
    owner="credit-risk",
    description="The customer's accounts",
    windows=("all",),
    permitted_use="credit decisions, early warning",
    measures=(
        Measure(
            name="held",
            ops="count days_since_first days_since_last",
            sign=-1,
            description="Accounts opened and days since",
            reason="How long you have had an account",
        ),
        Measure(
            name="weekly_statement",
            value="CASE WHEN statement_frequency = 'weekly' THEN 1 ELSE 0 END",
            ops="last",
            description="1 where the latest account has weekly statements",
            reason="How your account is kept",
        ),
        Measure(
            name="statement_per_transaction",
            value="CASE WHEN statement_frequency = 'per_transaction' THEN 1 ELSE 0 END",
            ops="last",
            description="1 where the latest account has a statement after each transaction",
            reason="How your account is kept",
        ),
    ),
)

HOLDERS = FeatureGroup(
    name="holders",
    table="clean.account_holders",
    owner="credit-risk",
    description="People who may use the customer's accounts",
    windows=("all",),
    filters={"authorised": "role = 'authorised'"},
    measures=(
        Measure(
            name="people",
            value="holder_id",
            ops="count distinct",
            filters=("authorised",),
            unfiltered=True,
            sign=-1,
            description="People who may use the account",
            reason="Number of people who use your account",
        ),
    ),
)

CARDS = FeatureGroup(
    name="cards",
    table="clean.cards",
    owner="credit-risk",
    description="Cards issued on the customer's accounts",
    windows=("365d", "all"),
    filters={"junior": "card_type = 'junior'", "classic": "card_type = 'classic'", "gold": "card_type = 'gold'"},
    measures=(
        Measure(
            name="issued",
            ops="count",
            filters=("junior", "classic", "gold"),
            unfiltered=True,
            sign=-1,
            description="Cards issued over {window}",
            reason="Cards held",
        ),
        Measure(
            name="issued",
            ops="days_since_first days_since_last",
            windows=("all",),
            description="Days since a card was issued",
            reason="How long you have held a card",
        ),
    ),
)

ORDERS = FeatureGroup(
    name="orders",
    table="clean.orders",
    owner="credit-risk",
    description="Standing orders on the customer's accounts",
    windows=("all",),
    permitted_use="credit decisions, early warning",
    filters={
        "household": "category = 'household'",
        "insurance": "category = 'insurance'",
        "leasing": "category = 'leasing'",
    },
    measures=(
        Measure(
            name="standing",
            value="amount_minor",
            ops="count sum max",
            filters=("household", "insurance", "leasing"),
            unfiltered=True,
            description="Standing orders for {filter}",
            reason="Standing orders for {filter}",
        ),
        Measure(
            name="bank",
            value="counterparty_bank",
            ops="distinct",
            description="Banks that standing orders go to",
            reason="Variety of your standing orders",
        ),
    ),
)
