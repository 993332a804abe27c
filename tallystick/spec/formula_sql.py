"""The SQL of derived features, over the values of the aggregates that they are made of.

Kept apart from ``feature_sql``, which writes the aggregates: nothing here looks at a row.
"""

from __future__ import annotations

from tallystick.spec.bases import Cell, FeatureColumn
from tallystick.spec.features import LEAST_ZSCORE_WINDOWS
from tallystick.spec.geography import EARTH_KM
from tallystick.spec.windows import DAY_MINUTES, distance_text

# What the values of a formula's aggregates are called; those of the others ``above`` and ``below``.
STEPS_OF: dict[str, tuple[str, ...]] = {
    "change": ("now", "before"),
    "distance": ("latitude", "longitude", "other_latitude", "other_longitude"),
    "gyration": ("mean_latitude", "latitude", "longitude"),
}
# Vincenty's formula for a ball: exact for places that are near each other, and for opposite ones.
_DISTANCE = f"""SELECT {EARTH_KM} * atan2(
    sqrt(power(cos(radians(other_latitude.value)) * sin(radians(other_longitude.value - longitude.value)), 2)
         + power(cos(radians(latitude.value)) * sin(radians(other_latitude.value))
                 - sin(radians(latitude.value)) * cos(radians(other_latitude.value))
                   * cos(radians(other_longitude.value - longitude.value)), 2)),
    sin(radians(latitude.value)) * sin(radians(other_latitude.value))
    + cos(radians(latitude.value)) * cos(radians(other_latitude.value))
      * cos(radians(other_longitude.value - longitude.value)))"""
_GYRATION = f"""SELECT {EARTH_KM} * radians(sqrt(
    power(latitude.value, 2) + power(cos(radians(mean_latitude.value)) * longitude.value, 2)))"""


def formula_sql(column: FeatureColumn) -> str:
    """The SELECT of a derived feature, without a name for its value and without its FROM."""
    match column.formula:
        case "change":
            return "SELECT (now.value - before.value) / nullif(abs(before.value), 0)"
        case "share":
            return "SELECT above.value / nullif(below.value, 0)"
        case "distance":
            return _DISTANCE
        case "gyration":
            return _GYRATION
    first, second = map(_days, column.cells)
    return f"SELECT (above.value / {first}) / nullif(below.value / {second}, 0)"


def _days(cell: Cell) -> str:
    """The number of days of a window; of minutes and hours the part of a day."""
    unit = cell.span.unit
    if unit == "minute":
        return f"({cell.span.count} / {DAY_MINUTES}.0)"
    far = f"$days_{distance_text(unit, cell.far)}"
    return f"({far} - $days_{distance_text(unit, cell.near)})" if cell.near else far


def zscore_sql(name: str) -> str:
    """The SELECT of a z-score called ``name`` from its window and those before."""
    score = "(any_value(now.value) - avg(earlier.value)) / nullif(stddev_samp(earlier.value), 0)"
    return f"""SELECT CASE WHEN count(earlier.value) >= {LEAST_ZSCORE_WINDOWS}
       THEN {score} END AS {name}
FROM now, earlier"""
