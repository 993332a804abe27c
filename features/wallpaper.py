"""Pictures that customers put behind the app: planted noise, kept to be found worthless.

In the simulated bank wallpapers change by chance (docs/simulation.md). So whatever measures the worth of a source has
here a block of ordinary features that is known to be worth nothing, and is wrong where it finds some worth. A real bank
declares a table of random numbers of its own, or leaves the group out.

Why a lender cares: not at all, and that is the use of it. No sign is expected.
"""

from __future__ import annotations

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share

TASTE = "The wallpaper of your app"

WALLPAPER = FeatureGroup(
    name="wallpaper",
    table="clean.wallpaper_changes",
    owner="credit-risk",
    description="Wallpapers of the app: planted noise, which must come out as worth nothing",
    windows=("90d", "180d"),
    filters={"weekend": "ISODOW(event_at) >= 6", "night": "HOUR(event_at) < 6"},
    words={"weekend": "at weekends", "night": "at night"},
    measures=(
        Measure(
            name="change",
            ops="count",
            windows=("30d", "90d", "180d"),
            description="Changes of the wallpaper over {window}",
            reason=TASTE,
        ),
        Measure(
            name="change",
            ops="count",
            filters=("weekend", "night"),
            description="Changes of the wallpaper {filter} over {window}",
            reason=TASTE,
        ),
        Measure(
            name="change",
            ops="days_since_first days_since_last",
            windows=("all",),
            description="Days since the wallpaper was changed, the first time and the last",
            reason=TASTE,
        ),
        Measure(
            name="change",
            ops="mean_gap max_gap",
            windows=("180d",),
            description="Days between changes of the wallpaper over {window}",
            reason=TASTE,
        ),
        Measure(
            name="themes",
            value="theme",
            ops="distinct entropy top_share hhi",
            description="Themes of the wallpapers over {window}: how many, how evenly, and how much one of them",
            reason=TASTE,
        ),
        Measure(
            name="hours",
            value="HOUR(event_at)",
            ops="mean std",
            windows=("180d",),
            description="Hours of the day at which the wallpaper was changed, over {window}",
            reason=TASTE,
        ),
    ),
    derived=(
        Share(
            name="weekend",
            a="change_weekend_count",
            b="change_count",
            windows=("90d", "180d"),
            description="Share of changes of the wallpaper at weekends over {window}",
            reason=TASTE,
        ),
        Ratio(
            of="change_count",
            window="30d",
            against="180d",
            description="Changes of the wallpaper per day over {window} against 180 days",
            reason=TASTE,
        ),
        Change(
            of="change_count",
            windows=("90d",),
            description="Change of the number of wallpapers over {window} against the same span before",
            reason=TASTE,
        ),
    ),
)
