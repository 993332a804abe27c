"""What a customer is interested in: the topics, hobbies and offers that they look at in the app.

The table says that something about a topic was looked at, never a text. Topics are in the source's words; one that no
filter names counts with all others. Whoever has forbidden the app to tell has no rows: that is null or zero, and no
sign of anything. Hobby groups are in ``chats`` (``chats_*hobby*``), what leisure costs is in ``spending``
(``spending_leisure_*``).

Why a lender cares: interests that are kept up show a life with time and money to spare; dropped ones may show the first
sacrifice of somebody who is short of either. Gambling goes with distress and missed payments (Muggleton et al., Nature
Human Behaviour 5, 2021); whoever buys by night pays less often (Berg et al., Review of Financial Studies 33, 2020). A
sign stands only where one of these leads one to expect it, or where the reason is plain: reading about jobs, and
looking for loans.
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share
from tallystick.spec.months import Months

LONG = ("90d", "180d")
# A topic is new in a row when the customer has no earlier row of its kind about it.
FIRST_SEEN = "topic IS NOT NULL AND LAG(kind) OVER (PARTITION BY kind, topic) IS NULL"
NIGHT = "HOUR(event_at) < 6"

INTERESTS = "What you are interested in"
VARIETY = "Variety of your interests"
STEADY = "How steadily you keep up your interests"
SEEKING = "Interest in offers of loans"
BETTING = "Interest in betting"
WORKLESS = "Interest in job offers"

HOBBIES = FeatureGroup(
    name="hobbies",
    table="clean.behaviour_events",
    owner="credit-risk",
    description="Topics, hobbies and offers that the customer looked at",
    windows=LONG,
    pii="personal",
    filters={
        "content": "kind = 'content'",
        "hobby": "kind = 'hobby'",
        "click": "kind = 'click'",
        "jobs": "topic = 'jobs'",
        "loans": "topic = 'loans'",
        "betting": "topic = 'betting'",
    },
    words={
        "content": "articles",
        "hobby": "hobbies",
        "click": "offers",
        "jobs": "jobs",
        "loans": "loans",
        "betting": "betting",
    },
    measures=(
        Measure(
            name="looked",
            ops="count",
            windows=("30d", *LONG),
            filters=("content", "hobby", "click"),
            unfiltered=True,
            description="Things looked at ({filter}) over {window}: time to spare, and how well the app knows somebody",
            reason=INTERESTS,
        ),
        Measure(
            name="looked",
            ops="days_since_last",
            windows=("all",),
            filters=("hobby",),
            description="Days since something about a hobby was looked at: an interest that was given up",
            reason=STEADY,
        ),
        Measure(
            name="topics",
            value="topic",
            ops="distinct entropy hhi",
            filters=("content", "hobby"),
            description="How many topics ({filter}) over {window}, how evenly, how much on one: broad or single-minded",
            reason=VARIETY,
        ),
        Measure(
            name="topics",
            value="topic",
            ops="kept_share similarity",
            filters=("hobby",),
            windows=("90d",),
            description="Hobbies of the span before that are looked at again over {window}, and how alike the mix is",
            reason=STEADY,
        ),
        Measure(
            name="new_topics",
            ops="count",
            where=FIRST_SEEN,
            filters=("hobby",),
            description="Hobbies looked at for the first time in {window}: a taste for the new, or for none for long",
            reason=VARIETY,
        ),
        Measure(
            name="jobs",
            ops="count",
            where="topic = 'jobs'",
            windows=("30d", *LONG),
            sign=1,
            description="Articles and offers about jobs over {window}: work is lost, or feared to be",
            reason=WORKLESS,
        ),
        Measure(
            name="loans",
            ops="count",
            where="topic = 'loans'",
            windows=("30d", *LONG),
            sign=1,
            description="Articles and offers about loans over {window}: in need of money before asking for it",
            reason=SEEKING,
        ),
        Measure(
            name="betting",
            ops="count active_days",
            where="topic = 'betting'",
            sign=1,
            description="Articles and offers about betting over {window}: gambling goes with missed payments",
            reason=BETTING,
        ),
        Measure(
            name="night",
            ops="count",
            where=NIGHT,
            sign=1,
            description="Things looked at between midnight and six over {window}: a life off its usual hours",
            reason="Activity at night",
        ),
        Measure(
            name="hobby",
            ops="active_days mean_gap max_gap",
            where="kind = 'hobby'",
            windows=("180d",),
            description="Days with a hobby over {window}, and the days in between: kept up or taken up by fits",
            reason=STEADY,
        ),
        Measure(
            name="weekdays",
            value="ISODOW(event_at)",
            ops="entropy",
            windows=("180d",),
            description="How evenly the app is looked at over the days of the week, over {window}: a routine is low",
            reason=STEADY,
        ),
    ),
    derived=(
        Share(
            name="hobby",
            a="looked_hobby_count",
            b="looked_count",
            description="Share of hobbies in what was looked at over {window}: leisure against news and offers",
            reason=INTERESTS,
        ),
        Share(
            name="new_topics",
            a="new_topics_hobby_count",
            b="looked_hobby_count",
            description="Share of hobbies looked at for the first time over {window}: a taste for the new",
            reason=VARIETY,
        ),
        Share(
            name="jobs",
            a="jobs_count",
            b="looked_count",
            windows=LONG,
            sign=1,
            description="Share of what was looked at that is about jobs, over {window}: work is lost, or feared to be",
            reason=WORKLESS,
        ),
        Share(
            name="loans",
            a="loans_count",
            b="looked_count",
            windows=LONG,
            sign=1,
            description="Share of what was looked at that is about loans, over {window}: in need of money",
            reason=SEEKING,
        ),
        Share(
            name="night",
            a="night_count",
            b="looked_count",
            sign=1,
            description="Share of what was looked at between midnight and six over {window}",
            reason="Activity at night",
        ),
        Ratio(
            of="looked_count looked_hobby_count",
            window="30d",
            against="180d",
            description="Things looked at per day over {window} against 180 days: interests that fade",
            reason=STEADY,
        ),
        Change(
            of="topics_hobby_distinct",
            windows=("90d",),
            description="Change of the number of hobbies over {window} against the same span before",
            reason=VARIETY,
        ),
        Months(
            name="hobby",
            value="looked_hobby_count > 0",
            ops="count current_streak",
            windows=("6m",),
            description="Months with a hobby, in {window}: kept up month after month",
            reason=STEADY,
        ),
    ),
)
