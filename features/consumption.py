"""What the money was for: earning, consumption by kind, gambling, borrowing, help from the family.

One row of clean.transactions is one movement on an account of the customer. Categories are those of the clean model's
open list; a bank that does not tell them gets zeros. Transfers between a customer's own accounts are neither earned nor
spent.

Why a lender cares: above a threshold, defaults rise with the part of income that goes into debt service (Nier, Popa,
Shamloo and Voinea, IMF working paper 19/182, 2019); gambling goes with missed payments (Muggleton et al., Nature Human
Behaviour 5, 2021); what people buy tells their losses apart (Vissing-Jorgensen 2011).
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share
from tallystick.spec.months import Months

MIXED = {
    "food": "food",
    "entertainment": "leisure",
    "transport": "transport",
    "medical": "medical care",
    "utilities": "utilities",
}
KINDS = ("food", "shopping", "entertainment", "transport", "medical", "utilities")
SPENT = (
    "direction = 'out' AND category IN ('food', 'shopping', 'entertainment', 'transport', 'medical', 'household', "
    "'utilities', 'insurance', 'cash', 'gambling')"
)
# What is due whether money is there or not.
BOUND = "category IN ('household', 'utilities', 'insurance', 'leasing', 'loan_payment', 'other_loan_payment')"
EARNED = "direction = 'in' AND category IN ('salary', 'business', 'pension')"

CONSUMPTION = FeatureGroup(
    name="consumption",
    table="clean.transactions",
    owner="credit-risk",
    description="What the customer earns and spends, by kind",
    windows=("30d", "90d", "180d"),
    pii="personal",
    permitted_use="credit decisions, early warning",
    filters={kind: f"category = '{kind}'" for kind in KINDS},
    words={"medical": "medical care", "transport": "transport"},
    measures=(
        Measure(
            name="earned",
            value="amount_minor",
            where=EARNED,
            ops="count sum",
            sign=-1,
            description="Salary, business takings and pensions over {window}",
            reason="Your regular income",
        ),
        Measure(
            name="earned",
            where=EARNED,
            ops="days_since_last",
            windows=("all",),
            sign=1,
            description="Days since the last salary, takings or pension",
            reason="Regular income that has stopped",
        ),
        Measure(
            name="earned",
            where=EARNED,
            ops="max_gap",
            windows=("180d",),
            sign=1,
            description="Longest gap between two payments of income over {window}",
            reason="How regular your income is",
        ),
        Measure(
            name="spent",
            value="amount_minor",
            where=SPENT,
            ops="sum",
            filters=KINDS,
            unfiltered=True,
            description="Spending on {filter} over {window}",
            reason="Spending on {filter}",
        ),
        Measure(
            name="spent",
            where=SPENT,
            ops="count active_days",
            description="Payments for consumption over {window}",
            reason="How often you pay from your account",
        ),
        Measure(
            name="gambling",
            value="amount_minor",
            where="direction = 'out' AND category = 'gambling'",
            ops="count sum active_days max",
            sign=1,
            description="Bets over {window}",
            reason="Spending on gambling",
        ),
        Measure(
            name="gambling_night",
            where="direction = 'out' AND category = 'gambling' AND HOUR(event_at) < 6",
            ops="count",
            sign=1,
            description="Bets between midnight and six over {window}",
            reason="Spending on gambling",
        ),
        Measure(
            name="gambling",
            where="direction = 'out' AND category = 'gambling'",
            ops="days_since_last",
            windows=("all",),
            sign=-1,
            description="Days since the last bet",
            reason="Spending on gambling",
        ),
        Measure(
            name="borrowed",
            value="amount_minor",
            where="direction = 'in' AND category = 'loan_disbursal'",
            ops="count sum",
            windows=("90d", "180d", "all"),
            sign=1,
            description="Loans paid out over {window}",
            reason="Loans you took recently",
        ),
        Measure(
            name="repaid",
            value="amount_minor",
            where="direction = 'out' AND category = 'loan_payment'",
            ops="count sum",
            description="Instalments paid over {window}",
            reason="Instalments of running loans",
        ),
        Measure(
            name="bound",
            value="amount_minor",
            where=f"direction = 'out' AND {BOUND}",
            ops="sum",
            description="Household, utilities, insurance, leasing and all instalments seen over {window}: "
            "due month by month",
            reason="What you have to pay every month",
        ),
        Measure(
            name="late",
            value="amount_minor",
            where="category = 'penalty_interest'",
            ops="count sum",
            sign=1,
            description="Interest for late instalments over {window}",
            reason="Instalments paid late",
        ),
        Measure(
            name="fee",
            where="direction = 'out' AND category = 'fee'",
            ops="count",
            sign=1,
            description="Fees, for instance for orders without cover, over {window}",
            reason="Fees charged on your account",
        ),
        Measure(
            name="support",
            value="amount_minor",
            where="direction = 'in' AND category = 'family_support'",
            ops="count sum",
            sign=1,
            description="Money received from the family over {window}",
            reason="Dependence on help from others",
        ),
    ),
    derived=(
        Share(
            name="spent_of_earned",
            a="spent_sum",
            b="earned_sum",
            sign=1,
            description="Spending as a share of income over {window}",
            reason="Spending compared with income",
        ),
        Share(
            name="gambling",
            a="gambling_sum",
            b="spent_sum",
            sign=1,
            description="Share of spending that went to gambling over {window}",
            reason="Spending on gambling",
        ),
        Share(
            name="shopping",
            a="spent_shopping_sum",
            b="spent_sum",
            description="Share of spending that went to shopping over {window}",
            reason="Pattern of your spending",
        ),
        *(
            Share(
                name=kind,
                a=f"spent_{kind}_sum",
                b="spent_sum",
                windows=("180d",),
                description=f"Share of spending that went to {words} over {{window}}",
                reason="Pattern of your spending",
            )
            for kind, words in MIXED.items()
        ),
        Share(
            name="debt_service",
            a="repaid_sum",
            b="earned_sum",
            sign=1,
            description="Instalments as a share of income over {window}: the more is taken, the less often it is paid",
            reason="Instalments compared with your income",
        ),
        Share(
            name="bound",
            a="bound_sum",
            b="earned_sum",
            sign=1,
            description="What is due month by month as a share of income over {window}: how little can be cut",
            reason="What you have to pay every month, compared with your income",
        ),
        Share(
            name="support",
            a="support_sum",
            b="earned_sum",
            windows=("90d", "180d"),
            sign=1,
            description="Money from the family as a multiple of income over {window}: whom the customer lives on",
            reason="Dependence on help from others",
        ),
        Months(
            name="overspent",
            value="spent_sum > earned_sum",
            ops="count current_streak",
            windows=("6m",),
            sign=1,
            description="Months with more spent than earned, in {window}: living on savings or on others",
            reason="Spending compared with income",
        ),
        Ratio(
            of="earned_sum earned_count",
            window="30d",
            against="180d",
            sign=-1,
            description="Income per day over {window} against 180 days",
            reason="Income that has fallen",
        ),
        Ratio(
            of="spent_sum",
            window="30d",
            against="180d",
            description="Spending per day over {window} against 180 days",
            reason="Change in your spending",
        ),
        Change(
            of="earned_sum",
            windows=("90d",),
            sign=-1,
            description="Change of income over {window} against the same span before",
            reason="Income that has fallen",
        ),
    ),
)
