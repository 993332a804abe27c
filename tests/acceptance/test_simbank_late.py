"""A night of the simulated bank that comes late, through all its tables: known from the day of its run on.

Held against the same nights in their order. What the stack test does with Airflow and Spark, here in one process.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from tallystick.entrypoint import perform
from tallystick.project import Project, load_project
from tallystick.runs.context import sharing_project
from tallystick.runs.params import IngestSource
from tallystick.simulation import simulate
from tallystick.tables import Warehouse, read_arrow
from tallystick.visibility.rows import rows_in_force

HISTORY, FIRST, SECOND = date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)
# No night was loaded for a week when that of the 2nd came.
CAME = date(2026, 4, 10)


@pytest.fixture(scope="module")
def project(project_root: Path) -> Project:
    return load_project(project_root)


def in_force(warehouse: Warehouse, project: Project, *, on: date) -> dict[str, pa.Table]:
    """What each clean table says on a date, in the order of its objects; not when that became known."""
    found = {}
    for name in sorted(table for table in warehouse.tables() if table.startswith("clean.")):
        if name.endswith("_rejected"):
            continue
        contract = project.contracts[name]
        rows = read_arrow(warehouse, name)
        if "is_retracted" not in rows.column_names:
            rows = rows.append_column("is_retracted", pa.repeat(False, rows.num_rows))
        rows = rows_in_force(rows, contract.event_id, on=on)
        apart = [column for column in ("loaded_on", contract.known_on) if column in rows.column_names]
        found[name] = rows.drop_columns(apart).sort_by(contract.event_id)
    return found


def test_a_night_that_came_late_is_seen_from_the_day_of_its_run_on_as_if_it_had_come_in_time(
    project: Project, tmp_path: Path
) -> None:
    files, late, plain = tmp_path / "bank", Warehouse(tmp_path / "late"), Warehouse(tmp_path / "plain")
    simulate(files, customers=60, months=2, daily=2, processes=1)

    def load(warehouse: Warehouse, night: date) -> None:
        params = IngestSource(
            project=project.root,
            warehouse=Path(warehouse.root),
            run_id=str(night),
            source="simbank",
            directory=files,
            load_date=night,
            run_date=CAME,
        )
        perform(params, None)

    with sharing_project():
        load(late, HISTORY)
        shutil.copytree(late.root, plain.root)
        load(late, SECOND)
        between = [SECOND, date(2026, 4, 9)]
        before = {day: in_force(late, project, on=day) for day in between}
        load(late, FIRST)
        for night in (FIRST, SECOND):
            load(plain, night)
    assert {day: in_force(late, project, on=day) for day in between} == before
    seen = in_force(late, project, on=CAME)
    assert seen == in_force(plain, project, on=CAME)
    assert sum(rows.num_rows for rows in seen.values()) > sum(rows.num_rows for rows in before[SECOND].values())
