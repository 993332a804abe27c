"""What other lenders asked the credit bureau about a customer.

One row of clean.credit_inquiries is a question of one lender. What was answered, and whether a loan came of it, is not
known here; loans of other lenders that are seen on the account are in ``warning_signs``.

Why a lender cares: who asks several lenders within days is in search of money, or was declined elsewhere; recent
inquiries are among the oldest signs of scorecards (Thomas, Crook and Edelman, Credit Scoring and Its Applications,
2017). One lender that asks twice is one lender.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Ratio

SEARCH = "Number of lenders that asked about you lately"

INQUIRIES = FeatureGroup(
    name="inquiries",
    table="clean.credit_inquiries",
    owner="credit-risk",
    description="Questions of other lenders to the credit bureau",
    windows=("7d", "30d", "90d", "365d"),
    pii="personal",
    permitted_use="credit decisions, fraud review, early warning",
    filters={"loan": "kind = 'loan'"},
    words={"loan": "for a loan"},
    measures=(
        Measure(
            name="asked",
            ops="count",
            filters=("loan",),
            unfiltered=True,
            sign=1,
            description="Questions of other lenders {filter} over {window}: in search of money",
            reason=SEARCH,
        ),
        Measure(
            name="asked",
            ops="days_since_last",
            windows=("all",),
            sign=-1,
            description="Days since another lender last asked: a search that is over",
            reason=SEARCH,
        ),
        Measure(
            name="lender",
            value="lender_id",
            ops="distinct",
            sign=1,
            description="Different lenders that asked over {window}: one that asks twice counts once",
            reason=SEARCH,
        ),
        Measure(
            name="lender",
            value="lender_id",
            ops="new",
            base="all",
            windows=("30d",),
            sign=1,
            description="Lenders that asked over {window} for the first time: declined by those before",
            reason=SEARCH,
        ),
        Measure(
            name="days",
            ops="max_gap",
            windows=("365d",),
            description="Most days between two questions over {window}: a burst or a habit",
            reason=SEARCH,
        ),
    ),
    derived=(
        Ratio(
            of="asked_count",
            window="7d",
            against="90d",
            sign=1,
            description="Questions a day over 7 days, against those over 90: a burst",
            reason=SEARCH,
        ),
        Ratio(
            of="asked_count",
            window="30d",
            against="365d",
            sign=1,
            description="Questions a day over 30 days, against those over a year: a burst",
            reason=SEARCH,
        ),
    ),
)
