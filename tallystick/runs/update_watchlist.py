"""Make the watch list of each night that lacks one, or of the nights that are named, all in one commit.

Takes a watch list, a source and optionally the first and last business date; reads scores, rule hits, loans and
payments at pinned versions. A list builds on the one before it: after nights that are made again, all later ones are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.errors import NotFound
from tallystick.features.planning import find_declared
from tallystick.how_far import parts_of
from tallystick.project.watch_list_checks import check_watch_list
from tallystick.runs.context import RunContext
from tallystick.runs.progress import progress, working
from tallystick.runs.run_dates import DateRange
from tallystick.runs.watch_tables import WatchTables
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.watch_lists import OFF, TABLE
from tallystick.tables import Commit, Slice, arrow_schema, replace_arrow
from tallystick.warning import list_night

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import UpdateWatchlist


def run(params: UpdateWatchlist, session: SparkSession | None = None) -> None:
    """Make one list after the other, each on those before it, and replace all at once. Spark is not needed."""
    context = RunContext.open(params)
    declared = find_declared("watch list", params.watch_list, context.project.watch_lists)
    check_watch_list(context.project, declared)
    tables = WatchTables.open(context, declared)
    listed = set(tables.listed_days())
    days = _settle_days(tables, params, listed=listed)
    tables.check_days(days)
    is_asked = bool(params.first or params.last)
    made = _make(tables, days, settled=set() if is_asked else listed)
    if is_asked or any(rows.num_rows for rows in made.values()):
        _store(tables, made)
    if not days:
        progress(f"      {TABLE}: no scored night lacks its list, nothing to do")


def _make(tables: WatchTables, days: Sequence[date], *, settled: set[date]) -> dict[date, pa.Table]:
    """The lists of these nights. One that is ``settled`` is made again only where a list before it is another now."""
    made: dict[date, pa.Table] = {}
    columns = tables.context.contracts[TABLE].columns
    with working("watch list") as how_far:
        for day, part in zip(days, parts_of(how_far, [1] * len(days)), strict=True):
            if day not in settled or made:
                rows = list_night(tables.declared, tables.night(day, made), columns=columns)
                left = rows["level"].to_pylist().count(OFF)
                progress(f"      {TABLE}: {rows.num_rows - left} loans on {day}, {left} have left")
                # An empty list has no row to tell that it was made: alone it changes nothing.
                if rows.num_rows or made or not settled:
                    made[day] = rows
            part(1.0)
    return made


def _settle_days(tables: WatchTables, params: UpdateWatchlist, *, listed: set[date]) -> list[date]:
    """The scored nights from the first one that is asked for, or that lacks its list, to the last.

    Without dates, nights after the last load are left for the load of theirs. NotFound where no night that is asked for
    has scores. Those after ``last`` are made again where they have a list.
    """
    scored = tables.scored_days()
    if params.first is None and params.last is None:
        scored = _without_later(tables, scored)
        lacking = [day for day in scored if day not in listed]
        return [day for day in scored if lacking and day >= lacking[0]]
    asked = [day for day in scored if (params.first or day) <= day <= (params.last or day)]
    if not asked:
        what = f"no running loan has a score from {params.first or 'the first night'} to {params.last or 'the last'}"
        raise NotFound(what, where=f"table {tables.scores}", fix="run score_observations for these nights")
    return [day for day in scored if day >= asked[0] and (day <= asked[-1] or day in listed)]


def _without_later(tables: WatchTables, scored: Sequence[date]) -> list[date]:
    """The scored nights up to that of the last load, and a line that says how many were left out."""
    newest = tables.newest_day()
    kept = [day for day in scored if newest is None or day <= newest]
    if left := len(scored) - len(kept):
        told = "night after it is" if left == 1 else "nights after it are"
        progress(f"      {TABLE}: the last load is that of {newest}; {left} scored {told} not listed before their load")
    return kept


def _store(tables: WatchTables, made: Mapping[date, pa.Table]) -> Commit:
    """Make the table hold these lists from the first to the last night, all or none of them."""
    context, declared = tables.context, tables.declared
    contract, source = context.contracts[TABLE], context.source
    schema = arrow_schema(contract.columns)
    parts = []
    for day, rows in made.items():
        facts = {"source": source.name, "recipe": declared.recipe, "run_id": context.run_id}
        for name, value in {"as_of": DateRange(day, day).instants(source)[0], **facts}.items():
            rows = rows.append_column(name, pa.repeat(pa.scalar(value, schema.field(name).type), rows.num_rows))
        parts.append(rows.select(schema.names).cast(schema))
    between = DateRange(min(made), max(made)).instants(source)
    where = Slice.of_scores(TABLE, source.name, declared.recipe, between=between, buckets=source.layout.buckets)
    signed = context.signed(fingerprint(declared), tables.pinned.versions)
    return replace_arrow(context.warehouse, contract, pa.concat_tables(parts), where=where, run=signed)
