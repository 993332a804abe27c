"""Where a customer's days take place: home and work as seen, the way between them, habits, moves and journeys.

One row of clean.location_events is a sighting of a telephone in a cell of a grid. Home is the cell of most nights, work
the one of most working hours, each inferred from the sightings of a window or a month, never from an address that was
told; of equally frequent cells the one seen last counts. Distances are between the centres of cells. Columns with such
a centre are of class sensitive, and so is what is made of them: a recipe that uses a distance says why.

Why a lender cares: a home and a place of work that stay are income that stays. Of people who lost their work, the
towers that they were seen at became a fifth fewer (Toole et al., Journal of the Royal Society Interface 12, 2015).
Moving house is among the oldest signs of scorecards (Thomas, Crook and Edelman, Credit Scoring and Its Applications,
2017). A telephone that tells nothing (forbidden, switched off, another one) is null, and no sign.
"""

from __future__ import annotations

from tallystick.spec.combined import Combined
from tallystick.spec.features import FeatureGroup, Measure, Ratio, Share
from tallystick.spec.geography import Distance, Gyration
from tallystick.spec.months import Months

LONG = ("90d", "180d")
BASES = ("night", "work")

HOME = "How long and how steadily you live where you live"
WORK = "How steadily you go to work"
PLACES = "Variety of the places where you are"
HABIT = "Habits of moving about"
SEEN = "How often your telephone told where it is"

