"""How old the tables are that an answer rests on: the loads of its clean tables, and the snapshots of its graphs.

Apart from ``desk`` because it looks at loads, dates and ledgers alone, and at no row of a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.answers.feature_days import FeatureDays
from tallystick.answers.shelves import Customer, Shelf
from tallystick.answers.staleness import Stale
from tallystick.ingest.load_dates import missing_nights, tell_days
from tallystick.spec.delivery_names import fed_nights, loaded_nights
from tallystick.tables.store.parquet_files import read_files

if TYPE_CHECKING:
    from tallystick.spec.graphs import CustomerGraph
    from tallystick.spec.sources import Source

GRAPH = "graph."

# With the types: files of before have no columns that name deliveries.
_LOADED = pa.schema(
    [("table_name", pa.string()), ("loaded_on", pa.date32()), ("deliveries", pa.string()), ("fed_by", pa.string())]
)

# A snapshot of the rarest graphs, monthly ones, lies in any so many days. A night that is missing for longer is the
# news of `tally loads`, and no longer that of every answer.
LONGEST = timedelta(days=31)
_EARLIEST = date.min + LONGEST


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedNight:
    """A night that a load brought: its business date, and the load date from which on it is known.

    ``is_fed`` is false where its delivery held no file of the table: the source is of that night, the table is not.
    """

    night: date
    known: date
    is_fed: bool = True


# By clean table the nights that were loaded, with the layer's name.
Loads = Mapping[str, Iterable[LoadedNight]]


def find_nights(loads: Shelf | None, customer: Customer) -> dict[str, list[LoadedNight]]:
    """By clean table of the customer's source the nights that were loaded; empty where no load is written down."""
    files = loads.shared_files(customer.source.name) if loads else ()
    return list_nights(read_files([file.path for file in files], _LOADED)) if files else {}


def list_nights(loads: pa.Table) -> dict[str, list[LoadedNight]]:
    """The same of given rows of ``monitor.loads``, all of one source."""
    found: dict[str, list[LoadedNight]] = {}
    for name, day, told, fed_by in zip(*(loads[column].to_pylist() for column in _LOADED.names), strict=True):
        fed = set(fed_nights(fed_by, told, day))
        nights = [LoadedNight(night=one, known=day, is_fed=one in fed) for one in loaded_nights(told, day)]
        found.setdefault(f"clean.{name}", []).extend(nights)
    return found


def last_night(loads: Loads) -> date | None:
    """The newest business date that is loaded, of whatever table; None where loads are not written down."""
    return max((one.night for nights in loads.values() for one in nights), default=None)


def tables_behind(
    ledger: FeatureDays,
    source: str,
    groups: Iterable[str],
    *,
    day: date,
    declared: Callable[[str], Iterable[str]],
) -> frozenset[str]:
    """The tables that the features of these groups were computed from on the date, as the ledger of features says.

    Of a group that it does not know on that date, the ``declared`` ones.
    """
    found: set[str] = set()
    for name in groups:
        days = ledger.of(source, name)
        found.update(days[day].inputs if day in days else declared(name))
    return frozenset(found)


def stale_loads(loads: Loads, source: Source, tables: Iterable[str], *, day: date) -> list[Stale]:
    """What was not loaded by the date: the whole source, or those of ``tables`` that the source fills; and the nights
    that are missing among those of the last weeks.

    Only what was known on the date counts, and of that its business dates: a night that came late makes a table no
    fresher than the nights after it had. The first load brings the history of the dates before it, as if it had come
    night by night. A table that the source never fills is not waited for, also one of which no file has come yet.
    """
    if day < min((one.known for nights in loads.values() for one in nights), default=date.min):
        return []
    known = {name: [one for one in nights if one.known <= day] for name, nights in loads.items()}
    of_source = {one.night for nights in known.values() for one in nights}
    newest = {name: max((one.night for one in nights if one.is_fed), default=None) for name, nights in known.items()}
    held = max(of_source, default=None)
    missing = _missing(source, of_source, day=day)
    if held is None or held < day:
        whole = Stale(table=_load_of(source.name), held=held, wanted=day, run=_load(source.name, [day]))
        return [whole, *missing]
    filled = sorted({f"clean.{name}" for name in source.tables}.intersection(tables))
    # Of a table without a load there is an empty list or none; one whose loads held no file of it is not waited for.
    late = [name for name in filled if not known.get(name) or (newest[name] or day) < day]
    run = _load(source.name, [day])
    return [
        *(Stale(table=_load_of(name), held=newest.get(name), wanted=day, run=run) for name in late),
        *missing,
    ]


def _missing(source: Source, loaded: Iterable[date], *, day: date) -> list[Stale]:
    """One line for the nights of the last weeks that lack although later ones are loaded: it names the first."""
    gaps = missing_nights(source, (night.isoformat() for night in loaded))
    recent = [gap for gap in gaps if day - gap < LONGEST]
    if not recent:
        return []
    return [Stale(table=_load_of(source.name), held=None, wanted=recent[0], run=_load(source.name, recent))]


def _load_of(name: str) -> str:
    return f"the load of {name}"


def _load(source: str, days: Iterable[date]) -> str:
    return f"the load of {tell_days(days)}: tally run RECIPE --source {source}=DIR, or the daily DAG"


def stale_graphs(
    tables: Iterable[str],
    shelf: Callable[[str], Shelf | None],
    customer: Customer,
    *,
    graphs: Callable[[], Mapping[str, CustomerGraph]],
    day: date,
) -> list[Stale]:
    """The graphs among ``tables`` whose newest snapshot up to the date is older than the one that was due by then."""
    found = []
    for name in sorted(table for table in tables if table.startswith(GRAPH)):
        # Not at the top: most answers rest on no graph.
        from tallystick.ties.graph_dates import list_snapshots

        graph = graphs().get(name.removeprefix(GRAPH))
        if graph is None:
            continue
        due = max(list_snapshots(graph.every, first=max(day, _EARLIEST) - LONGEST, last=day), default=None)
        held = newest_snapshot(shelf(name), customer.source.name, day)
        if due is not None and (held is None or held < due):
            run = graph_run(customer.source.name)
            found.append(Stale(table=name, held=held, wanted=due, run=run))
    return found


def graph_run(source: str) -> str:
    """What builds the snapshots that lack or are right no more."""
    return f"jobs/compute_graph.py --project . --warehouse WAREHOUSE --source {source}"


def newest_snapshot(shelf: Shelf | None, source: str, day: date) -> date | None:
    """The newest date of a snapshot of the source up to ``day``; None where there is none."""
    newest: date | None = None
    for file in shelf.shared_files(source) if shelf else ():
        low, high = file.bounds.get("known_on", (None, None))
        if isinstance(high, date) and high <= day:
            found = [high]
        elif isinstance(low, date) and low > day:
            found = []
        else:
            found = [one for one in read_files([file.path], ["known_on"])["known_on"].to_pylist() if one <= day]
        newest = max([*found, *([newest] if newest else [])], default=None)
    return newest
