"""Whether the job that a customer declared still counts: confirmed, doubtful, no longer usable, or unknown.

Most people who lose their work do not tell the bank. So the declared job is held against what is seen of it: salary
from the declared employer, messages in the work group, and office hours at the usual place of them. Each source is
weighed by what it means and by nothing else: how much better "the work was lost within the last weeks" explains what
was seen than "all is as before", as the logarithm of the ratio of both likelihoods (``doubt``). A source that says
nothing is null and weighs nothing. docs/employment.md has the rules in words, and how well they do.

Why a lender cares: a loan is paid from income, and lost work is the most frequent cause of default. People who lose
their work call less and go to fewer places (Toole et al., Journal of the Royal Society Interface 12, 2015). No other
group may read what was declared of a job or of its pay: a test holds this.
"""

from __future__ import annotations

from tallystick.spec.combined import Combined
from tallystick.spec.features import FeatureGroup, Lookup, Measure

JOB = "Your employment as you told us of it, and whether it can still be seen"
PAY = "Salary from your employer"
GROUP = "Contact with your colleagues"
PLACE = "Where you spend office hours"
OFFICE_HOURS = "ISODOW(event_at) <= 5 AND HOUR(event_at) BETWEEN 9 AND 17"
LAST_NIGHT = "LAST_VALUE(CASE WHEN HOUR(event_at) < 6 THEN cell_id END IGNORE NULLS)"

# Natural logarithms of likelihood ratios: 3 is twenty to one, 4.6 is a hundred to one.
AGAINST, FOR, OVER = 3, -1, 4.6
# Who has left work still does, one time in twenty, what people at work do: ln 20.
_STRAY = 3

EMPLOYER_PAY = FeatureGroup(
    name="employer_pay",
    table="clean.transactions",
    owner="credit-risk",
    description="Salary from the declared employer and from others, and the usual time between paydays",
    windows=("365d",),
    pii="personal",
    permitted_use="credit decisions, early warning",
    where="direction = 'in' AND category = 'salary'",
    filters={"declared": "counterparty_id = employer_id", "other": "counterparty_id <> employer_id"},
    words={"declared": "from the declared employer", "other": "from another employer"},
    lookups=(Lookup(table="clean.employment", on="customer_id", columns=("employer_id",)),),
    measures=(
        Measure(
            name="salary",
            ops="count",
            windows=("60d", "365d"),
            filters=("declared", "other"),
            sign=-1,
            description="Paydays {filter} over {window}: a loan is paid from salary",
            reason=PAY,
        ),
        Measure(
            name="salary",
            ops="days_since_last",
            windows=("all",),
            filters=("declared", "other"),
            sign=1,
            description="Days since salary came {filter}: pay that stopped",
            reason=PAY,
        ),
        Measure(
            name="gap_days",
            value="(EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY direction, category, counterparty_id))) "
            "/ 86400",
            ops="quantile(0.5)",
            filters=("declared",),
            description="Usual days from one payday to the next, over {window}: weekly or monthly pay",
            reason=PAY,
        ),
    ),
)

WORK_GROUP = FeatureGroup(
    name="work_group",
    table="clean.group_messages",
    owner="credit-risk",
    description="Messages in work groups from Monday to Friday",
    windows=("7d", "14d", "21d", "28d", "84d"),
    pii="personal",
    permitted_use="credit decisions, early warning",
    where="group_kind = 'work' AND ISODOW(event_at) <= 5",
    measures=(
        Measure(
            name="written",
            ops="count",
            sign=-1,
            description="Messages to colleagues on weekdays over {window}: colleagues are told first when work ends",
            reason=GROUP,
        ),
        Measure(
            name="written",
            ops="days_since_last",
            windows=("all",),
            sign=1,
            description="Days since the last message to colleagues on a weekday: gone quiet at work",
            reason=GROUP,
        ),
    ),
)

WORKPLACE = FeatureGroup(
    name="workplace",
    table="clean.location_events",
    owner="credit-risk",
    description="Where the telephone is in office hours, from Monday to Friday: at the usual place of them, or at home",
    windows=("14d", "28d", "84d"),
    pii="personal",
    permitted_use="credit decisions, early warning",
    where=OFFICE_HOURS,
    filters={"known": f"{LAST_NIGHT} IS NOT NULL", "home": f"cell_id = {LAST_NIGHT}"},
    words={"known": "with a known place of the last night", "home": "where the last night was"},
    measures=(
        Measure(
            name="seen",
            ops="count",
            filters=("known", "home"),
            unfiltered=True,
            description="Sightings in office hours ({filter}) over {window}: whether the way to work is still made",
            reason=PLACE,
        ),
        Measure(
            name="place",
            value="cell_id",
            ops="top_share",
            windows=("84d",),
            description="Share of the most frequent place of office hours over {window}: a place of work is the same",
            reason=PLACE,
        ),
        Measure(
            name="place",
            value="cell_id",
            ops="old_top_share",
            windows=("14d", "28d"),
            base="56d",
            sign=-1,
            description="Share of office hours over {window} at the place that was the most frequent one in the eight "
            "weeks before: gone from work",
            reason=PLACE,
        ),
    ),
)


