"""Make the watch list of each night that lacks one, or of the nights that are named, each in a commit of its own.

Takes a watch list, a source and optionally the first and last business date; reads scores, rule hits, loans and
payments at pinned versions. A list builds on the one before it: after nights that are made again, all later ones are.
"""

from __future__ import annotations

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
    """Make one list after the other. Spark is not needed."""
    context = RunContext.open(params)
    declared = find_declared("watch list", params.watch_list, context.project.watch_lists)
    check_watch_list(context.project, declared)
    tables = WatchTables.open(context, declared)
    days = _settle_days(tables, params)
    with working("watch list") as how_far:
        for day, part in zip(days, parts_of(how_far, [1] * len(days)), strict=True):
            rows = list_night(declared, tables.night(day), columns=context.contracts[TABLE].columns)
            commit = _store(tables, rows, day=day)
            left = rows["level"].to_pylist().count(OFF)
            progress(f"      {TABLE}: {commit.rows - left} loans on {day}, {left} have left")
            part(1.0)
    if not days:
        progress(f"      {TABLE}: no scored night lacks its list, nothing to do")


def _settle_days(tables: WatchTables, params: UpdateWatchlist) -> list[date]:
    """The scored nights from the first one that is asked for, or that lacks its list, to the last.

    NotFound where no night that is asked for has scores. Those after ``last`` are made again where they have a list.
    """
    scored, listed = tables.scored_days(), set(tables.listed_days())
    if params.first is None and params.last is None:
        lacking = [day for day in scored if day not in listed]
        return [day for day in scored if lacking and day >= lacking[0]]
    asked = [day for day in scored if (params.first or day) <= day <= (params.last or day)]
    if not asked:
        what = f"no running loan has a score from {params.first or 'the first night'} to {params.last or 'the last'}"
        raise NotFound(what, where=f"table {tables.scores}", fix="run score_observations for these nights")
    return [day for day in scored if day >= asked[0] and (day <= asked[-1] or day in listed)]


def _store(tables: WatchTables, rows: pa.Table, *, day: date) -> Commit:
    """Make the table hold the list of one night."""
    context, declared = tables.context, tables.declared
    contract, source = context.contracts[TABLE], context.source
    between = DateRange(day, day).instants(source)
    facts = {"as_of": between[0], "source": source.name, "recipe": declared.recipe, "run_id": context.run_id}
    schema = arrow_schema(contract.columns)
    for name, value in facts.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, schema.field(name).type), rows.num_rows))
    data = rows.select(schema.names).cast(schema)
    where = Slice.of_scores(TABLE, source.name, declared.recipe, between=between, buckets=source.layout.buckets)
    # One commit a night, so each has an id of its own.
    signed = context.signed(fingerprint(declared), tables.pinned.versions, run_id=f"{context.run_id}/{day}")
    return replace_arrow(context.warehouse, contract, data, where=where, run=signed)
