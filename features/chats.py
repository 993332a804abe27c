"""Group chats: which groups a customer belongs to, how much and in how many of them they write, and since when not.

One row of clean.group_messages is one message of the customer in a group, one of clean.group_memberships a group joined
or left; what was said, and by which others, is not in them. So roles are what one's own rows show: how many circles
somebody has a part in, and whether one of them is all there is. Hobby groups are in touch with ``hobbies``. Whether
silence in the work group means lost work is judged with the other evidence of employment.

Why a lender cares: circles of family, colleagues and friends help in a bad month, and people who meet more often in a
group pay better (Feigenberg, Field and Pande, Review of Economic Studies 80, 2013; Karlan, Economic Journal 117, 2007).
People who lose their work call less, and fewer people (Toole et al., Journal of the Royal Society Interface 12, 2015).
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Lookup, Measure, Ratio, Share, ZScore

LONG = ("28d", "90d")
KINDS = ("family", "work", "hobby")
FILTERS = {kind: f"group_kind = '{kind}'" for kind in KINDS}
WORDS = {"family": "the family's", "work": "work", "hobby": "hobby"}
_BEFORE = "COALESCE(LAG(is_member) OVER (PARTITION BY group_id), FALSE)"
# What a row changes in the number of groups; a change that was told twice changes nothing.
STEP = f"CASE WHEN is_member AND NOT {_BEFORE} THEN 1 WHEN NOT is_member AND {_BEFORE} THEN -1 ELSE 0 END"

WRITES = "Contact with other people in groups"
SILENCE = "How long you have been out of contact with your groups"
CHANGED = "Change in your contact with groups"
CIRCLES = "Groups that you take part in"

CHATS = FeatureGroup(
    name="chats",
    table="clean.group_messages",
    owner="credit-risk",
    description="Messages of the customer in group chats",
    windows=LONG,
    pii="personal",
    permitted_use="credit decisions, early warning",
    filters=FILTERS,
    words=WORDS,
    measures=(
        Measure(
            name="written",
            ops="count",
            windows=("7d", *LONG),
            filters=KINDS,
            unfiltered=True,
            sign=-1,
            description="Messages in groups ({filter}) over {window}: people to turn to in a bad month",
            reason=WRITES,
        ),
        Measure(
            name="written",
            ops="active_days",
            filters=("hobby",),
            unfiltered=True,
            sign=-1,
            description="Days with a message in a group ({filter}) over {window}: taking part, not a single burst",
            reason=WRITES,
        ),
        Measure(
            name="written",
            ops="days_since_last",
            windows=("all",),
            filters=KINDS,
            unfiltered=True,
            sign=1,
            description="Days since a message in a group ({filter}): gone quiet",
            reason=SILENCE,
        ),
        Measure(
            name="written",
            ops="mean_gap max_gap longest_streak",
            windows=("90d",),
            description="Silences between messages in groups over {window}, and the longest run of days with one",
            reason="How regularly you are in contact with groups",
        ),
        Measure(
            name="written",
            value="1",
            ops="slope",
            windows=("90d",),
            sign=-1,
            description="Trend of the daily number of messages in groups over {window}: drifting apart",
            reason=CHANGED,
        ),
        Measure(
            name="circles",
            value="group_id",
            ops="distinct entropy top_share",
            description="Groups written in over {window}: how many, how evenly, and whether one is all there is",
            reason=CIRCLES,
        ),
        Measure(
            name="circles",
            value="group_id",
            ops="kept_share",
            sign=-1,
            description="Groups of the span before that the customer writes in again over {window}: circles that hold",
            reason=CIRCLES,
        ),
        Measure(
            name="circles",
            value="group_id",
            ops="distinct",
            filters=("hobby",),
            windows=("90d",),
            sign=-1,
            description="Groups ({filter}) written in over {window}: people who share an interest",
            reason=CIRCLES,
        ),
        Measure(
            name="night",
            ops="count",
            where="HOUR(event_at) >= 22 OR HOUR(event_at) < 6",
            sign=1,
            description="Messages in groups between ten and six over {window}: a life off its usual hours",
            reason="Contact at night",
        ),
        Measure(
            name="weekend",
            ops="count",
            where="ISODOW(event_at) >= 6",
            description="Messages in groups at weekends over {window}",
            reason=WRITES,
        ),
        Measure(
            name="week_hours",
            value="ISODOW(event_at) * 24 + HOUR(event_at)",
            ops="entropy",
            windows=("90d",),
            description="How evenly messages in groups are spread over the hours of a week, over {window}",
            reason="How regularly you are in contact with groups",
        ),
    ),
    derived=(
        *(
            Share(
                name=kind,
                a=f"written_{kind}_count",
                b="written_count",
                windows=LONG,
                description=f"Share of messages in groups that is with {words}, over {{window}}",
                reason=CIRCLES,
            )
            for kind, words in (("family", "the family"), ("work", "colleagues"), ("hobby", "those of a hobby"))
        ),
        Share(
            name="night",
            a="night_count",
            b="written_count",
            windows=LONG,
            sign=1,
            description="Share of messages in groups between ten and six over {window}",
            reason="Contact at night",
        ),
        Share(
            name="weekend",
            a="weekend_count",
            b="written_count",
            windows=LONG,
            description="Share of messages in groups at weekends over {window}: days are alike where no work is",
            reason=WRITES,
        ),
        Ratio(
            of="written_count written_family_count written_work_count written_hobby_count",
            window="28d",
            against="90d",
            sign=-1,
            description="Messages in groups per day over {window} against 90 days: gone quiet",
            reason=CHANGED,
        ),
        Change(
            of="written_count circles_distinct",
            windows=("28d",),
            sign=-1,
            description="Change of messages in groups, and of groups, over {window} against the same span before",
            reason=CHANGED,
        ),
        ZScore(
            of="written_count",
            windows=("28d",),
            k=4,
            sign=-1,
            description="Messages in groups over {window} in standard deviations from the four such spans before",
            reason=CHANGED,
        ),
    ),
)

CHAT_GROUPS = FeatureGroup(
    name="chat_groups",
    table="clean.group_memberships",
    owner="credit-risk",
    description="Group chats that the customer belongs to, and for how long",
    windows=("90d", "all"),
    pii="personal",
    permitted_use="credit decisions, early warning",
    lookups=(Lookup(table="clean.groups", on="group_id", columns=("topic",)),),
    filters=FILTERS,
    words=WORDS,
    measures=(
        Measure(
            name="belongs",
            value=STEP,
            ops="sum",
            filters=KINDS,
            unfiltered=True,
            sign=-1,
            description="Groups ({filter}) joined less those left over {window}: since ever, the groups of today",
            reason=CIRCLES,
        ),
        Measure(
            name="left",
            ops="count",
            where="NOT is_member",
            filters=("work", "hobby"),
            unfiltered=True,
            sign=1,
            description="Groups ({filter}) left over {window}: a circle that is gone",
            reason=CIRCLES,
        ),
        Measure(
            name="joined",
            ops="days_since_first",
            where="is_member",
            filters=KINDS,
            unfiltered=True,
            windows=("all",),
            sign=-1,
            description="Days since a group ({filter}) was joined first: old ties hold better",
            reason=CIRCLES,
        ),
        Measure(
            name="left",
            ops="days_since_last",
            where="NOT is_member",
            filters=("work", "hobby"),
            windows=("all",),
            sign=-1,
            description="Days since a group ({filter}) was left",
            reason=CIRCLES,
        ),
        Measure(
            name="joined",
            ops="days_since_last",
            where="is_member",
            windows=("all",),
            description="Days since a group was joined last: a new circle",
            reason=CIRCLES,
        ),
        Measure(
            name="topics",
            value="topic",
            ops="distinct",
            where="is_member",
            windows=("all",),
            description="Hobbies that the groups joined are about: how many interests are shared with others",
            reason=CIRCLES,
        ),
    ),
)
