"""The truth behind the deliveries: when customers really lost and found work.

It goes into ``truth/`` beside the deliveries, for those who judge what the pipeline found. Kept apart from the files of
the supplier because no load, feature or model may read it: a test looks for anybody in this package who does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tallystick.simulation.day_numbers import date_texts
from tallystick.simulation.employment import FOUND, LOST, WORK_TRUTH
from tallystick.simulation.town import Town

FOLDER = "truth"
_WORDS = {LOST: "lost", FOUND: "found"}


def work_lines(town: Town) -> list[str]:
    """One line each time a customer lost or found work, in the order of time."""
    rows = town.journal.frame(WORK_TRUTH)
    if rows.empty:
        return []
    rows = rows.sort_values("day", kind="stable")
    numbers, days = town.people.number[rows["who"].to_numpy()].tolist(), date_texts(rows["day"].to_numpy())
    events = [_WORDS[event] for event in rows["event"].tolist()]
    return [f"C{number:08d},{event},{day}" for number, event, day in zip(numbers, events, days, strict=True)]


# File -> its header, and what writes the lines of a town.
TRUTHS: Mapping[str, tuple[str, Callable[[Town], list[str]]]] = {
    "work": ("cust_no,event,event_date", work_lines),
}
