"""The regions of the simulated country, with a year's statistics each.

The supplier's file of areas, line by line. The names are made up.
"""

from __future__ import annotations

from datetime import date

from tallystick.simulation.day_numbers import from_day_number
from tallystick.simulation.life import unemployment_of
from tallystick.simulation.people import REGIONS

HEADER = (
    "AREA_CD",
    "AREA_NAME",
    "PROVINCE",
    "STAT_DT",
    "POP",
    "CITY_NUM",
    "URBAN_RATE",
    "AVG_WAGE",
    "UNEMP_RATE_LAST",
    "UNEMP_RATE",
    "ENTERPR_PER_1000",
    "CASES_LAST",
    "CASES",
)
NAME, ENCODING = "area", "gb18030"
_PROVINCES, _CITIES = "北南东西中江", "州山河城"


def statistic_days(first: int, last: int) -> tuple[date, ...]:
    """The ends of years with statistics: the one before the first day and every later one up to the last day."""
    start, end = from_day_number(first), from_day_number(last)
    return tuple(day for year in range(start.year - 1, end.year + 1) if (day := date(year, 12, 31)) <= end)


def region_lines(day: date) -> list[str]:
    """The statistics of one year's end, one line a region; poorer regions have the higher numbers."""
    lines = []
    for region in range(REGIONS):
        wobble = ((region * 37 + day.year * 11) % 9 - 4) / 10
        rate = unemployment_of(region) + wobble
        before = unemployment_of(region) + ((region * 37 + (day.year - 1) * 11) % 9 - 4) / 10
        cases = 900 + 55 * region + (region * 13 + day.year * 7) % 60
        fields = (
            f"A{region:03d}",
            f"{_PROVINCES[region % 6]}{_CITIES[region // 6]}市",
            f"{_PROVINCES[region % 6]}省",
            day.strftime("%Y/%m/%d"),
            str(4_800_000 - 150_000 * region),
            str(12 - region // 3),
            f"{88.0 - 1.7 * region:.1f}",
            f"{10_400 - 190 * region:.2f}",
            f"{before:.2f}",
            f"{rate:.2f}",
            str(142 - 3 * region),
            str(cases + 12),
            str(cases),
        )
        lines.append(",".join(fields))
    return lines
