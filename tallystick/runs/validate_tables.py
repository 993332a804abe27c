"""Run the expectations of a source's tables, record what they found, and stop when a critical one failed.

Takes a source, a layer and optionally some of its tables; reads each table's newest version, rows of the source only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.project import load_project
from tallystick.quality import (
    choose_tables,
    findings_table,
    latest_date,
    merge_findings,
    owned_rows,
    raise_for_critical,
    unseen_rows_sql,
    validate,
)
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.tables import Run, Slice, Warehouse, pin, query, read, read_arrow, replace_arrow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyspark.sql import SparkSession

    from tallystick.runs.params import ValidateTables
    from tallystick.spec.sources import Source
    from tallystick.spec.tables import TableContract
    from tallystick.tables.store.snapshots import Pinned

RESULTS = "monitor.validations"


def run(params: ValidateTables, session: SparkSession) -> None:
    """Validate in one go, write findings and pages, and only then stop for what is critical."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    suites, source = project.expectations, project.sources[params.source]
    names = choose_tables(params.layer, source, wanted=params.tables, suites=suites, existing=warehouse.tables())
    owned = {name: owned_rows(project.contracts[name], source) for name in names}
    pinned = {name: pin(warehouse, name).where(**owned[name]) for name in names}
    frames = {
        name: read(session, warehouse, name, version=p.version).where(
            Slice("read", owned[name]).sql(project.contracts[name])
        )
        for name, p in pinned.items()
    }
    counts = {name: p.rows for name, p in pinned.items()}
    for name, unseen in _unseen_rows(warehouse, [project.contracts[name] for name in names], pinned, source=source):
        frames[name] = frames[name].join(session.createDataFrame(unseen), unseen.column_names, "left_anti")
        counts[name] -= unseen.num_rows
    found = validate(frames, suites, rows=counts, report=progress)
    day = params.load_date or latest_date(file.bounds for p in pinned.values() for file in p.files)
    versions = {name: p.version for name, p in pinned.items()}
    rows = findings_table(found.findings, run_id=params.run_id, source=source.name, validated_on=day, versions=versions)
    if warehouse.exists(RESULTS):
        same_day = (pc.field("source") == source.name) & (pc.field("validated_on") == day)
        rows = merge_findings(rows, read_arrow(warehouse, RESULTS, filter=same_day))
    where = Slice(
        f"{RESULTS}/{source.name}/{day}", {"source": source.name}, "validated_on", day, day + timedelta(days=1)
    )
    # The versions are part of the id: a retry after the data was corrected is another validation, not a repeated one.
    run_id = f"{params.run_id}/{'.'.join(map(str, versions.values()))}"
    by = Run(run_id, "validate_tables", code_version(project.root), "", versions)
    replace_arrow(warehouse, project.contracts[RESULTS], rows, where=where, run=by)
    index = found.write_pages(warehouse.root / "docs" / "validations", source=source.name, validated_on=day)
    raise_for_critical(found.findings, fix=f"see {index} and {RESULTS}")


def _unseen_rows(
    warehouse: Warehouse, contracts: Iterable[TableContract], pinned: Mapping[str, Pinned], *, source: Source
) -> Iterator[tuple[str, pa.Table]]:
    """The keys of the rows, table by table, that no decision from the last load on sees; nothing of other tables."""
    bounds = [file.bounds for found in pinned.values() for file in found.files]
    for contract in contracts:
        sql = unseen_rows_sql(contract, source, since=latest_date(bounds)) if bounds else ""
        unseen = query(warehouse, sql) if sql else pa.table({})
        if unseen.num_rows:
            yield contract.name, unseen
