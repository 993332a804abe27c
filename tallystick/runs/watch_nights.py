"""Which nights the work of a watch list is for, found before its first step.

Apart from ``update_watchlist``, the last of the steps: what that one refuses, those before have computed and stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.errors import InputError
from tallystick.features.planning import find_declared, last_load
from tallystick.model.registry import Registry
from tallystick.project.watch_list_checks import check_watch_list
from tallystick.runs.arguments import check_order
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import pin_clean
from tallystick.runs.loaded_nights import newest_night
from tallystick.runs.run_dates import DateRange
from tallystick.warning.arrears import ARREARS_TABLES

if TYPE_CHECKING:
    from tallystick.runs.params import UpdateWatchlist


def settle_nights(params: UpdateWatchlist) -> DateRange:
    """The nights that are asked for, both ends named: without dates that of the last load alone.

    With ``first`` alone the nights from it to that of the last load; with ``last`` alone that night. InputError where
    ``first`` is after ``last`` or one of them after the last load; NotFound where there is no such source, nothing of
    it is loaded, or no champion of the list's recipe is there to score with.
    """
    context = RunContext.open(params)
    declared = find_declared("watch list", params.watch_list, context.project.watch_lists)
    check_watch_list(context.project, declared)
    check_order(params.first, params.last)
    loans = pin_clean(context, ARREARS_TABLES[:1], all_exist=True).all_files
    newest = newest_night(context) or last_load(loans)
    source = context.source.name
    if newest is None:
        raise InputError(
            f"nothing of source {source} is loaded, so there is no night to list", fix="load a night first"
        )
    for flag, day in (("--from", params.first), ("--to", params.last)):
        if day is not None and day > newest:
            what = f"{flag} {day} is after the last load of source {source}, that of {newest}"
            raise InputError(what, fix=f"load {day} first, or name nights up to {newest}")
    Registry(context.warehouse.home).find(declared.recipe, source=source)
    last = params.last or newest
    return DateRange(params.first or last, last)
