"""What a customer told about themselves: the forms of applications, and whom they live with.

Nothing of it was checked. One row of clean.applicant_facts is a form that was filled in, known with its application;
one of clean.households a household as it was told. Telephones, addresses and contacts are numbers: the same number is
the same thing. How many other applicants gave it is no count over one customer's rows, so a graph counts them. What
somebody is in a household is left out, because it tells who is married.

Why a lender cares: what changed since the form before may be a life that changed, or another person who fills it in;
several forms in a short time are several attempts to borrow. Enquiries, the time at an address and a home of one's own
are among the oldest signs of scorecards (Thomas, Crook and Edelman, Credit Scoring and Its Applications, 2017). The
income that was told is held against the one that comes in by the recipe.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure

# What a form may change, and how a customer is told about it.
GIVEN = {
    "phone": ("phone_id", "telephone number"),
    "email": ("email_id", "e-mail address"),
    "address": ("address_id", "address"),
    "employer": ("employer_id", "employer"),
    "contact": ("contact_id", "contact person"),
}
_CHANGED = " + ".join(f"CASE WHEN {column} <> LAG({column}) THEN 1 ELSE 0 END" for column, _ in GIVEN.values())

FORMS = "Number of your applications"
CHANGES = "Details that changed since your last application"
TOLD = "Details of your application"
BURDEN = "Instalments to other lenders"

APPLICANT = FeatureGroup(
    name="applicant",
    table="clean.applicant_facts",
    owner="credit-risk",
    description="What the customer filled in with applications",
    windows=("180d", "all"),
    pii="personal",
    permitted_use="credit decisions, fraud review",
    measures=(
        Measure(
            name="form",
            ops="count",
            windows=("30d", "180d", "all"),
            sign=1,
            description="Forms filled in over {window}, that of the application itself included: in search of money",
            reason=FORMS,
        ),
        Measure(
            name="form",
            ops="days_since_first",
            windows=("all",),
            sign=-1,
            description="Days since the first form: a borrower who is known",
            reason=FORMS,
        ),
        Measure(
            name="days_before",
            value="(EPOCH(event_at) - EPOCH(LAG(event_at))) / 86400",
            ops="last min",
            windows=("all",),
            sign=-1,
            description="Days from the form before to a form, last and at least: one application after another",
            reason=FORMS,
        ),
        Measure(
            name="income",
            value="declared_income_minor",
            ops="last",
            windows=("all",),
            sign=-1,
            description="Monthly income as told last, never checked",
            reason=TOLD,
        ),
        Measure(
            name="burden",
            value="other_instalments_minor",
            ops="last max",
            windows=("all",),
            sign=1,
            description="Monthly instalments to other lenders as told ({window}), never checked; null when not told",
            reason=BURDEN,
        ),
        Measure(
            name="burden_share",
            value="other_instalments_minor / declared_income_minor",
            ops="last",
            windows=("all",),
            sign=1,
            description="Monthly instalments to other lenders as a share of the income, both as told last",
            reason=BURDEN,
        ),
        Measure(
            name="income_step",
            value="declared_income_minor / LAG(declared_income_minor)",
            ops="last max",
            windows=("all",),
            description="Income as told as a multiple of that of the form before, last and at most: made to fit",
            reason=CHANGES,
        ),
        Measure(
            name="seconds",
            value="form_seconds",
            ops="last min",
            windows=("all",),
            description="Seconds in which a form was filled in, last and at least: by a program, or by heart",
            reason=TOLD,
        ),
        Measure(
            name="night",
            value="HOUR(event_at) < 6",
            ops="last",
            windows=("all",),
            sign=1,
            description="1 where the last form was filled in between midnight and six",
            reason="Activity at night",
        ),
        *(
            Measure(
                name=f"{name}_changed",
                value=f"{column} <> LAG({column})",
                ops="last sum",
                windows=("all",),
                sign=1,
                description=f"Whether the {words} differs from that of the form before, and how often it did",
                reason=CHANGES,
            )
            for name, (column, words) in GIVEN.items()
        ),
        Measure(
            name="changed",
            value=_CHANGED,
            ops="last max",
            windows=("all",),
            sign=1,
            description="Details that differ from the form before, last and at most: several at once, another person",
            reason=CHANGES,
        ),
        *(
            Measure(
                name=f"{name}_told",
                value=column,
                ops="distinct",
                windows=("all",),
                sign=1,
                description=f"How many a {words} was told, each counted once: a life that settles down has one",
                reason=CHANGES,
            )
            for name, (column, words) in GIVEN.items()
        ),
        Measure(
            name="names_employer",
            value="employer_id IS NOT NULL",
            ops="last",
            windows=("all",),
            sign=-1,
            description="1 where the last form names an employer",
            reason=TOLD,
        ),
        *(
            Measure(
                name=f"contact_is_{kind}",
                value=f"COALESCE(contact_kind = '{kind}', FALSE)",
                ops="last",
                windows=("all",),
                description=f"1 where the last form names a {words} as a contact: who would be asked, and would know",
                reason=TOLD,
            )
            for kind, words in (("family", "relative"), ("colleague", "colleague"), ("friend", "friend"))
        ),
        *(
            Measure(
                name=f"home_is_{kind}",
                value=f"COALESCE(housing = '{kind}', FALSE)",
                ops="last",
                windows=("all",),
                sign=-1 if kind == "owner" else 0,
                description=f"1 where the customer told last of {words}",
                reason="How you live",
            )
            for kind, words in (
                ("owner", "a home of their own"),
                ("rent", "a rented home"),
                ("family", "living with the family"),
            )
        ),
    ),
)

HOUSEHOLDS = FeatureGroup(
    name="households",
    table="clean.households",
    owner="credit-risk",
    description="Whom the customer lives with, as told",
    windows=("365d", "all"),
    pii="personal",
    permitted_use="credit decisions, fraud review",
    measures=(
        Measure(
            name="people",
            value="people_number",
            ops="last max",
            windows=("all",),
            description="People in the household as told, last and at most: mouths to feed, or hands that help",
            reason="Your household",
        ),
        Measure(
            name="lived",
            value="started_on",
            ops="age_days",
            windows=("all",),
            sign=-1,
            description="Days since the customer moved in, as told last: long at one address",
            reason="How long you have lived at your address",
        ),
        Measure(
            name="homes",
            value="household_id",
            ops="distinct",
            sign=1,
            description="Households told about over {window}: moving often",
            reason="How long you have lived at your address",
        ),
        Measure(
            name="ended",
            ops="count",
            where="ended_on IS NOT NULL",
            sign=1,
            description="Households told to have ended over {window}: a separation costs money",
            reason="Your household",
        ),
        Measure(
            name="told",
            ops="days_since_last",
            windows=("all",),
            description="Days since anything was told about the household: how old the fact is",
            reason="Your household",
        ),
    ),
)
