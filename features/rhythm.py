"""How a customer keeps in touch: balance and evenness over contacts, conversations, answers, time between contacts.

The indicators of bandicoot 0.6 (de Montjoye, Rocher, Pentland: JMLR 17(175), 2016) that need no place, over declared
windows; ``docs/copenhagen.md`` names each with its definition. Beside them stands the entropy over the hours of a week.
A *conversation* is a run of messages between two people, each less than an hour after the one before, that a call ends.
Night is from 19:00 to 7:00, the weekend Saturday and Sunday, on the clock of the source's zone. Missed calls are
contact, without a length.

Why a lender cares: people with even, mutual and regular ties have more help in a bad month, and a change of this rhythm
may be seen before a payment is missed. Indicators of this kind told good from bad borrowers with thin files (Bjorkegren
and Grissen 2020; San Pedro, Proserpio and Oliver 2015; Oskarsdottir et al. 2019). The signs are what these lead one to
expect, not numbers of theirs; a model is free to find another one.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Share

NIGHT = "(HOUR(event_at) >= 19 OR HOUR(event_at) < 7)"
KINDS = ("call", "message")

# What is said of the row before with the same person. A row of another kind ends a conversation.
_WITH = "OVER (PARTITION BY counterpart_id)"
SECONDS_SINCE = f"EPOCH(event_at) - EPOCH(LAG(event_at) {_WITH})"
BEGINS = f"kind = 'message' AND (COALESCE(LAG(kind) {_WITH}, '') <> 'message' OR {SECONDS_SINCE} >= 3600)"
# Of the conversation that a message belongs to: the message that it began with, and who sent that one.
CONVERSATION = f"LAST_VALUE(CASE WHEN {BEGINS} THEN social_event_id END IGNORE NULLS) {_WITH}"
BEGUN_BY = f"LAST_VALUE(CASE WHEN {BEGINS} THEN direction END IGNORE NULLS) {_WITH}"

PEOPLE = "Number of people you are in contact with"
BALANCE = "Balance of contact that you start and that others start"
ANSWERS = "How you answer messages"
REGULAR = "How regularly you are in contact with others"
NIGHTLY = "Contact at night"

RHYTHM = FeatureGroup(
    name="rhythm",
    table="clean.social_events",
    owner="credit-risk",
    description="Balance, conversations, answers and regularity of the customer's messages and calls",
    windows=("28d", "90d"),
    pii="personal",
    where="kind IN ('call', 'message')",
    filters={
        "message": "kind = 'message'",
        "call": "kind = 'call'",
        "night": NIGHT,
        "weekend": "ISODOW(event_at) >= 6",
        "night_message": f"kind = 'message' AND {NIGHT}",
        "night_call": f"kind = 'call' AND {NIGHT}",
    },
    words={
        "message": "messages",
        "call": "calls",
        "night": "at night",
        "weekend": "at weekends",
        "night_message": "messages at night",
        "night_call": "calls at night",
    },
    measures=(
        Measure(
            name="event",
            ops="count",
            filters=("call", "message", "night_call", "night_message"),
            sign=-1,
            description="Contact ({filter}) over {window}: whoever is in touch can be reached and can ask for help",
            reason="Contact with other people by messages and calls",
        ),
        Measure(
            name="event",
            ops="active_days",
            filters=("night", "weekend"),
            unfiltered=True,
            sign=-1,
            description="Days with contact ({filter}) over {window}: a regular life is a steadier one",
            reason=REGULAR,
        ),
        Measure(
            name="out",
            ops="count",
            where="direction = 'out'",
            filters=KINDS,
            sign=-1,
            description="Contact ({filter}) that the customer started over {window}: it costs effort or money",
            reason=BALANCE,
        ),
        Measure(
            name="in",
            ops="count",
            where="direction = 'in'",
            filters=KINDS,
            sign=-1,
            description="Contact ({filter}) that others started over {window}: others care for the customer",
            reason="How often others contact you",
        ),
        Measure(
            name="contacts",
            value="counterpart_id",
            ops="distinct entropy",
            filters=KINDS,
            sign=-1,
            description="People in contact ({filter}) over {window}, how many and how evenly: more places to find help",
            reason=PEOPLE,
        ),
        Measure(
            name="talk",
            value="duration_seconds",
            where="kind = 'call'",
            ops="mean std_pop",
            sign=-1,
            description="Length of answered calls in seconds over {window}: long calls are those of close ties",
            reason="Length of your calls",
        ),
        Measure(
            name="gap_seconds",
            value="EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY kind))",
            ops="mean std_pop",
            filters=KINDS,
            sign=1,
            description="Seconds since the contact before ({filter}) over {window}: bursts and silences of unrest",
            reason=REGULAR,
        ),
        Measure(
            name="week_hours",
            value="ISODOW(event_at) * 24 + HOUR(event_at)",
            ops="entropy",
            sign=1,
            description="How evenly contact is spread over the hours of a week, over {window}: a fixed routine is low",
            reason=REGULAR,
        ),
        Measure(
            name="per_contact",
            value="1",
            each="counterpart_id",
            ops="mean std_pop pareto(0.8)",
            filters=KINDS,
            description="Contacts ({filter}) per person, and how few make up 80 %, over {window}",
            reason=PEOPLE,
        ),
        Measure(
            name="out_per_contact",
            value="direction = 'out'",
            each="counterpart_id",
            ops="mean std_pop",
            filters=KINDS,
            description="Contacts ({filter}) that the customer started per person over {window}: effort for each tie",
            reason=BALANCE,
        ),
        Measure(
            name="talk_per_contact",
            value="COALESCE(duration_seconds, 0)",
            where="kind = 'call'",
            each="counterpart_id",
            ops="pareto(0.8)",
            description="How few people make up 80 % of the calling time over {window}: whom the customer leans on",
            reason=PEOPLE,
        ),
        Measure(
            name="conversations",
            ops="count",
            where=BEGINS,
            sign=-1,
            description="Conversations by message that began in {window}: give and take, not single messages",
            reason="Contact with other people by messages and calls",
        ),
        Measure(
            name="conversations_out",
            ops="count",
            where=f"{BEGINS} AND direction = 'out'",
            sign=-1,
            description="Conversations by message that the customer began in {window}: reaching out",
            reason=BALANCE,
        ),
        Measure(
            name="conversations_in",
            ops="count",
            where=f"{BEGINS} AND direction = 'in'",
            sign=-1,
            description="Conversations by message that others began in {window}: being sought",
            reason="How often others contact you",
        ),
        Measure(
            name="conversations_answered",
            value=CONVERSATION,
            ops="distinct",
            where=f"kind = 'message' AND direction = 'out' AND {BEGUN_BY} = 'in'",
            sign=-1,
            description="Conversations begun by others that the customer answered in {window}: can be reached",
            reason=ANSWERS,
        ),
        Measure(
            name="answer_seconds",
            value=SECONDS_SINCE,
            ops="mean std_pop",
            where=f"kind = 'message' AND direction = 'out' AND LAG(kind) {_WITH} = 'message' "
            f"AND LAG(direction) {_WITH} = 'in' AND {SECONDS_SINCE} > 0 AND {SECONDS_SINCE} < 3600",
            sign=1,
            description="Seconds until the customer answers within a conversation, over {window}: attention to duties",
            reason=ANSWERS,
        ),
    ),
    derived=(
        Share(
            name="night_call",
            a="event_night_call_count",
            b="event_call_count",
            sign=1,
            description="Share of calls at night over {window}: shift work, or a life off its usual hours",
            reason=NIGHTLY,
        ),
        Share(
            name="night_message",
            a="event_night_message_count",
            b="event_message_count",
            sign=1,
            description="Share of messages at night over {window}: shift work, or a life off its usual hours",
            reason=NIGHTLY,
        ),
        Share(
            name="out_call",
            a="out_call_count",
            b="event_call_count",
            description="Share of calls that the customer made over {window}: one-sided contact is a weaker tie",
            reason=BALANCE,
        ),
        Share(
            name="conversations_out",
            a="conversations_out_count",
            b="conversations_count",
            description="Share of conversations that the customer began, over {window}: one-sided ties are weaker",
            reason=BALANCE,
        ),
        Share(
            name="answered",
            a="conversations_answered_distinct",
            b="conversations_in_count",
            sign=-1,
            description="Share of the conversations begun by others that the customer answered, over {window}",
            reason=ANSWERS,
        ),
        *(
            Share(
                name=f"balance_{kind}_{name}",
                a=f"out_per_contact_{kind}_{op}",
                b=f"event_{kind}_count",
                description=f"{words} over people of what the customer started with each, as a share of all {kind}s, "
                "over {window}: mutual ties hold",
                reason=BALANCE,
            )
            for kind in KINDS
            for name, op, words in (("mean", "mean", "Mean"), ("spread", "std_pop", "Spread"))
        ),
        *(
            Share(
                name=f"few_{kind}",
                a=f"per_contact_{kind}_pareto80",
                b=f"contacts_{kind}_distinct",
                description=f"Share of the people in {kind}s that makes up 80 %, over {{window}}: a small one leans "
                "on few",
                reason=PEOPLE,
            )
            for kind in KINDS
        ),
        Share(
            name="few_talk",
            a="talk_per_contact_pareto80",
            b="contacts_call_distinct",
            description="Share of the people in calls that makes up 80 % of the calling time, over {window}",
            reason=PEOPLE,
        ),
    ),
)
