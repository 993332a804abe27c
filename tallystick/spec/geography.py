"""Derived features of places: how far two of them lie apart, and how far a customer moves about.

Kept apart from ``features`` because these take coordinates: degrees of latitude and longitude, as stems of the group.
A group of places holds cells of a grid, so the coordinates are those of a cell's centre, never of a customer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.names import check_name
from tallystick.spec.part_checks import check_distinct, check_sign, check_version
from tallystick.spec.parts import declaring
from tallystick.spec.windows import parse_window

# Mean radius of the earth (IUGG), in kilometres.
EARTH_KM = 6371.0088


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """Kilometres along the great circle between two places in each window; null where one of them is not known.

    ``a`` and ``b`` are places: the stems of a latitude and a longitude in degrees, such as ``("home_latitude_last",
    "home_longitude_last")``. Without ``b`` it is the distance of ``a`` from what it was in the window before. The earth
    is a ball here, so distances are right to half a percent. ``windows`` empty means the windows of the measure of
    ``a``, without ``all`` where there is no ``b``. Columns are called ``<group>_<name>_distance_<window>``.
    """

    name: str
    a: tuple[str, ...]
    b: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None

    def __post_init__(self) -> None:
        with declaring("distance", self.name):
            where = f"distance {self.name}"
            check_types(self, where=where)
            _check(where, self)
            for place in (self.a, self.b) if self.b else (self.a,):
                if len(place) != 2:
                    what = f"a place is a latitude and a longitude, not {len(place)} stems"
                    raise DeclarationError(what, where=where, fix="a=('home_latitude_last', 'home_longitude_last')")
            if not self.b and any(parse_window(window).is_all for window in self.windows):
                raise DeclarationError("window all has no window before it", where=where, fix="use days or months")

    @property
    def stems(self) -> tuple[str, ...]:
        """Latitude and longitude of ``a``, then of ``b`` or of ``a`` again."""
        return (*self.a, *(self.b or self.a))


@dataclass(frozen=True, kw_only=True, slots=True)
class Gyration:
    """The radius of gyration in each window: the root mean square of the distance of the rows from their mean place, in
    kilometres; null without a row that has both coordinates.

    ``latitude`` and ``longitude`` are measures in degrees (with their filter: ``night_latitude_out``), which must have
    the ops ``mean`` and ``std_pop``. Distances are taken in the plane that touches the earth at the mean place: right
    to a percent up to some hundred kilometres. Where a row lacks one coordinate only, the other one still counts.
    ``windows`` empty means the windows of the latitude. Columns are called ``<group>_<name>_gyration_<window>``.
    """

    name: str
    latitude: str
    longitude: str
    windows: tuple[str, ...] = ()
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None

    def __post_init__(self) -> None:
        with declaring("gyration", self.name):
            where = f"gyration {self.name}"
            check_types(self, where=where)
            _check(where, self)

    @property
    def stems(self) -> tuple[str, ...]:
        """What it is made of: mean and spread of the latitude, spread of the longitude."""
        return (f"{self.latitude}_mean", f"{self.latitude}_std_pop", f"{self.longitude}_std_pop")


def _check(where: str, declared: Distance | Gyration) -> None:
    check_name(type(declared).__name__.lower(), declared.name, where=where)
    check_sign(where, declared.sign)
    check_version(where, declared.version)
    _check_windows(where, declared.windows)
    if declared.replaces:
        check_name("replaced", declared.replaces, where=where)


def _check_windows(where: str, windows: Iterable[str]) -> None:
    for window in windows:
        parse_window(window)
    check_distinct(where, "window", windows)
