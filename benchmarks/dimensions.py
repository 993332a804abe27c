"""CPU time of each feature group of a recipe, on a warehouse that is there: reading the rows, the kernel, the result.

In one process without Spark, so that the groups can be told apart; starting, tasks and the commit are in ``chain``.

    python -m benchmarks.dimensions cash_loan --warehouse demo/warehouse --source simbank
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features import GroupWork, compute_from
from tallystick.project import Project, find_project, load_project
from tallystick.tables import Warehouse, read_arrow

_KEY = {"observation_id": "application_id", "customer_id": "customer_id", "as_of": "event_at"}


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupTime:
    """What one group takes: ``rows`` of its own table are read, ``seconds`` of CPU are the least of several turns."""

    name: str
    rows: int
    columns: int
    seconds: float

    @property
    def line(self) -> str:
        """A row of a Markdown table."""
        each = f"{self.seconds / self.columns * 1e3:.2f}"
        return f"| {self.name} | {self.rows:,} | {self.columns} | {self.seconds * 1e3:.0f} | {each} |"


def measure_groups(project: Project, recipe: str, *, source: str, warehouse: Warehouse, turns: int) -> list[GroupTime]:
    """The groups of the recipe in its order, computed for every application of the source."""
    asked = read_arrow(warehouse, "clean.applications", columns=[*_KEY.values(), "source"])
    asked = asked.filter(pc.equal(asked["source"], source))
    observations = pa.table({name: asked[column] for name, column in _KEY.items()})
    observations = observations.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    zone, found = project.sources[source].zone, []
    for name in project.recipes[recipe].groups:
        work = GroupWork.of(project.feature_groups[name], project.contracts)
        seconds = []
        for _ in range(turns + 1):  # the first one compiles and fills the files' cache
            started = time.process_time()
            rows = _rows(work, warehouse)
            made = compute_from(work, rows, observations, zone=zone)
            seconds.append(time.process_time() - started)
        read, columns = rows[work.plan.table].num_rows, made.num_columns - len(_KEY)
        found.append(GroupTime(name=name, rows=read, columns=columns, seconds=min(seconds[1:])))
    return found


def _rows(work: GroupWork, warehouse: Warehouse) -> dict[str, pa.Table]:
    """The columns that the work reads, table by table; a looked-up table whole."""
    wanted: dict[str, dict[str, None]] = {}
    for part in work.parts:
        wanted.setdefault(part.plan.table, {}).update(dict.fromkeys(part.stored_columns()))
    rows = {name: read_arrow(warehouse, name, columns=list(columns)) for name, columns in wanted.items()}
    return {name: read_arrow(warehouse, name) for name in work.tables - rows.keys()} | rows


def main() -> None:
    """Print a table of the groups and the sums."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dimensions", description="CPU time by feature group.")
    parser.add_argument("recipe")
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--turns", type=int, default=4, help="the fastest counts")
    given = parser.parse_args()
    project, warehouse = load_project(find_project()), Warehouse(given.warehouse.resolve())
    found = measure_groups(project, given.recipe, source=given.source, warehouse=warehouse, turns=given.turns)
    total = GroupTime(
        name="all",
        rows=sum(one.rows for one in found),
        columns=sum(one.columns for one in found),
        seconds=sum(one.seconds for one in found),
    )
    head = ("| group | rows | columns | CPU ms | ms a column |", "|---|---|---|---|---|")
    sys.stdout.write("\n".join((*head, *(one.line for one in (*found, total)), "")))


if __name__ == "__main__":
    main()
