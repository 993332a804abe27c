"""Run the expectations of a source's tables, record what they found, and stop when a critical one failed.

Takes a source, a layer and optionally some of its tables; reads each table's newest version, rows of the source only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.quality import (
    Validation,
    choose_tables,
    findings_table,
    latest_date,
    merge_findings,
    owned_rows,
    raise_for_critical,
    unseen_rows_sql,
    validate,
)
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import VALIDATIONS, PinnedTables
from tallystick.runs.progress import progress
from tallystick.tables import Pinned, Slice, pin, query, read, read_arrow, replace_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.runs.params import ValidateTables


def run(params: ValidateTables, session: SparkSession) -> None:
    """Validate in one go, write findings and pages, and only then stop for what is critical."""
    context = RunContext.open(params)
    pinned = _pin(params, context)
    frames = {name: _read_frame(context, session, one) for name, one in pinned.tables.items()}
    counts = {name: one.rows for name, one in pinned.tables.items()}
    for name, unseen in _unseen_rows(context, pinned):
        frames[name] = frames[name].join(session.createDataFrame(unseen), unseen.column_names, "left_anti")
        counts[name] -= unseen.num_rows
    found = validate(frames, context.project.expectations, rows=counts, report=progress)
    day = params.load_date or latest_date(file.bounds for file in pinned.all_files)
    _record(context, found, day=day, versions=pinned.versions)
    pages = context.warehouse.root / "docs" / "validations"
    index = found.write_pages(pages, source=context.source.name, validated_on=day)
    raise_for_critical(found.findings, fix=f"see {index} and {VALIDATIONS}")


def _pin(params: ValidateTables, context: RunContext) -> PinnedTables:
    """The tables to validate, each with the files that hold rows of the source, or all where it belongs to none."""
    suites, existing = context.project.expectations, context.warehouse.tables()
    names = choose_tables(params.layer, context.source, wanted=params.tables, suites=suites, existing=existing)
    owned = {name: owned_rows(context.contracts[name], context.source) for name in names}
    return PinnedTables({name: pin(context.warehouse, name).where(**owned[name]) for name in names})


def _read_frame(context: RunContext, session: SparkSession, pinned: Pinned) -> DataFrame:
    contract = context.contracts[pinned.name]
    owned = Slice.to_read(owned_rows(contract, context.source))
    return read(session, context.warehouse, pinned.name, version=pinned.version).where(owned.sql(contract))


def _unseen_rows(context: RunContext, pinned: PinnedTables) -> Iterator[tuple[str, pa.Table]]:
    """The keys of the rows, table by table, that no decision from the last load on sees; nothing of other tables."""
    bounds = [file.bounds for file in pinned.all_files]
    for contract in [context.contracts[name] for name in pinned.tables]:
        sql = unseen_rows_sql(contract, context.source, since=latest_date(bounds)) if bounds else ""
        unseen = query(context.warehouse, sql, versions=pinned.versions) if sql else pa.table({})
        if unseen.num_rows:
            yield contract.name, unseen


def _record(context: RunContext, found: Validation, *, day: date, versions: dict[str, int]) -> None:
    """Write the findings of the day; those of the day's other tables stay."""
    source = context.source.name
    rows = findings_table(found.findings, run_id=context.run_id, source=source, validated_on=day, versions=versions)
    if context.warehouse.exists(VALIDATIONS):
        is_same_day = context.is_ours & (pc.field("validated_on") == day)
        rows = merge_findings(rows, read_arrow(context.warehouse, VALIDATIONS, filter=is_same_day))
    # The versions are part of the id: a retry after the data was corrected is another validation, not a repeated one.
    run_id = f"{context.run_id}/{'.'.join(map(str, versions.values()))}"
    where, by = Slice.of_findings(VALIDATIONS, source, day), context.signed("", versions, run_id=run_id)
    replace_arrow(context.warehouse, context.contracts[VALIDATIONS], rows, where=where, run=by)
