"""The oracle of places: distances from the angle between two directions in space, spreads on a flat map."""

from __future__ import annotations

import math

RADIUS = 6371.0088  # kilometres, the mean radius of the earth


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Along the great circle: the angle between the two directions from the middle of the earth."""
    one, two = _direction(latitude, longitude), _direction(other_latitude, other_longitude)
    cross = (
        one[1] * two[2] - one[2] * two[1],
        one[2] * two[0] - one[0] * two[2],
        one[0] * two[1] - one[1] * two[0],
    )
    return RADIUS * math.atan2(math.hypot(*cross), sum(a * b for a, b in zip(one, two, strict=True)))


def gyration(mean_latitude: float, latitude: float, longitude: float) -> float:
    """Of spreads in degrees: a degree of longitude is shorter away from the equator."""
    degree = 2 * math.pi * RADIUS / 360
    return degree * math.hypot(latitude, math.cos(math.radians(mean_latitude)) * longitude)


def _direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    up, around = math.radians(latitude), math.radians(longitude)
    return math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)