def greatest(*terms: str) -> str:
    """SQL of the greatest of some terms, none of which is null alone."""
    cases = [
        f"WHEN {' AND '.join(f'{term} >= {other}' for other in terms[place + 1 :])} THEN {term}"
        for place, term in enumerate(terms[:-1])
    ]
    return f"CASE {' '.join(cases)} ELSE {terms[-1]} END"


def capped(term: str, *, at: float) -> str:
    """SQL of a term between ``-at`` and ``at``; null where it is null."""
    return f"CASE WHEN {term} > {at} THEN {at} WHEN {term} < -{at} THEN -{at} ELSE {term} END"


def _only_declared() -> tuple[FeatureGroup, ...]:
    """What was declared of a job and its pay: read by the validity alone, stored nowhere, named by no recipe."""
    told = FeatureGroup(
        name="job_told",
        table="clean.employment",
        owner="credit-risk",
        windows=("all",),
        pii="personal",
        permitted_use="credit decisions, early warning",
        measures=(
            Measure(name="employer", value="CASE WHEN employer_id IS NULL THEN 0 ELSE 1 END", ops="last", reason=JOB),
            Measure(name="ended", value="CASE WHEN ended_on IS NULL THEN 0 ELSE 1 END", ops="last", reason=JOB),
            Measure(name="ended_on", value="ended_on", ops="age_days", reason=JOB),
            Measure(name="started_on", value="started_on", ops="age_days", reason=JOB),
        ),
    )
    income = FeatureGroup(
        name="income_told",
        table="clean.customers",
        owner="credit-risk",
        windows=("all",),
        pii="personal",
        permitted_use="credit decisions, early warning",
        measures=(Measure(name="month", value="declared_income_minor", ops="last", reason=JOB),),
    )
    return told, income


_GAP = "employer_pay_gap_days_declared_q50_365d"
_LAST_PAID = "employer_pay_salary_declared_days_since_last_all"
# Eight weeks before the last four: forty weekdays.
_BASE_DAYS = 40
_BASE = "(work_group_written_count_84d - work_group_written_count_28d)"


def _quiet(weeks: int) -> str:
    """How much better silence of so many weeks is explained by lost work: messages to be expected, less those seen."""
    return f"{5 * weeks} * employment_group_rate - {_STRAY} * work_group_written_count_{7 * weeks}d"


PAY_DOUBT = Combined(
    name="pay_doubt",
    value=f"CASE WHEN employer_pay_salary_declared_count_365d < 3 THEN NULL "
    f"WHEN {_LAST_PAID} <= {_GAP} THEN -3 + 2 * {_LAST_PAID} / {_GAP} "
    f"WHEN {_LAST_PAID} <= {_GAP} + 7 THEN -1 + 5 * ({_LAST_PAID} - {_GAP}) / 7 "
    f"WHEN {_LAST_PAID} <= 2 * {_GAP} + 7 THEN 4 + 2 * ({_LAST_PAID} - {_GAP} - 7) / {_GAP} ELSE 6 END",
    sign=1,
    description="Doubt from pay: -3 on payday, -1 when the next is due, 4 a week after that, 6 after two; null with "
    "fewer than three paydays in a year",
    reason=PAY,
)
GROUP_DOUBT = Combined(
    name="group_doubt",
    value=capped(f"({greatest(*(_quiet(weeks) for weeks in (1, 2, 3, 4)))} - 1.4)", at=4),
    sign=1,
    description="Doubt from the work group: messages to be expected by the own 8-week base and not seen, over the one "
    "to four weeks that tell most; null where the base has fewer than 8 messages",
    reason=GROUP,
)
_BASE_SEEN = "(workplace_seen_count_84d - workplace_seen_count_28d)"
_HELD = "(workplace_place_top_share_84d + workplace_place_top_share_84d * workplace_place_top_share_84d)"


def _away(window: str) -> str:
    """How much better the sightings of a window are explained by lost work: each one elsewhere, less those at work."""
    seen, there = f"workplace_seen_count_{window}", f"workplace_place_old_top_share_{window}"
    return f"{seen} * ((1 - {there}) * {_HELD} - {_STRAY} * {there})"


