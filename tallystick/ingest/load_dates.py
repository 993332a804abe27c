"""When a delivery became known: the load date of one that came in its turn, of one that came late, and what is missing.

Names and dates alone, and no clock: whoever starts the run says its date. A delivery is late when one of its business
date, or of a later one, was loaded before it. It must not change what was decided before it came, so its load date is
not before the date of the run; what later nights said still holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tallystick.errors import LoadRefused
from tallystick.spec.delivery_names import business_date
from tallystick.spec.sources import Source

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SaidDates:
    """The dates that a run is given: its own (``run_date``), which counts for what came late, and a load date for all
    that it loads (``known_from``). None is not said.
    """

    run_date: date | None = None
    known_from: date | None = None


NOTHING_SAID = SaidDates()


def newest_night(loaded: Iterable[str]) -> date | None:
    """The last business date of which a delivery is loaded; None before the first load."""
    return max((business_date(name) for name in loaded), default=None)


def is_late(name: str, loaded: Iterable[str]) -> bool:
    """Whether a delivery of its business date, or of a later one, is among those that are loaded."""
    newest = newest_night(loaded)
    return newest is not None and business_date(name) <= newest


def load_date_for(
    name: str,
    loaded: Mapping[str, date],
    *,
    source: str,
    said: SaidDates = NOTHING_SAID,
    same_run: date | None = None,
) -> date:
    """The load date of a delivery that is not ``loaded`` (names, with their load dates).

    Of a night in its turn its business date; of a late one the date of the run, but after the newest night, or from the
    date on of a night that the same run has loaded (``same_run``). Never earlier than the newest load.
    ``said.known_from`` says a later one. LoadRefused where it says an earlier one, because decisions of those dates
    were made without this delivery, and where one is late and neither date is said.
    """
    where = f"source {source}, delivery {name}"
    least = max([business_date(name), *loaded.values()])
    newest = newest_night(loaded)
    if newest is not None and is_late(name, loaded):
        if said == NOTHING_SAID:
            what = f"it came late, after {newest}, and must not be known before the date on which it is loaded"
            raise LoadRefused(what, where=where, fix="say that date, today's: --run-date YYYY-MM-DD")
        least = max([least, same_run or newest + _DAY, *([said.run_date] if said.run_date else [])])
    if said.known_from is not None and said.known_from < least:
        raise LoadRefused(
            f"it cannot have been known from {said.known_from} on", where=where, fix=f"say {least} or a later date"
        )
    return said.known_from or least


def read_again(names: Iterable[str], before: Iterable[str]) -> list[str]:
    """Of the deliveries that were loaded ``before``, those that say something after the oldest of ``names``, in order.

    What they say of an object of a late delivery is the later statement, although it was loaded earlier.
    """
    oldest = min(names)
    return sorted(name for name in before if name > oldest)


def missing_nights(source: Source, loaded: Iterable[str], *, until: date | None = None) -> list[date]:
    """The business dates, in order, of which no delivery is loaded, although later ones are (or up to ``until``).

    From the first delivery on, or from the end of the source's history, on the days of the week that it delivers on.
    """
    nights = {business_date(name) for name in loaded}
    if not nights:
        return []
    last = max([*nights, *([until] if until else [])])
    first = min(nights)
    if source.history_until is not None and first <= source.history_until:
        first = source.history_until + _DAY
    return [day for day in _days(first, last) if day not in nights and source.delivers_on(day)]


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


def spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days that follow each other as their first and last."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] == _DAY:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def tell_days(days: Iterable[date]) -> str:
    """Days for people: ``2026-04-06, 2026-04-08 to 2026-04-10``."""
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans(days))