TRAJECTORY = FeatureGroup(
    name="trajectory",
    table="clean.location_events",
    owner="credit-risk",
    description="Home, work, habits and journeys of the customer, from cells of a grid",
    windows=LONG,
    pii="personal",
    permitted_use="credit decisions, early warning",
    filters={
        "night": "HOUR(event_at) < 6",
        "work": "ISODOW(event_at) < 6 AND HOUR(event_at) BETWEEN 9 AND 17",
        "weekend": "ISODOW(event_at) >= 6",
    },
    words={"night": "at night", "work": "in working hours", "weekend": "at weekends"},
    measures=(
        Measure(
            name="seen",
            ops="count",
            windows=("30d", *LONG),
            description="Sightings over {window}: how much the rest rests on",
            reason=SEEN,
        ),
        Measure(
            name="seen",
            ops="count",
            filters=("night", "work", "weekend"),
            description="Sightings {filter} over {window}: how much the rest rests on",
            reason=SEEN,
        ),
        Measure(
            name="seen",
            ops="days_since_last",
            windows=("all",),
            filters=("work",),
            unfiltered=True,
            description="Days since a sighting ({filter}): the source may have fallen silent",
            reason=SEEN,
        ),
        Measure(
            name="seen",
            ops="max_gap",
            windows=("180d",),
            description="Longest time without a sighting over {window}: a telephone that is off, or forbidden to tell",
            reason=SEEN,
        ),
        Measure(
            name="cell",
            value="cell_id",
            ops="top_share",
            filters=BASES,
            sign=-1,
            description="Share of sightings {filter} that one place explains, over {window}: how sure home or work is",
            reason=HABIT,
        ),
        Measure(
            name="cell",
            value="cell_id",
            ops="distinct entropy",
            windows=("90d",),
            filters=("night", "work", "weekend"),
            unfiltered=True,
            description="Places ({filter}) over {window}, how many and how evenly: idle days have fewer",
            reason=PLACES,
        ),
        Measure(
            name="kept",
            value="cell_id",
            ops="top_kept",
            filters=BASES,
            windows=("90d",),
            sign=-1,
            description="1 where the usual place {filter} over {window} is that of the span before: did not move",
            reason=HOME,
        ),
        Measure(
            name="still",
            value="cell_id",
            ops="old_top_share",
            base="180d",
            filters=BASES,
            windows=("30d", "60d"),
            sign=-1,
            description="Share of sightings {filter} over {window} at the usual place of the half-year before",
            reason=WORK,
        ),
        Measure(
            name="places",
            value="cell_id",
            ops="kept_share jaccard",
            windows=("90d",),
            description="Places of the span before that are seen again over {window}: habits that go on",
            reason=HABIT,
        ),
        Measure(
            name="places",
            value="cell_id",
            ops="usual_share new_share",
            base="180d",
            windows=("30d", "90d"),
            description="Share of sightings over {window} at usual places of the half-year before, and at new ones",
            reason=HABIT,
        ),
        Measure(
            name="at_home",
            top="cell_id",
            ops="count",
            where="HOUR(event_at) < 6",
            sign=-1,
            description="Sightings at home by night over {window}: nights in one's own bed",
            reason=HOME,
        ),
        Measure(
            name="at_work",
            top="cell_id",
            ops="count active_days days_since_last",
            where="ISODOW(event_at) < 6 AND HOUR(event_at) BETWEEN 9 AND 17",
            description="Sightings and days at work over {window}, and days since: a route to work that goes on",
            reason=WORK,
        ),
        *(
            Measure(
                name=name,
                value=f"cell_{name}",
                top="cell_id",
                ops="last",
                filters=BASES,
                pii="sensitive",
                description=f"The {name} of the cell of most sightings {{filter}} over {{window}}, for distances alone",
                reason=HOME,
            )
            for name in ("latitude", "longitude")
        ),
        Measure(
            name="north",
            value="cell_latitude",
            ops="mean std_pop",
            pii="sensitive",
            description="Middle and spread of latitudes over {window}, for the radius of gyration alone",
            reason=HABIT,
        ),
        Measure(
            name="east",
            value="cell_longitude",
            ops="std_pop",
            pii="sensitive",
            description="Spread of longitudes over {window}, for the radius of gyration alone",
            reason=HABIT,
        ),
    ),
    derived=(
        Share(
            name="weekend",
            a="seen_weekend_count",
            b="seen_count",
            windows=LONG,
            description="Share of sightings at weekends over {window}: days are alike where no work is",
            reason=HABIT,
        ),
        Share(
            name="at_work",
            a="at_work_count",
            b="seen_count",
            windows=LONG,
            sign=-1,
            description="Share of all sightings that is at work over {window}: time that is paid",
            reason=WORK,
        ),
        Ratio(
            of="at_work_count seen_count",
            window="90d",
            against="180d",
            description="Sightings at work, and in all, per day over {window} against 180 days",
            reason=WORK,
        ),
        Distance(
            name="way",
            a=("latitude_night_last", "longitude_night_last"),
            b=("latitude_work_last", "longitude_work_last"),
            windows=LONG,
            description="Kilometres from home to work over {window}: what a job costs in time and money",
            reason=WORK,
        ),
        *(
            Distance(
                name=name,
                a=(f"latitude_{base}_last", f"longitude_{base}_last"),
                windows=("90d",),
                sign=1,
                description=f"Kilometres from {words} of the span before to that of {{window}}: a move, or none",
                reason=HOME,
            )
            for name, base, words in (("moved", "night", "the home"), ("changed", "work", "the place of work"))
        ),
        Gyration(
            name="about",
            latitude="north",
            longitude="east",
            windows=LONG,
            description="Radius of gyration over {window}, in kilometres: a small world or a wide one",
            reason=HABIT,
        ),
        *(
            Months(
                name=name,
                value=f"kept_{base}_top_kept = 1",
                ops="count current_streak",
                windows=("6m",),
                sign=-1,
                description=f"Months with the same {words} as the month before, in {{window}}: since the last move",
                reason=HOME,
            )
            for name, base, words in (("home", "night", "home"), ("workplace", "work", "place of work"))
        ),
    ),
    combined=tuple(
        one
        for window, words in (("90d", "90 days"), ("180d", "180 days"))
        for one in (
            Combined(
                name=f"nights_away_{window}",
                value=f"trajectory_seen_night_count_{window} - trajectory_at_home_count_{window}",
                description=f"Sightings by night at another place than home in {words}: journeys, shifts, or no home",
                reason=HOME,
            ),
            Combined(
                name=f"explained_share_{window}",
                value=f"(trajectory_at_home_count_{window} + trajectory_at_work_count_{window}) / "
                f"(trajectory_seen_night_count_{window} + trajectory_seen_work_count_{window})",
                description=f"Share of nights and working hours that home and work explain, in {words}: a settled life",
                reason=HABIT,
                sign=-1,
            ),
        )
    ),
)
