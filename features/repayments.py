"""How running loans are paid: the loan itself, and the other loans of its customer.

Why a lender cares: behaviour on the own book says more of a running loan than anything that was known when it was
granted (Thomas, Crook and Edelman, Credit Scoring and Its Applications, 2017, on behavioural scoring). Who is not late
today may have paid late, in parts, or at the second attempt before.

The three groups are apart by whose rows they count: one loan's payments, one loan's terms, all loans of a customer.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Share

USES = "credit decisions, early warning"
LATE = "Instalments paid late"
MANNER = "How instalments were paid"
LOANS = "Loans you took"
GAP_DAYS = "(EPOCH(event_at) - EPOCH(LAG(event_at))) / 86400"

LOAN_TERMS = FeatureGroup(
    name="loan_terms",
    table="clean.loans",
    owner="credit-risk",
    description="The terms of this loan and its age",
    windows=("all",),
    pii="personal",
    permitted_use=USES,
    per="loan_id",
    measures=(
        Measure(
            name="granted",
            ops="days_since_last",
            description="Days since this loan was granted",
            reason="How long the loan has run",
        ),
        Measure(
            name="lent",
            value="amount_minor",
            ops="last",
            sign=1,
            description="What was lent",
            reason="Amount of the loan",
        ),
        Measure(
            name="term",
            value="term_months",
            ops="last",
            description="Instalments of this loan in all",
            reason="Term of the loan",
        ),
        Measure(
            name="instalment",
            value="instalment_minor",
            ops="last",
            sign=1,
            description="One instalment of this loan",
            reason="Instalment of the loan",
        ),
    ),
)


LOAN_PAYMENTS = FeatureGroup(
    name="loan_payments",
    table="clean.repayments",
    owner="credit-risk",
    description="Payments of this loan: how many, how late, in how many parts",
    windows=("90d", "all"),
    pii="personal",
    permitted_use=USES,
    per="loan_id",
    measures=(
        Measure(
            name="paid",
            value="amount_minor",
            ops="count sum",
            description="Payments of this loan over {window}",
            reason=MANNER,
        ),
        Measure(
            name="paid",
            ops="days_since_last",
            windows=("all",),
            sign=1,
            description="Days since the last payment of this loan",
            reason=LATE,
        ),
        Measure(
            name="instalments",
            value="instalment_number",
            ops="max",
            windows=("all",),
            sign=-1,
            description="The latest instalment of this loan that something was paid for",
            reason=MANNER,
        ),
        Measure(
            name="gap_days",
            value=GAP_DAYS,
            ops="max std last",
            sign=1,
            description="Days from one payment of this loan to the next over {window}: more than 31 is a late one",
            reason=LATE,
        ),
        Measure(
            name="part",
            ops="count",
            where="instalment_number = LAG(instalment_number)",
            sign=1,
            description="Payments for an instalment that one before had not covered, over {window}",
            reason=MANNER,
        ),
        Measure(
            name="late",
            ops="count",
            where=f"{GAP_DAYS} >= 35",
            sign=1,
            description="Payments of this loan 35 days or more after the one before, over {window}",
            reason=LATE,
        ),
        Measure(
            name="second_attempt",
            ops="count",
            where="HOUR(event_at) >= 12",
            sign=1,
            description="Payments of this loan taken in the afternoon over {window}: the morning's attempt had failed",
            reason=MANNER,
        ),
        Measure(
            name="amount",
            value="amount_minor",
            ops="last",
            windows=("all",),
            description="The latest payment of this loan",
            reason=MANNER,
        ),
    ),
    derived=(
        Share(
            name="late",
            a="late_count",
            b="paid_count",
            sign=1,
            description="Share of this loan's payments that came 35 days or more after the one before, over {window}",
            reason=LATE,
        ),
        Share(
            name="second_attempt",
            a="second_attempt_count",
            b="paid_count",
            sign=1,
            description="Share of this loan's payments that the morning's attempt did not bring, over {window}",
            reason=MANNER,
        ),
    ),
)

BORROWING = FeatureGroup(
    name="borrowing",
    table="clean.loans",
    owner="credit-risk",
    description="All loans that the customer took here",
    windows=("90d", "365d", "all"),
    pii="personal",
    permitted_use=USES,
    measures=(
        Measure(
            name="granted",
            value="amount_minor",
            ops="count sum",
            description="Loans granted over {window}",
            reason=LOANS,
        ),
        Measure(
            name="granted",
            ops="days_since_first days_since_last",
            windows=("all",),
            description="Days since a loan was granted",
            reason=LOANS,
        ),
        Measure(
            name="instalment",
            value="instalment_minor",
            ops="sum max",
            sign=1,
            description="Instalments of the loans granted over {window}",
            reason="Instalments of your loans",
        ),
        Measure(
            name="gap_days",
            value="(EPOCH(event_at) - EPOCH(LAG(event_at))) / 86400",
            ops="last",
            windows=("all",),
            sign=-1,
            description="Days from the loan before to the latest one: money that was needed again soon",
            reason=LOANS,
        ),
    ),
)
