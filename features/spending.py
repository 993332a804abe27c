"""How a customer spends: when after payday, where, how steadily, and how much of it on what cannot be cut.

Spending is what ``consumption`` calls so: payments out of the kinds that are bought, bound or drawn as cash; transfers
to people, savings and instalments are none. Essentials are food, the household, utilities, medical care, transport and
insurance. A payment in of a kind that one buys is a refund. ``consumption`` has sums by kind, with income and debt;
this group has a file of its own because it looks at places and hours.

Why a lender cares: whoever spends more right after payday is impatient, and pays down less debt (Kuchler and Pagel,
Journal of Financial Economics 139, 2021); where and how variedly people shop told later trouble
apart better than demographics did (Singh, Bozkaya and Pentland, PLoS ONE 10, 2015); cash leaves no trace of what it
bought; purchases by night are paid less often (Berg et al., Review of Financial Studies 33, 2020).
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share, ZScore
from tallystick.spec.months import Months

LONG = ("90d", "180d")
ESSENTIALS = "'food', 'household', 'utilities', 'medical', 'transport', 'insurance'"
BOUGHT = f"{ESSENTIALS}, 'shopping', 'entertainment'"
SPENT = f"direction = 'out' AND category IN ({BOUGHT}, 'cash', 'gambling')"
LEISURE = "direction = 'out' AND category = 'entertainment'"
# Seconds since the last income before a row.
_WAS_EARNED = "LAG(direction) = 'in' AND LAG(category) IN ('salary', 'business', 'pension')"
SINCE_PAY = f"EPOCH(event_at) - LAST_VALUE(CASE WHEN {_WAS_EARNED} THEN EPOCH(LAG(event_at)) END IGNORE NULLS)"
FEW_DAYS = 3 * 86_400
# Never paid by this customer before.
NEW_PLACE = "counterparty_id IS NOT NULL AND LAG(direction) OVER (PARTITION BY counterparty_id) IS NULL"

MIX = "Pattern of your spending"
STEADY = "How steady your spending is"
CASH = "Share of spending in cash"
PAYDAY = "Spending right after payday"
PLACES = "Where you spend"
PASTIME = "Spending on leisure"
KEPT_UP = "How steadily you spend on leisure"

SPENDING = FeatureGroup(
    name="spending",
    table="clean.transactions",
    owner="credit-risk",
    description="Mix, places and rhythm of what the customer spends",
    windows=LONG,
    pii="personal",
    permitted_use="credit decisions, early warning",
    measures=(
        Measure(
            name="all",
            value="amount_minor",
            where=SPENT,
            ops="sum mean std",
            windows=("30d", *LONG),
            description="Spending over {window}, with its usual size and spread",
            reason="Your level of spending",
        ),
        Measure(
            name="kinds",
            value="category",
            where=SPENT,
            ops="entropy hhi",
            description="How evenly payments are spread over kinds over {window}: a full life or a bare one",
            reason=MIX,
        ),
        Measure(
            name="essentials",
            value="amount_minor",
            where=f"{SPENT} AND category IN ({ESSENTIALS})",
            ops="sum",
            windows=("30d", *LONG),
            description="Spending on essentials over {window}: what cannot be cut when money is short",
            reason=MIX,
        ),
        Measure(
            name="cash",
            value="amount_minor",
            where=f"{SPENT} AND (channel = 'cash' OR category = 'cash')",
            ops="count sum",
            description="Spending in cash over {window}: money whose use nobody sees",
            reason=CASH,
        ),
        Measure(
            name="refund",
            value="amount_minor",
            where=f"direction = 'in' AND category IN ({BOUGHT}, 'refund')",
            ops="count sum",
            description="Refunds over {window}: goods sent back, or a loop of buying and returning",
            reason="Refunds",
        ),
        Measure(
            name="after_pay",
            value="amount_minor",
            where=f"{SPENT} AND {SINCE_PAY} < {FEW_DAYS}",
            ops="sum",
            description="Spending within three days of income over {window}: money that does not last the month",
            reason=PAYDAY,
        ),
        Measure(
            name="weekend",
            value="amount_minor",
            where=f"{SPENT} AND ISODOW(event_at) >= 6",
            ops="sum",
            description="Spending at weekends over {window}: a week of work has one, idle days have none",
            reason=STEADY,
        ),
        Measure(
            name="night",
            value="amount_minor",
            where=f"{SPENT} AND HOUR(event_at) < 6",
            ops="count sum",
            description="Spending between midnight and six over {window}: purchases by night are paid less often",
            reason="Activity at night",
        ),
        Measure(
            name="places",
            value="counterparty_id",
            where=SPENT,
            ops="distinct entropy top_share",
            description="Places paid over {window}: how many, how evenly, and the share of the most usual",
            reason=PLACES,
        ),
        Measure(
            name="places",
            value="counterparty_id",
            where=SPENT,
            ops="kept_share",
            windows=("90d",),
            description="Places paid in the span before that are paid again over {window}: habits that go on",
            reason=PLACES,
        ),
        Measure(
            name="kinds",
            value="category",
            where=SPENT,
            ops="similarity",
            base="180d",
            windows=("30d",),
            description="How alike the mix of payments over {window} is to that of the half-year before",
            reason=STEADY,
        ),
        Measure(
            name="new_places",
            ops="count",
            where=f"{SPENT} AND {NEW_PLACE}",
            windows=("30d", "90d"),
            description="Places paid for the first time in {window}: habits that wander",
            reason=PLACES,
        ),
        Measure(
            name="all",
            ops="count",
            where=SPENT,
            windows=("30d", "90d"),
            description="Payments over {window}",
            reason="How often you pay from your account",
        ),
        Measure(
            name="leisure",
            value="amount_minor",
            where=LEISURE,
            ops="count sum mean std max",
            description="Payments for leisure over {window}: how many, how large, how even",
            reason=PASTIME,
        ),
        Measure(
            name="leisure_weekend",
            value="amount_minor",
            where=f"{LEISURE} AND ISODOW(event_at) >= 6",
            ops="sum",
            description="Payments for leisure at weekends over {window}: an outing, where every day is another habit",
            reason=PASTIME,
        ),
        Measure(
            name="leisure_places",
            value="counterparty_id",
            where=LEISURE,
            ops="distinct top_share",
            windows=("180d",),
            description="Places paid for leisure over {window}, and the share of the most usual: loyal or roaming",
            reason=PASTIME,
        ),
        Measure(
            name="leisure",
            where=LEISURE,
            ops="mean_gap max_gap",
            windows=("180d",),
            description="Days between payments for leisure over {window}: kept up or by fits",
            reason=KEPT_UP,
        ),
        Measure(
            name="leisure",
            where=LEISURE,
            ops="days_since_last",
            windows=("all",),
            description="Days since the last payment for leisure: what is given up first",
            reason=KEPT_UP,
        ),
    ),
    derived=(
        Share(
            name="essentials",
            a="essentials_sum",
            b="all_sum",
            windows=("30d", *LONG),
            description="Share of spending on essentials over {window}: little is left to cut, or much to spare",
            reason=MIX,
        ),
        Share(
            name="spread",
            a="all_std",
            b="all_mean",
            windows=LONG,
            description="Spread of payments as a multiple of their mean, over {window}: even, or in large sums",
            reason=STEADY,
        ),
        Share(
            name="cash",
            a="cash_sum",
            b="all_sum",
            windows=LONG,
            sign=1,
            description="Share of spending in cash over {window}",
            reason=CASH,
        ),
        Share(
            name="refund",
            a="refund_sum",
            b="all_sum",
            windows=LONG,
            description="Refunds as a share of spending over {window}",
            reason="Refunds",
        ),
        Share(
            name="after_pay",
            a="after_pay_sum",
            b="all_sum",
            windows=LONG,
            sign=1,
            description="Share of spending within three days of income over {window}: short at the end of the month",
            reason=PAYDAY,
        ),
        Share(
            name="weekend",
            a="weekend_sum",
            b="all_sum",
            windows=LONG,
            description="Share of spending at weekends over {window}",
            reason=STEADY,
        ),
        Share(
            name="night",
            a="night_sum",
            b="all_sum",
            windows=LONG,
            sign=1,
            description="Share of spending between midnight and six over {window}",
            reason="Activity at night",
        ),
        Share(
            name="new_places",
            a="new_places_count",
            b="all_count",
            windows=("30d", "90d"),
            description="Share of payments to places paid for the first time, over {window}: habits that wander",
            reason=PLACES,
        ),
        Ratio(
            of="essentials_sum",
            window="30d",
            against="180d",
            description="Spending on essentials per day over {window} against 180 days: cut to the bone",
            reason=STEADY,
        ),
        Change(
            of="kinds_entropy places_entropy",
            windows=("90d",),
            description="Change of how evenly spending is spread, over {window} against the same span before",
            reason=STEADY,
        ),
        ZScore(
            of="all_sum",
            windows=("30d",),
            k=6,
            description="Spending over {window} in standard deviations from the six such months before",
            reason=STEADY,
        ),
        Months(
            name="all",
            value="all_sum",
            ops="std min max",
            windows=("6m",),
            description="Spending of a month: spread, least and most, over {window}",
            reason=STEADY,
        ),
        Share(
            name="leisure",
            a="leisure_sum",
            b="all_sum",
            windows=LONG,
            sign=1,
            description="Share of spending that went to leisure over {window}: high losses come with luxuries",
            reason=PASTIME,
        ),
        Share(
            name="leisure_weekend",
            a="leisure_weekend_sum",
            b="leisure_sum",
            windows=LONG,
            description="Share of spending on leisure that fell on weekends, over {window}",
            reason=PASTIME,
        ),
        Share(
            name="leisure_spread",
            a="leisure_std",
            b="leisure_mean",
            windows=("180d",),
            description="Spread of payments for leisure as a multiple of their mean, over {window}: one large splurge",
            reason=KEPT_UP,
        ),
        Ratio(
            of="leisure_sum",
            window="90d",
            against="180d",
            description="Spending on leisure per day over {window} against 180 days: cut down, or let go",
            reason=KEPT_UP,
        ),
        Change(
            of="leisure_sum",
            windows=("90d",),
            description="Change of spending on leisure over {window} against the same span before",
            reason=KEPT_UP,
        ),
        Months(
            name="leisure",
            value="leisure_count > 0",
            ops="count current_streak",
            windows=("6m",),
            description="Months with a payment for leisure, in {window}: kept up month after month",
            reason=KEPT_UP,
        ),
    ),
)
