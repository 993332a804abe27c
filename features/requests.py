"""Requests for money, what was lent and paid back, and what is confirmed of the customer: for reviews of applications.

One row of clean.applications is a request, of clean.loans what was lent, of clean.repayments what came back, of
clean.credit_inquiries that another lender asked the credit bureau, of clean.fraud_reports that the bank confirmed a
case.

Why fraud review cares: who means to pay nothing asks for all that can be had within days, from several lenders at once,
and never pays the first instalment (Federal Reserve, Synthetic Identity Fraud, 2019). People in need look alike. For
fraud review only; a confirmed case counts from the day on which the bank was sure.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure

DAY = 86_400
LOANS = "Your loans with us"
ASKED = "Number of your applications"
LENDERS = "Requests to other lenders"
PAID = "Payments of your instalments"
REPORTS = "A case of fraud that was confirmed"

REQUESTS = FeatureGroup(
    name="requests",
    table="clean.applications",
    owner="fraud-desk",
    description="Requests for loans in a short time, for fraud review",
    windows=("24h", "7d", "30d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="asked",
            value="amount_minor",
            ops="count sum max",
            windows=("24h", "7d", "30d", "90d"),
            description="Requests over {window}",
            reason=ASKED,
        ),
        Measure(
            name="purpose",
            value="purpose",
            ops="distinct",
            windows=("30d", "90d"),
            description="Purposes given over {window}",
            reason=ASKED,
        ),
        Measure(
            name="step",
            value="amount_minor / LAG(amount_minor)",
            where="EPOCH(event_at) - EPOCH(LAG(event_at)) < 604800",
            ops="last min",
            windows=("7d", "30d"),
            description="A request over the one less than a week before it: asked for less after a refusal",
            reason=ASKED,
        ),
        Measure(
            name="days_before",
            value=f"(EPOCH(event_at) - EPOCH(LAG(event_at))) / {DAY}",
            ops="last",
            windows=("all",),
            description="Days between the last request and the one before",
            reason=ASKED,
        ),
        Measure(
            name="known",
            ops="days_since_first count",
            windows=("all",),
            description="Days since the first request, and requests in all",
            reason=ASKED,
        ),
        Measure(
            name="night",
            ops="count",
            where="HOUR(event_at) < 6",
            windows=("30d",),
            description="Requests between midnight and six over {window}",
            reason="Activity at night",
        ),
    ),
)

LENT = FeatureGroup(
    name="lent",
    table="clean.loans",
    owner="fraud-desk",
    description="Loans that were granted in a short time, and when the last one falls due, for fraud review",
    windows=("7d", "30d", "90d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="loan",
            value="amount_minor",
            ops="count sum",
            windows=("7d", "30d", "90d", "all"),
            description="Loans granted over {window}",
            reason=LOANS,
        ),
        Measure(
            name="loan",
            ops="days_since_first days_since_last",
            windows=("all",),
            description="Days since the first and the last loan",
            reason=LOANS,
        ),
        Measure(
            name="first_due",
            value="first_due_date",
            ops="age_days",
            windows=("all",),
            description="Days since the first instalment of the last loan fell due, below 0 before",
            reason=LOANS,
        ),
        Measure(
            name="larger",
            value="amount_minor / LAG(amount_minor)",
            ops="last",
            windows=("all",),
            description="The last loan over the one before",
            reason=LOANS,
        ),
        Measure(
            name="instalment",
            value="instalment_minor",
            ops="last",
            windows=("all",),
            description="Instalment of the last loan",
            reason=LOANS,
        ),
    ),
)

PAID_BACK = FeatureGroup(
    name="paid_back",
    table="clean.repayments",
    owner="fraud-desk",
    description="What came in for loans, for fraud review",
    windows=("30d", "90d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="instalment",
            value="amount_minor",
            ops="count sum",
            windows=("7d", "30d", "60d", "90d", "all"),
            description="Payments for loans over {window}",
            reason=PAID,
        ),
        Measure(
            name="instalment",
            ops="days_since_last",
            windows=("all",),
            description="Days since the last payment for a loan",
            reason=PAID,
        ),
        Measure(
            name="number",
            value="instalment_number",
            ops="last max",
            windows=("all",),
            description="Which instalment was paid last, and the highest one",
            reason=PAID,
        ),
        Measure(
            name="whole",
            value="amount_minor",
            ops="max",
            windows=("30d",),
            description="Largest payment for a loan over {window}",
            reason=PAID,
        ),
    ),
)

ENQUIRIES = FeatureGroup(
    name="enquiries",
    table="clean.credit_inquiries",
    owner="fraud-desk",
    description="What other lenders asked the credit bureau about the customer, for fraud review",
    windows=("24h", "7d", "30d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="asked",
            ops="count",
            windows=("24h", "7d", "30d", "90d"),
            description="Questions to the credit bureau over {window}",
            reason=LENDERS,
        ),
        Measure(
            name="lender",
            value="lender_id",
            ops="distinct",
            windows=("7d", "30d"),
            description="Lenders that asked over {window}",
            reason=LENDERS,
        ),
        Measure(
            name="lender",
            value="lender_id",
            ops="new",
            base="all",
            windows=("30d",),
            description="Lenders that asked over {window} and never did before",
            reason=LENDERS,
        ),
    ),
)

CASES = FeatureGroup(
    name="cases",
    table="clean.fraud_reports",
    owner="fraud-desk",
    description="Cases of fraud that the bank confirmed of this customer by then, for fraud review",
    windows=("90d", "all"),
    filters={"victim": "role = 'victim'", "perpetrator": "role = 'perpetrator'"},
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="case",
            ops="count",
            filters=("victim", "perpetrator"),
            description="Confirmed cases over {window} with the customer as {filter}",
            reason=REPORTS,
        ),
        Measure(
            name="case",
            ops="days_since_last",
            filters=("victim", "perpetrator"),
            windows=("all",),
            description="Days since the last confirmed case with the customer as {filter}",
            reason=REPORTS,
        ),
    ),
)
