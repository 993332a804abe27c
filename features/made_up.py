"""Whether somebody has a life beside the papers, and whether what forms tell fits together, for fraud review.

One row of clean.relationships is a tie that was told, of clean.applicant_facts a form, of clean.social_events a message
or call.

Why fraud review cares: an invented person has no past. Nobody writes to it, it knows nobody, and what it tells changes
from form to form (Federal Reserve, Synthetic Identity Fraud, 2019; FATF, Digital Identity, 2020). Newcomers and people
who live alone look alike. For fraud review only.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure

DAY = 86_400
ASKED = "Number of your applications"
TIES = "People you told us of"
DETAILS = "Details of your application"

FOOTPRINT = FeatureGroup(
    name="footprint",
    table="clean.relationships",
    owner="fraud-desk",
    description="Ties that the customer told of, for fraud review: an invented person has few",
    windows=("30d", "all"),
    filters={
        "family": "kind IN ('family', 'partner')",
        "friend": "kind IN ('friend', 'colleague')",
        "guarantor": "kind = 'guarantor'",
        "device": "kind = 'device'",
        "address": "kind = 'address'",
    },
    words={"device": "one telephone", "address": "one address"},
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="tie",
            ops="count",
            filters=("family", "friend", "guarantor", "device", "address"),
            unfiltered=True,
            description="Ties by {filter} that began over {window}",
            reason=TIES,
        ),
        Measure(
            name="person",
            value="other_customer_id",
            ops="distinct",
            filters=("guarantor", "device", "address"),
            windows=("all",),
            description="People tied to by {filter} over {window}",
            reason=TIES,
        ),
    ),
)

TOLD = FeatureGroup(
    name="told",
    table="clean.applicant_facts",
    owner="fraud-desk",
    description="What forms tell within a short time, and what of it does not fit together, for fraud review",
    windows=("24h", "7d", "30d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="form",
            ops="count",
            description="Forms filled in over {window}",
            reason=ASKED,
        ),
        Measure(
            name="same_seconds",
            value="CASE WHEN ABS(form_seconds - LAG(form_seconds)) <= 2 THEN 1 ELSE 0 END",
            where="LAG(form_seconds) IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where the last form took as many seconds as the one before: a program fills them in",
            reason=DETAILS,
        ),
        Measure(
            name="contact_back",
            value="CASE WHEN contact_id = LAG(contact_id, 2) AND contact_id <> LAG(contact_id) THEN 1 ELSE 0 END",
            where="LAG(contact_id, 2) IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where the contact of the last form is the one before the last: names are taken in turn",
            reason=DETAILS,
        ),
        Measure(
            name="income_up",
            value="CASE WHEN declared_income_minor > LAG(declared_income_minor) AND employer_id = LAG(employer_id)"
            f" AND EPOCH(event_at) - EPOCH(LAG(event_at)) < {30 * DAY} THEN 1 ELSE 0 END",
            where="LAG(declared_income_minor) IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where more income was told than within the 30 days before, with the same employer",
            reason=DETAILS,
        ),
        Measure(
            name="debts_down",
            value="CASE WHEN other_instalments_minor < LAG(other_instalments_minor)"
            f" AND EPOCH(event_at) - EPOCH(LAG(event_at)) < {30 * DAY} THEN 1 ELSE 0 END",
            where="LAG(other_instalments_minor) IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where fewer other instalments were told than within the 30 days before",
            reason=DETAILS,
        ),
        Measure(
            name="no_debts",
            value="CASE WHEN other_instalments_minor = 0 THEN 1 ELSE 0 END",
            where="other_instalments_minor IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where the last form tells of no instalments elsewhere",
            reason=DETAILS,
        ),
        Measure(
            name="income",
            value="declared_income_minor",
            ops="last",
            windows=("all",),
            description="Income as told last",
            reason=DETAILS,
        ),
        Measure(
            name="has_email",
            value="CASE WHEN email_id IS NOT NULL THEN 1 ELSE 0 END",
            ops="last",
            windows=("all",),
            description="1 where the last form names an e-mail address",
            reason=DETAILS,
        ),
        Measure(
            name="has_contact",
            value="CASE WHEN contact_id IS NOT NULL THEN 1 ELSE 0 END",
            ops="last",
            windows=("all",),
            description="1 where the last form names somebody to ask",
            reason=DETAILS,
        ),
        Measure(
            name="round_income",
            value="CASE WHEN declared_income_minor IN (500000, 1000000, 1500000, 2000000, 3000000, 5000000)"
            " THEN 1 ELSE 0 END",
            where="declared_income_minor IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where the income told last is a round sum of thousands",
            reason=DETAILS,
        ),
        Measure(
            name="moved_phone",
            ops="count",
            where="phone_id <> LAG(phone_id) AND address_id <> LAG(address_id)",
            windows=("30d",),
            description="Forms over {window} with another telephone and another address than the one before",
            reason=DETAILS,
        ),
    ),
)

TALK = FeatureGroup(
    name="talk",
    table="clean.social_events",
    owner="fraud-desk",
    description="Whether anybody is in touch with the customer, for fraud review",
    windows=("30d", "90d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="met",
            value="counterpart_id",
            ops="distinct",
            description="People in touch with over {window}: an invented person has none",
            reason="Messages and calls",
        ),
        Measure(
            name="answered",
            ops="count",
            where="direction = 'in'",
            description="Messages and calls received over {window}",
            reason="Messages and calls",
        ),
    ),
)
