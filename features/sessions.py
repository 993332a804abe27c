"""What a session is like beside those before it, and where its customer is: what reviews of logins look at.

One row of clean.device_events is a login or a change of telephone or SIM card, one of clean.location_events a sighting
of the customer's telephone in a cell. For the set ``logins`` the last event that is seen is the one under review.

Why fraud review cares: who takes over an account comes with a telephone the account has never seen, after failed logins
or a new SIM card, at another hour than the customer, and moves fast (ENISA, Countering SIM-Swapping, 2021; FATF,
Digital Identity, 2020). A telephone that is seen in two places farther apart than an airliner flies is two telephones.
A lost telephone, a journey and a long break look the same, so none is proof. For fraud review only.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.geography import Distance

NEAR = ("10min", "1h", "24h")
DAY = 86_400
LOGIN, FAILED = "kind = 'login'", "kind = 'failed_login'"
SINCE = "EPOCH(event_at) - EPOCH(LAG(event_at))"
SEEN_BEFORE = "LAG(event_at) OVER (PARTITION BY device_id) IS NOT NULL"
HAS_PAST = "LAG(event_at) IS NOT NULL"
LAST_SIM = "LAST_VALUE(CASE WHEN kind = 'sim_change' THEN EPOCH(event_at) END IGNORE NULLS)"
LAST_DEVICE = "LAST_VALUE(CASE WHEN kind = 'new_device' THEN EPOCH(event_at) END IGNORE NULLS)"
FIRST_FAILED = "LAG(kind, {n}) = 'failed_login'"
NOT_FAILED = "kind <> 'failed_login'"

# A degree of latitude is 111.2 km; one of longitude at 53 degrees north, the north of China, 66.9 km. The way cannot be
# shorter than either, so a speed from them is too low rather than too high.
KM_NORTH, KM_EAST = 111.2, 66.9
_NORTH = f"ABS(cell_latitude - LAG(cell_latitude)) * {KM_NORTH}"
_EAST = f"ABS(cell_longitude - LAG(cell_longitude)) * {KM_EAST}"
WAY = f"CASE WHEN {_NORTH} >= {_EAST} THEN {_NORTH} ELSE {_EAST} END"

PHONE = "The telephone that you use"
FAILS = "Failed logins"
CHANGED = "A recent change of telephone or SIM card"
HOURS = "The hours at which you log in"
PLACE = "The places where you are"

SESSIONS = FeatureGroup(
    name="sessions",
    table="clean.device_events",
    owner="fraud-desk",
    description="Sessions beside those before them, for fraud review",
    windows=NEAR,
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="login",
            ops="count",
            where=LOGIN,
            windows=(*NEAR, "30d"),
            description="Logins over {window}",
            reason="How often you log in",
        ),
        Measure(
            name="failed",
            ops="count",
            where=FAILED,
            windows=(*NEAR, "7d"),
            description="Failed logins over {window}: passwords are tried",
            reason=FAILS,
        ),
        Measure(
            name="guessed",
            ops="count",
            where=f"kind IN ('login', 'new_device') AND {FIRST_FAILED.format(n=1)} AND {FIRST_FAILED.format(n=2)}"
            f" AND {FIRST_FAILED.format(n=3)} AND EPOCH(event_at) - EPOCH(LAG(event_at, 3)) < 1800",
            windows=("24h", "7d"),
            description="Logins and new telephones after three failed logins within half an hour, over {window}",
            reason=FAILS,
        ),
        Measure(
            name="new_phone",
            ops="count",
            where=f"kind = 'new_device' AND {HAS_PAST}",
            windows=("1h", "24h", "72h", "7d"),
            description="Telephones registered over {window} by somebody who had one",
            reason=CHANGED,
        ),
        Measure(
            name="new_sim",
            ops="count",
            where="kind = 'sim_change'",
            windows=("24h", "72h", "7d"),
            description="Changes of SIM card over {window}",
            reason=CHANGED,
        ),
        Measure(
            name="sim_then_phone",
            ops="count",
            where=f"kind = 'new_device' AND EPOCH(event_at) - {LAST_SIM} BETWEEN 0 AND {DAY}",
            windows=("24h", "7d"),
            description="Telephones registered within a day after a new SIM card, over {window}",
            reason=CHANGED,
        ),
        Measure(
            name="fail_then_phone",
            ops="count",
            where=f"kind = 'new_device' AND {FIRST_FAILED.format(n=1)} AND {SINCE} < 3600",
            windows=("24h", "7d"),
            description="Telephones registered within an hour after a failed login, over {window}",
            reason=CHANGED,
        ),
        Measure(
            name="is_new",
            value=f"CASE WHEN {SEEN_BEFORE} OR NOT {HAS_PAST} THEN 0 ELSE 1 END",
            where=f"{NOT_FAILED} AND device_id IS NOT NULL",
            ops="last",
            windows=("all",),
            description="1 where the telephone of the last event was never seen with this customer before",
            reason=PHONE,
        ),
        Measure(
            name="phone_days",
            value="(EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY device_id))) / 86400",
            where=NOT_FAILED,
            ops="last",
            windows=("all",),
            description="Days since the telephone of the last event was seen before",
            reason=PHONE,
        ),
        Measure(
            name="phone",
            value="device_id",
            ops="distinct",
            windows=("1h", "24h", "7d", "30d"),
            description="Telephones used over {window}",
            reason=PHONE,
        ),
        Measure(
            name="swap",
            ops="count",
            where="device_id <> LAG(device_id) AND LAG(device_id, 2) = device_id AND EPOCH(event_at)"
            f" - EPOCH(LAG(event_at, 2)) < {7 * DAY}",
            windows=("24h", "30d"),
            description="Times within a week that another telephone was used and the old one again, over {window}",
            reason=PHONE,
        ),
        Measure(
            name="quiet",
            value=f"({SINCE}) / {DAY}",
            where=NOT_FAILED,
            ops="last",
            windows=("all",),
            description="Days without any event before the last one: an account that slept",
            reason="An account that was not used for long",
        ),
        Measure(
            name="hour",
            value="HOUR(event_at)",
            where=LOGIN,
            ops="usual_share",
            base="all",
            windows=("24h",),
            description="Share of the logins over {window} at hours at which the customer usually logs in",
            reason=HOURS,
        ),
        Measure(
            name="hour",
            value="HOUR(event_at)",
            where=NOT_FAILED,
            ops="last",
            windows=("all",),
            description="Hour of the last event on the local clock",
            reason=HOURS,
        ),
        Measure(
            name="night",
            ops="count",
            where=f"{LOGIN} AND HOUR(event_at) < 6",
            windows=("24h", "90d"),
            description="Logins between midnight and six over {window}",
            reason=HOURS,
        ),
        Measure(
            name="tampered",
            value="is_tampered",
            where=NOT_FAILED,
            ops="last",
            windows=("all",),
            description="1 where the telephone of the last event is an emulator or rooted",
            reason="A telephone whose protection was removed",
        ),
        Measure(
            name="was_tampered",
            value="LAG(is_tampered)",
            where=NOT_FAILED,
            ops="last",
            windows=("all",),
            description="1 where the telephone of the event before was an emulator or rooted",
            reason="A telephone whose protection was removed",
        ),
        Measure(
            name="phone_age",
            value=f"(EPOCH(event_at) - {LAST_DEVICE}) / {DAY}",
            where=NOT_FAILED,
            ops="last",
            windows=("all",),
            description="Days from the last registration of a telephone to the last event",
            reason=CHANGED,
        ),
        Measure(
            name="known",
            ops="days_since_first count",
            windows=("all",),
            description="Days since the first event, and events in all",
            reason="Length of your history with us",
        ),
    ),
)

WHEREABOUTS = FeatureGroup(
    name="whereabouts",
    table="clean.location_events",
    owner="fraud-desk",
    description="Where the customer's telephone is, beside where it was, for fraud review",
    windows=("24h", "7d", "90d"),
    where="cell_latitude IS NOT NULL AND cell_longitude IS NOT NULL",
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="speed",
            value=f"({WAY}) / (({SINCE}) / 3600)",
            where=f"{SINCE} >= 60 AND {WAY} >= 50",
            ops="max last",
            windows=("24h", "7d", "30d"),
            description="Kilometres per hour between two sightings 50 km or more apart, at least, over {window}",
            reason=PLACE,
        ),
        Measure(
            name="place",
            value="cell_id",
            ops="distinct new",
            base="all",
            windows=("24h", "7d"),
            description="Places seen at over {window}, and those never seen at before",
            reason=PLACE,
        ),
        Measure(
            name="sighting",
            ops="count",
            windows=("24h", "7d", "90d"),
            description="Sightings over {window}",
            reason=PLACE,
        ),
        Measure(
            name="sighting",
            ops="days_since_last",
            windows=("all",),
            description="Days since the last sighting",
            reason=PLACE,
        ),
        Measure(
            name="usual",
            value="cell_id",
            ops="usual_share",
            base="all",
            windows=("7d",),
            description="Share of the sightings over {window} at places where the customer usually is",
            reason=PLACE,
        ),
        *(
            Measure(
                name=name,
                value=f"cell_{name}",
                ops="last",
                windows=("7d", "90d"),
                description=f"{name.capitalize()} of the cell of the last sighting over {{window}}",
                reason=PLACE,
            )
            for name in ("latitude", "longitude")
        ),
        *(
            Measure(
                name=f"home_{name}",
                value=f"cell_{name}",
                top="cell_id",
                where="HOUR(event_at) < 6",
                ops="last",
                windows=("7d", "90d"),
                description=f"{name.capitalize()} of the place of most nights over {{window}}",
                reason=PLACE,
            )
            for name in ("latitude", "longitude")
        ),
        Measure(
            name="exact",
            value="accuracy_metres",
            ops="min distinct",
            windows=("90d",),
            description="How exact sightings are over {window}: those of a made-up place are all alike",
            reason=PLACE,
        ),
    ),
    derived=(
        Distance(
            name="from_home",
            a=("latitude_last", "longitude_last"),
            b=("home_latitude_last", "home_longitude_last"),
            windows=("90d",),
            description="Kilometres from the place of most nights to the last sighting, over {window}",
            reason=PLACE,
        ),
        Distance(
            name="moved_home",
            a=("home_latitude_last", "home_longitude_last"),
            windows=("90d",),
            description="Kilometres between the places of most nights of {window} and of the 90 days before",
            reason=PLACE,
        ),
    ),
)
