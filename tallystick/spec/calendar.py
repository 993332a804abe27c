"""Business dates and window edges of single instants, on the wall clock of a business zone.

One instant at a time, for declarations, messages and look-ups. ``kernel.zones`` does the same for whole columns; a
test holds the two together.

A local time that does not exist moves forward by the length of the gap; one that exists twice is the first of the two.
"""

from __future__ import annotations

import calendar
import datetime as dt
from zoneinfo import ZoneInfo

from tallystick.errors import DeclarationError
from tallystick.spec.windows import Window


def read_date(text: str, *, where: str) -> dt.date:
    """The date of a text such as ``2026-04-07``; DeclarationError for any other text, also for 20260407 or a week."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise DeclarationError(f"{text!r} cannot be read", where=where, fix="give a date such as 2026-04-07")
    return day


def business_zone(name: str) -> ZoneInfo:
    """The zone called ``name``, such as ``Asia/Shanghai``; DeclarationError for an unknown one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise DeclarationError(f"unknown time zone {name!r}", fix="a name such as Asia/Shanghai") from error


def business_date(instant: dt.datetime, zone: str) -> dt.date:
    """The local date of an instant that carries its offset."""
    return instant.astimezone(business_zone(zone)).date()


def business_instant(local: dt.datetime, zone: str) -> dt.datetime:
    """The UTC instant of a local time without offset."""
    return local.replace(tzinfo=business_zone(zone), fold=0).astimezone(dt.UTC)


def shift_back(as_of: dt.datetime, window: Window, zone: str, *, times: int = 1) -> dt.datetime:
    """The UTC instant ``times`` windows before ``as_of``. Days and months are local; months clamp to their last day.
    Minutes and hours are time that has passed.

    The instant at which a business date begins stands for its midnight, also where the clock skips that midnight.
    Window ``all`` has no far edge: DeclarationError.
    """
    if window.unit == "minute":
        return as_of.astimezone(dt.UTC) - dt.timedelta(minutes=window.count * times)
    local = as_of.astimezone(business_zone(zone)).replace(tzinfo=None)
    midnight = dt.datetime.combine(local.date(), dt.time())
    if business_instant(midnight, zone) == as_of:
        local = midnight
    if window.unit == "day":
        return business_instant(local - dt.timedelta(days=window.count * times), zone)
    if window.unit == "month":
        return business_instant(_months_back(local, window.count * times), zone)
    raise DeclarationError("window all has no far edge")


def _months_back(local: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))
