"""How old the tables are that an answer rests on: the loads of its clean tables, and the snapshots of its graphs.

Apart from ``desk`` because it looks at loads, dates and ledgers alone, and at no row of a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tallystick.answers.feature_days import FeatureDays
from tallystick.answers.shelves import Customer, Shelf
from tallystick.answers.staleness import Stale
from tallystick.tables.store.parquet_files import read_files

if TYPE_CHECKING:
    from tallystick.spec.graphs import CustomerGraph

GRAPH = "graph."

# A snapshot of the rarest graphs, monthly ones, lies in any so many days.
LONGEST = timedelta(days=31)


def newest_loads(loads: Shelf | None, customer: Customer) -> dict[str, date]:
    """By clean table of the customer's source, the date of its newest load; empty where no load is written down."""
    files = loads.shared_files(customer) if loads else ()
    found: dict[str, date] = {}
    if files:
        rows = read_files([file.path for file in files], ["table_name", "loaded_on"])
        for name, day in zip(rows["table_name"].to_pylist(), rows["loaded_on"].to_pylist(), strict=True):
            table = f"clean.{name}"
            found[table] = max(day, found.get(table, day))
    return found


def tables_behind(
    ledger: FeatureDays,
    customer: Customer,
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
        days = ledger.of(customer, name)
        found.update(days[day].tables if day in days else declared(name))
    return frozenset(found)


def stale_loads(loads: Mapping[str, date], customer: Customer, tables: Iterable[str], *, day: date) -> list[Stale]:
    """What was not loaded by the date: the whole source, or those of ``tables`` that the source fills.

    A table that the source never fills is not waited for.
    """
    source, newest = customer.source, max(loads.values(), default=None)
    run = f"the load of {day}: tally run RECIPE --source {source.name}=DIR, or the daily DAG"
    if newest is None or newest < day:
        return [Stale(table=f"the load of {source.name}", held=newest, wanted=day, run=run)]
    filled = sorted({f"clean.{name}" for name in source.tables}.intersection(tables))
    late = [name for name in filled if name not in loads or loads[name] < day]
    return [Stale(table=f"the load of {name}", held=loads.get(name), wanted=day, run=run) for name in late]


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
        due = list_snapshots(graph.every, first=day - LONGEST, last=day)[-1]
        held = _newest_snapshot(shelf(name), customer, day)
        if held is None or held < due:
            run = f"jobs/compute_graph.py --project . --warehouse WAREHOUSE --source {customer.source.name}"
            found.append(Stale(table=name, held=held, wanted=due, run=run))
    return found


def _newest_snapshot(shelf: Shelf | None, customer: Customer, day: date) -> date | None:
    """The newest date of a snapshot of the source up to ``day``; None where there is none."""
    newest: date | None = None
    for file in shelf.shared_files(customer) if shelf else ():
        low, high = file.bounds.get("known_on", (None, None))
        if isinstance(high, date) and high <= day:
            found = [high]
        elif isinstance(low, date) and low > day:
            found = []
        else:
            found = [one for one in read_files([file.path], ["known_on"])["known_on"].to_pylist() if one <= day]
        newest = max([*found, *([newest] if newest else [])], default=None)
    return newest
