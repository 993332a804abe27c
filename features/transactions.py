"""What an account's movements say: income, spending, balances, silence.

One row of clean.transactions is one movement on an account of the customer. Amounts are minor units and never
negative; the direction says which way the money went.
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share

# What comes in from others: the bank's own interest says nothing about a livelihood.
INCOME = "direction = 'in' AND COALESCE(category, 'none') <> 'interest'"

# Balances that leave a thin cushion, in units of the account's currency.
THRESHOLDS = ("below_5000", "below_7500", "below_10000", "below_15000")

RECENT = ("60d", "90d", "180d", "365d")

NET = "CASE WHEN direction = 'in' THEN amount_minor ELSE 0 - amount_minor END"

TRANSACTIONS = FeatureGroup(
    name="transactions",
    table="clean.transactions",
    owner="credit-risk",
    description="Movements on the customer's accounts",
    windows=("30d", "90d", "180d", "365d", "all"),
    filters={
        "cash": "channel = 'cash'",
        "transfer": "channel = 'transfer'",
        "card": "channel = 'card'",
        "household": "category = 'household'",
        "insurance": "category = 'insurance'",
        "fee": "category = 'fee'",
        "pension": "category = 'pension'",
        "salary": "category = 'salary'",
        "interest": "category = 'interest'",
        "loan_payment": "category = 'loan_payment'",
        "below_5000": "balance_minor < 500000",
        "below_7500": "balance_minor < 750000",
        "below_10000": "balance_minor < 1000000",
        "below_15000": "balance_minor < 1500000",
    },
    words={"transfer": "bank transfers", "fee": "account fees", "interest": "interest earned"},
    measures=(
        Measure(
            name="credit",
            value="amount_minor",
            where="direction = 'in'",
            ops="count sum mean std max",
            unfiltered=True,
            sign=-1,
            description="Money received over {window}",
            reason="Money received in your account",
        ),
        Measure(
            name="credit",
            value="amount_minor",
            where="direction = 'in'",
            ops="sum",
            filters=("cash", "transfer", "pension", "salary", "interest"),
            sign=-1,
            description="Money received as {filter} over {window}",
            reason="Money received as {filter}",
        ),
        Measure(
            name="credit",
            value="amount_minor",
            where="direction = 'in'",
            ops="mean",
            filters=("transfer",),
            sign=-1,
            description="Mean amount received as {filter} over {window}",
            reason="Money received as {filter}",
        ),
        Measure(
            name="income",
            value="amount_minor",
            where=INCOME,
            ops="count mean min",
            windows=RECENT,
            sign=-1,
            description="Money received, interest left out, over {window}",
            reason="Your regular income",
        ),
        Measure(
            name="income",
            value="amount_minor",
            where=INCOME,
            ops="std",
            windows=RECENT,
            sign=1,
            description="Spread of the money received, interest left out, over {window}",
            reason="How even your income is",
        ),
        Measure(
            name="debit",
            value="amount_minor",
            where="direction = 'out'",
            ops="count sum mean std max",
            unfiltered=True,
            description="Money spent over {window}",
            reason="Your level of spending",
        ),
        Measure(
            name="debit",
            value="amount_minor",
            where="direction = 'out'",
            ops="count sum",
            filters=("cash", "transfer", "card", "household", "insurance", "fee", "loan_payment"),
            description="Money spent on {filter} over {window}",
            reason="Spending on {filter}",
        ),
        Measure(
            name="debit",
            value="amount_minor",
            where="direction = 'out'",
            ops="mean",
            filters=("cash",),
            sign=1,
            description="Mean amount spent in {filter} over {window}",
            reason="Large withdrawals of cash",
        ),
        Measure(
            name="household_cash",
            value="amount_minor",
            where="direction = 'out' AND channel = 'cash' AND category = 'household'",
            ops="count sum",
            sign=1,
            description="Household bills paid in cash over {window}",
            reason="Household bills paid in cash",
        ),
        Measure(
            name="household_transfer",
            value="amount_minor",
            where="direction = 'out' AND channel = 'transfer' AND category = 'household'",
            ops="count sum",
            sign=-1,
            description="Household bills paid by transfer over {window}",
            reason="Regular payment of household bills",
        ),
        Measure(
            name="net",
            value=NET,
            ops="sum slope",
            sign=-1,
            description="Money received less money spent over {window}",
            reason="Spending compared with income",
        ),
        Measure(
            name="balance",
            value="balance_minor",
            ops="last",
            windows=("all",),
            sign=-1,
            description="Balance after the last movement",
            reason="Current account balance",
        ),
        Measure(
            name="balance",
            value="balance_minor",
            ops="min mean max std quantile(0.1)",
            sign=-1,
            description="Account balance over {window}",
            reason="Level of your account balance",
        ),
        Measure(
            name="low_balance",
            ops="count",
            filters=THRESHOLDS,
            windows=("90d", "180d", "365d", "all"),
            sign=1,
            description="Movements that left a balance {filter} over {window}",
            reason="Low account balance",
        ),
        Measure(
            name="overdrawn",
            where="balance_minor < 0",
            ops="count active_days",
            sign=1,
            description="Movements that left the account overdrawn over {window}",
            reason="Overdrawn account",
        ),
        Measure(
            name="overdrawn",
            where="balance_minor < 0",
            ops="days_since_last",
            windows=("all",),
            sign=-1,
            description="Days since the account was last overdrawn",
            reason="Recently overdrawn account",
        ),
        Measure(
            name="penalty",
            value="amount_minor",
            where="category = 'penalty_interest'",
            ops="count sum",
            sign=1,
            description="Penalty interest charged over {window}",
            reason="Penalty interest charged on your account",
        ),
        Measure(
            name="activity",
            ops="count active_days mean_gap max_gap",
            description="How often the account moved over {window}",
            reason="How regularly your account is used",
        ),
        Measure(
            name="history",
            ops="days_since_first days_since_last",
            windows=("all",),
            sign=-1,
            description="Length of the account's history",
            reason="Length of your history with us",
        ),
        Measure(
            name="counterparty",
            value="counterparty_id",
            ops="distinct entropy top_share",
            windows=("90d", "365d", "all"),
            description="Spread of counterparties over {window}",
            reason="Variety of your payment partners",
        ),
        Measure(
            name="category",
            value="category",
            ops="distinct entropy",
            windows=("90d", "365d", "all"),
            description="Spread of kinds of movement over {window}",
            reason="Variety of your account use",
        ),
    ),
    derived=(
        *(
            Share(
                name=f"low_balance_{threshold}",
                a=f"low_balance_{threshold}_count",
                b="activity_count",
                sign=1,
                description=f"Share of movements that left a balance {threshold.replace('_', ' ')}, over {{window}}",
                reason="Low account balance",
            )
            for threshold in THRESHOLDS
        ),
        Share(name="spent", a="debit_sum", b="credit_sum", sign=1, reason="Spending compared with income"),
        Share(name="cash_spent", a="debit_cash_sum", b="debit_sum", sign=1, reason="Share of spending in cash"),
        Share(name="household_spent", a="debit_household_sum", b="debit_sum", reason="Share of household payments"),
        Ratio(
            of=("credit_sum", "debit_sum", "activity_count"),
            window="90d",
            against="365d",
            reason="Recent change of your account use",
        ),
        Change(of=("credit_sum", "debit_sum"), windows=("90d", "180d"), reason="Recent change of your account use"),
    ),
)