_LATELY = f"COALESCE({_away('14d')}, {_away('28d')})"
PLACE_DOUBT = Combined(
    name="place_doubt",
    value=f"CASE WHEN {_BASE_SEEN} >= 3 AND workplace_place_top_share_84d >= 0.5 THEN "
    + capped(f"({greatest(_LATELY, _away('28d'))} - 0.7)", at=4)
    + " END",
    sign=1,
    description="Doubt from the place of office hours: sightings elsewhere and none there, over the two or four weeks "
    "that tell most; null without sightings, or without a usual place in the eight weeks before",
    reason=PLACE,
)
_BASE_KNOWN = "(workplace_seen_known_count_84d - workplace_seen_known_count_28d)"
_BASE_HOME = "(workplace_seen_home_count_84d - workplace_seen_home_count_28d)"
_AWAY_NOW = "(workplace_seen_known_count_28d - workplace_seen_home_count_28d)"
HOURS_DOUBT = Combined(
    name="hours_doubt",
    value=f"CASE WHEN {_BASE_KNOWN} >= 3 AND 3 * {_BASE_HOME} <= {_BASE_KNOWN} AND workplace_seen_known_count_28d > 0 "
    f"THEN {capped(f'(1.1 * workplace_seen_home_count_28d - 0.7 * {_AWAY_NOW})', at=3)} END",
    sign=1,
    description="Doubt from office hours spent at home over four weeks, by somebody who went out in at least two of "
    "three before; null without sightings, and for those who were at home before, too",
    reason=PLACE,
)
DOUBTS = ("pay", "group", "place", "hours")
# One sighting is weighed once: office hours at home count only where no usual place of them is known.
SUMMED = ("employment_pay_doubt", "employment_group_doubt", "COALESCE(employment_place_doubt, employment_hours_doubt)")

WORDS = {
    "pay": "salary",
    "group": "the work group",
    "place": "the place of office hours",
    "hours": "office hours at home",
}


def _evidence(source: str) -> Combined:
    doubt = f"employment_{source}_doubt"
    return Combined(
        name=f"{source}_evidence",
        value=f"CASE WHEN {doubt} >= {AGAINST} THEN -1 WHEN {doubt} <= {FOR} THEN 1 "
        f"WHEN {doubt} IS NOT NULL THEN 0 END",
        sign=-1,
        description=f"1 where {WORDS[source]} speaks for the declared job, -1 against it, 0 for neither; null: it says "
        "nothing",
        reason=JOB,
    )


EMPLOYMENT = FeatureGroup(
    name="employment",
    table="clean.employment",
    owner="credit-risk",
    description="Whether the declared job still counts, and what speaks for and against it",
    windows=("all",),
    pii="personal",
    permitted_use="credit decisions, early warning",
    measures=(
        Measure(
            name="told",
            ops="days_since_last",
            sign=0,
            description="Days since the customer last told something about work",
            reason=JOB,
        ),
    ),
    beside=(EMPLOYER_PAY, WORK_GROUP, WORKPLACE, *_only_declared()),
    combined=(
        PAY_DOUBT,
        Combined(
            name="group_rate",
            value=f"CASE WHEN {_BASE} >= 8 THEN {_BASE} / {_BASE_DAYS} END",
            description="Messages to colleagues a weekday in the eight weeks before the last four; null below 8 in all",
            reason=GROUP,
        ),
        GROUP_DOUBT,
        PLACE_DOUBT,
        HOURS_DOUBT,
        *(_evidence(source) for source in DOUBTS),
        Combined(
            name="doubt",
            value=f"CASE WHEN COALESCE({', '.join(SUMMED)}) IS NOT NULL THEN "
            + " + ".join(f"COALESCE({doubt}, 0)" for doubt in SUMMED)
            + " END",
            sign=1,
            description="How much better lost work explains what is seen than work as before, summed over the sources: "
            "natural logarithm of a likelihood ratio; null where no source says anything",
            reason=JOB,
        ),
        Combined(
            name="state",
            value="CASE WHEN job_told_ended_last_all = 1 AND job_told_ended_on_age_days_all >= 0 THEN 1 "
            "WHEN job_told_employer_last_all = 1 AND employment_doubt IS NOT NULL THEN "
            f"CASE WHEN employment_doubt >= {OVER} THEN 1 WHEN employment_doubt <= {FOR} THEN 3 ELSE 2 END END",
            sign=-1,
            description="The declared job: 3 confirmed, 2 doubtful, 1 no longer usable; null unknown: no employer was "
            "declared, or no source says anything",
            reason=JOB,
        ),
        Combined(
            name="tenure_days",
            value="CASE WHEN employment_state >= 2 THEN job_told_started_on_age_days_all END",
            sign=-1,
            description="Days since the declared job began, as far as the job still counts",
            reason=JOB,
        ),
        Combined(
            name="declared_income_minor",
            value="CASE WHEN employment_state >= 2 THEN income_told_month_last_all END",
            sign=-1,
            description="Monthly income as declared, in minor units, as far as the declared job still counts",
            reason=JOB,
        ),
    ),
)
