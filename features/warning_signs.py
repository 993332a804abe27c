"""Signs on the account that a running loan may be missed soon, as lenders and supervisors list them.

Why a lender cares: long before an instalment is missed the account empties, orders run out of cover, and money comes
from other lenders or goes to bets and into cash. Supervisors ask for such indicators with declared levels (EBA,
Guidelines on loan origination and monitoring, EBA/GL/2020/06, section 8.5; Saudi Central Bank, Rules and Guidelines on
Management of Problem Loans, 2020). The levels are in ``rules/early_warning.yaml``. What other groups have already,
such as pay that stops (``income``), is not repeated here.
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio
from tallystick.spec.months import Months

COVER = "Payments without cover on your account"
BALANCE = "Your account balance has fallen"
DEBTS = "Loans of other lenders"
# Five yuan in minor units: what is left when everything was taken out.
EMPTY = 500

WARNING_SIGNS = FeatureGroup(
    name="warning_signs",
    table="clean.transactions",
    owner="credit-risk",
    description="Balance that falls, payments without cover, other lenders, bets and cash, month by month",
    windows=("30d", "90d"),
    pii="personal",
    permitted_use="credit decisions, early warning",
    filters={
        "gambling": "direction = 'out' AND category = 'gambling'",
        "cash": "direction = 'out' AND channel = 'cash'",
        "utilities": "direction = 'out' AND category = 'utilities'",
        "other_lenders": "direction = 'out' AND category = 'other_loan_payment'",
    },
    words={
        "gambling": "bets",
        "cash": "cash taken out",
        "utilities": "utilities",
        "other_lenders": "instalments of other lenders",
    },
    measures=(
        Measure(
            name="balance",
            value="balance_minor",
            ops="last",
            windows=("90d", "180d"),
            previous=True,
            sign=-1,
            description="Balance after the last movement of {window}",
            reason=BALANCE,
        ),
        Measure(
            name="spent",
            value="amount_minor",
            ops="count sum",
            filters=("gambling", "cash", "utilities", "other_lenders"),
            windows=("30d", "90d", "180d"),
            description="Spent on {filter} over {window}",
            reason="What your money goes to",
        ),
        Measure(
            name="lent",
            value="amount_minor",
            where="direction = 'in' AND category = 'other_loan_disbursal'",
            ops="count sum",
            windows=("90d", "180d"),
            sign=1,
            description="Loans of other lenders that came in over {window}",
            reason=DEBTS,
        ),
        Measure(
            name="lender",
            value="counterparty_id",
            where="category IN ('other_loan_disbursal', 'other_loan_payment')",
            ops="distinct new",
            base="all",
            sign=1,
            description="Other lenders whose payments were seen over {window}",
            reason=DEBTS,
        ),
        Measure(
            name="uncovered",
            where="direction = 'out' AND category = 'fee'",
            ops="count days_since_last",
            windows=("180d",),
            sign=1,
            description="Fees over {window}, mostly for standing orders without cover",
            reason=COVER,
        ),
        Measure(
            name="empty",
            where=f"balance_minor < {EMPTY}",
            ops="count active_days",
            sign=1,
            description="Movements that left the account empty or overdrawn, over {window}",
            reason=BALANCE,
        ),
        Measure(
            name="fee",
            where="direction = 'out' AND category = 'fee'",
            ops="count",
            windows=("12m",),
            sign=1,
            description="Fees over {window}",
            reason=COVER,
        ),
        Measure(
            name="lowest",
            value="balance_minor",
            ops="min",
            windows=("12m",),
            sign=-1,
            description="Lowest balance of {window}",
            reason=BALANCE,
        ),
    ),
    derived=(
        Change(
            of="balance_last",
            windows=("180d",),
            sign=-1,
            description="Change of the balance over {window}: -0.95 is an account that has lost 95 of 100",
            reason=BALANCE,
        ),
        Ratio(
            of="spent_gambling_sum",
            window="30d",
            against="180d",
            sign=1,
            description="Bets per day over {window} against 180 days",
            reason="What your money goes to",
        ),
        Ratio(
            of="spent_cash_sum",
            window="30d",
            against="180d",
            sign=1,
            description="Cash per day over {window} against 180 days",
            reason="What your money goes to",
        ),
        Ratio(
            of="spent_other_lenders_sum",
            window="30d",
            against="180d",
            sign=1,
            description="Instalments of other lenders per day over {window} against 180 days",
            reason=DEBTS,
        ),
        Months(
            name="uncovered",
            value="fee_count > 0",
            ops="count current_streak",
            windows=("6m",),
            sign=1,
            description="Months with a payment without cover, in {window}",
            reason=COVER,
        ),
        Months(
            name="emptied",
            value=f"lowest_min < {EMPTY}",
            ops="count current_streak",
            windows=("6m",),
            sign=1,
            description="Months in which the account was empty or overdrawn, in {window}",
            reason=BALANCE,
        ),
    ),
)
