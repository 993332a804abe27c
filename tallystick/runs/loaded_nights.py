"""Which nights of a source are loaded: their business dates, and the load dates from which on they are known.

Apart from ``loads``, which finds what a load is made of: the runs after it ask how fresh the tables are. The load date
of a delivery that came late does not say so, since the night of that date may not have come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from tallystick.features.planning import last_load
from tallystick.spec.data_files import DataFile
from tallystick.spec.delivery_names import fed_nights, loaded_nights
from tallystick.tables.store.queries import read_arrow

if TYPE_CHECKING:
    from tallystick.runs.context import RunContext

_LOADS = "monitor.loads"


def nights_by_load(context: RunContext) -> dict[str, dict[date, date]]:
    """By clean table of the source, without its layer, the load dates in order, each with the newest business date
    of the table that was known from it on.

    A load without a file of the table makes it no newer, and is not among those of a table of which none had come.
    Empty where no load is written down.
    """
    return newest_by_load(_loads(context))


def newest_by_load(loads: Iterable[Mapping[str, Any]]) -> dict[str, dict[date, date]]:
    """The same of given rows of ``monitor.loads``."""
    found: dict[str, dict[date, date]] = {}
    for row in sorted(loads, key=lambda row: row["loaded_on"]):
        known = found.setdefault(row["table_name"], {})
        nights = fed_nights(row.get("fed_by"), row.get("deliveries"), row["loaded_on"])
        if nights or known:
            known[row["loaded_on"]] = max([*nights, *known.values()])
    return {name: known for name, known in found.items() if known}


def newest_night(context: RunContext) -> date | None:
    """The newest business date that is loaded, of whatever table; None where no load is written down."""
    loads = _loads(context)
    return max((one for row in loads for one in loaded_nights(row.get("deliveries"), row["loaded_on"])), default=None)


def _loads(context: RunContext) -> list[dict[str, Any]]:
    """The source's rows; with all columns, since a warehouse of before has none that name deliveries."""
    exists = context.warehouse.exists(_LOADS)
    return read_arrow(context.warehouse, _LOADS, filter=context.is_ours).to_pylist() if exists else []


def loaded_until(context: RunContext, files: Iterable[DataFile]) -> date | None:
    """The date of the newest load among the files, and of no night that has not come; None without a load."""
    loaded, night = last_load(files), newest_night(context)
    return min(loaded, night) if loaded and night else loaded
