"""What leisure costs a customer: how much, how steadily, at how many places, and as which part of all spending.

Leisure is the category ``entertainment`` of the clean model; a bank that does not tell it gets zeros. It has a file of
its own because it reads bookings where ``hobbies`` reads the app.

Why a lender cares: high losses come with luxuries, and with people who spend an unusual part of what they have on them
(Vissing-Jorgensen, Consumer Credit: Learning Your Customer's Default Risk from What (S)he Buys, 2011). The same sum,
steady and within the usual, says nothing of the kind; so both stand here.
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share
from tallystick.spec.months import Months

LONG = ("90d", "180d")
SPENT = (
    "direction = 'out' AND category IN ('food', 'shopping', 'entertainment', 'transport', 'medical', 'household', "
    "'utilities', 'insurance', 'cash', 'gambling')"
)
IS_LEISURE = "category = 'entertainment'"
PASTIME = "Spending on leisure"
STEADY = "How steadily you spend on leisure"

LEISURE = FeatureGroup(
    name="leisure",
    table="clean.transactions",
    owner="credit-risk",
    description="What the customer spends on leisure",
    windows=LONG,
    pii="personal",
    where=SPENT,
    measures=(
        Measure(
            name="all",
            value="amount_minor",
            ops="sum",
            description="All spending over {window}, with which leisure is compared",
            reason="Your level of spending",
        ),
        Measure(
            name="spent",
            value="amount_minor",
            where=IS_LEISURE,
            ops="count sum mean std max",
            description="Payments for leisure over {window}: how many, how large, how even",
            reason=PASTIME,
        ),
        Measure(
            name="weekend",
            value="amount_minor",
            where=f"{IS_LEISURE} AND ISODOW(event_at) >= 6",
            ops="sum",
            description="Payments for leisure at weekends over {window}: an outing, where every day is another habit",
            reason=PASTIME,
        ),
        Measure(
            name="places",
            value="counterparty_id",
            where=IS_LEISURE,
            ops="distinct top_share",
            windows=("180d",),
            description="Places paid for leisure over {window}, and the share of the most usual: loyal or roaming",
            reason=PASTIME,
        ),
        Measure(
            name="spent",
            where=IS_LEISURE,
            ops="mean_gap max_gap",
            windows=("180d",),
            description="Days between payments for leisure over {window}: kept up or by fits",
            reason=STEADY,
        ),
        Measure(
            name="spent",
            where=IS_LEISURE,
            ops="days_since_last",
            windows=("all",),
            description="Days since the last payment for leisure: what is given up first",
            reason=STEADY,
        ),
    ),
    derived=(
        Share(
            name="spent",
            a="spent_sum",
            b="all_sum",
            windows=LONG,
            sign=1,
            description="Share of spending that went to leisure over {window}: high losses come with luxuries",
            reason=PASTIME,
        ),
        Share(
            name="weekend",
            a="weekend_sum",
            b="spent_sum",
            windows=LONG,
            description="Share of spending on leisure that fell on weekends, over {window}",
            reason=PASTIME,
        ),
        Share(
            name="spread",
            a="spent_std",
            b="spent_mean",
            windows=("180d",),
            description="Spread of payments for leisure as a multiple of their mean, over {window}: one large splurge",
            reason=STEADY,
        ),
        Ratio(
            of="spent_sum",
            window="90d",
            against="180d",
            description="Spending on leisure per day over {window} against 180 days: cut down, or let go",
            reason=STEADY,
        ),
        Change(
            of="spent_sum",
            windows=("90d",),
            description="Change of spending on leisure over {window} against the same span before",
            reason=STEADY,
        ),
        Months(
            name="spent",
            value="spent_count > 0",
            ops="count current_streak",
            windows=("6m",),
            description="Months with a payment for leisure, in {window}: kept up month after month",
            reason=STEADY,
        ),
    ),
)
