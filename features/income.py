"""What a customer lives on, inferred from bookings: how much comes in, how regularly, and from whom.

Income is what the bank books as salary, takings of a business or pension, and every payment from others whose kind it
does not tell; never a declared income. A payer is the account that the money came from. ``consumption`` compares income
with spending and debt; this group has a file of its own because it looks at single payments and payers, month by month.

Why a lender cares: a loan is paid from income. Most who default lost it or see it fluctuate (unemployment and income
shocks: Gerardi, Herkenhoff, Ohanian and Willen, Review of Financial Studies 31, 2018), and it ends before the first
instalment is missed: a payday that does not come, a payer who changes, months without pay.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Share
from tallystick.spec.months import Months

KINDS = ("salary", "business", "pension")
LONG = ("90d", "180d")
EARNED = "direction = 'in' AND COALESCE(category, 'salary') IN ('salary', 'business', 'pension')"
# Whether the row before is income, and of the last row before that was: when it came, and from whom.
_WAS_EARNED = "LAG(direction) = 'in' AND COALESCE(LAG(category), 'salary') IN ('salary', 'business', 'pension')"
PAID_BEFORE = f"LAST_VALUE(CASE WHEN {_WAS_EARNED} THEN EPOCH(LAG(event_at)) END IGNORE NULLS)"
PAYER_BEFORE = f"LAST_VALUE(CASE WHEN {_WAS_EARNED} THEN LAG(counterparty_id) END IGNORE NULLS)"

AMOUNT = "Your regular income"
REGULAR = "How regular your income is"
PAYER = "Who pays your income"
STOPPED = "Regular income that has stopped"

INCOME = FeatureGroup(
    name="income",
    table="clean.transactions",
    owner="credit-risk",
    description="What comes in as income: amounts, paydays and payers",
    windows=LONG,
    pii="personal",
    permitted_use="credit decisions, early warning",
    where=EARNED,
    filters={kind: f"category = '{kind}'" for kind in KINDS},
    words={"salary": "salary", "business": "takings of a business", "pension": "pensions"},
    measures=(
        Measure(
            name="pay",
            value="amount_minor",
            ops="count sum mean quantile(0.5)",
            sign=-1,
            description="Payments of income over {window}: how many, how much, the usual one",
            reason=AMOUNT,
        ),
        Measure(
            name="pay",
            value="amount_minor",
            ops="std",
            description="Spread of payments of income over {window}: it grows with their size, spread_share does not",
            reason=REGULAR,
        ),
        Measure(
            name="pay",
            value="amount_minor",
            ops="last min",
            windows=("180d",),
            sign=-1,
            description="Smallest and latest payment of income over {window}: the pay that can be counted on",
            reason=AMOUNT,
        ),
        Measure(
            name="pay",
            value="amount_minor",
            ops="sum",
            filters=KINDS,
            windows=("180d",),
            description="Income as {filter} over {window}: each stops in another way",
            reason=AMOUNT,
        ),
        Measure(
            name="pay",
            ops="days_since_first",
            windows=("all",),
            sign=-1,
            description="Days since the first payment of income: a livelihood that has lasted",
            reason=REGULAR,
        ),
        Measure(
            name="gap_days",
            value=f"(EPOCH(event_at) - {PAID_BEFORE}) / 86400",
            ops="mean std max",
            windows=("180d",),
            sign=1,
            description="Days from one payment of income to the next over {window}: paydays that drift or fail",
            reason=REGULAR,
        ),
        Measure(
            name="payday",
            value="DAY(event_at)",
            ops="entropy",
            windows=("180d",),
            sign=1,
            description="How evenly income falls on the days of the month, over {window}: a fixed payday is 0",
            reason=REGULAR,
        ),
        Measure(
            name="payers",
            value="counterparty_id",
            ops="distinct",
            description="Payers of income over {window}: one employer, or many customers of a business",
            reason=PAYER,
        ),
        Measure(
            name="payers",
            value="counterparty_id",
            ops="top_kept",
            windows=("90d",),
            sign=-1,
            description="1 where the usual payer of income over {window} is that of the span before: a kept job",
            reason=PAYER,
        ),
        Measure(
            name="per_payer",
            value="amount_minor",
            each="counterparty_id",
            ops="max",
            sign=-1,
            description="Income from the payer who pays most, over {window}: what hangs on one payer",
            reason=PAYER,
        ),
        Measure(
            name="same_payer",
            ops="count",
            where=f"counterparty_id = {PAYER_BEFORE}",
            sign=-1,
            description="Payments of income from the same payer as the one before, over {window}: a job that is kept",
            reason=PAYER,
        ),
        Measure(
            name="other_payer",
            ops="days_since_last",
            where=f"counterparty_id <> {PAYER_BEFORE}",
            windows=("all",),
            sign=-1,
            description="Days since income came from another payer than before: how long the job has been the same",
            reason=PAYER,
        ),
    ),
    derived=(
        Share(
            name="spread",
            a="pay_std",
            b="pay_mean",
            windows=LONG,
            sign=1,
            description="Spread of payments of income as a multiple of their mean, over {window}: pay by the piece",
            reason=REGULAR,
        ),
        Share(
            name="main_payer",
            a="per_payer_max",
            b="pay_sum",
            description="Share of income from the payer who pays most, over {window}: 1 is one employer",
            reason=PAYER,
        ),
        Share(
            name="same_payer",
            a="same_payer_count",
            b="pay_count",
            sign=-1,
            description="Share of payments of income from the same payer as the one before, over {window}",
            reason=PAYER,
        ),
        Share(
            name="last_pay",
            a="pay_last",
            b="pay_q50",
            windows=("180d",),
            sign=-1,
            description="Latest payment of income as a multiple of the usual one over {window}: pay that was cut",
            reason=AMOUNT,
        ),
        Months(
            name="pay",
            value="pay_sum",
            ops="mean std min last",
            windows=("6m",),
            description="Income of a month: mean, spread, least and last, over {window}: what a month can bear",
            reason=AMOUNT,
        ),
        Months(
            name="step",
            value="pay_sum / LAG(pay_sum)",
            ops="last std",
            windows=("6m",),
            description="Income of a month as a multiple of the month before, last and its spread, over {window}",
            reason=REGULAR,
        ),
        Months(
            name="unpaid",
            value="pay_sum = 0",
            ops="count current_streak longest_streak",
            windows=("6m", "12m"),
            sign=1,
            description="Months without income, in {window}: work that was lost",
            reason=STOPPED,
        ),
        Months(
            name="cut",
            value="pay_sum < 0.8 * LAG(pay_sum)",
            ops="count",
            windows=("6m",),
            sign=1,
            description="Months with a fifth less income than the month before, in {window}",
            reason=STOPPED,
        ),
    ),
)
