"""The commands of ``tally maintain``: how the tables lie on disk, and what may go.

Kept apart from ``running`` because maintenance needs no recipe, and most of it no Spark.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.date_option import date_option
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, existing_warehouse

if TYPE_CHECKING:
    from tallystick.runs.fields import Params

maintain_app = typer.Typer(no_args_is_help=True, help="Few large files, the declared buckets, no unused files.")

SourceOption = Annotated[str, typer.Option("--source", help="The source whose tables are meant.")]
ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]


@maintain_app.command("compact")
def compact(
    source: SourceOption,
    as_of: Annotated[date, date_option("--as-of", help="The date from which a load's age is counted.")],
    table: Annotated[list[str] | None, typer.Option("--table", help="Only this table, may be repeated.")] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Merge the small files of old loads into few large sorted ones; no row changes."""
    from tallystick.runs.params import CompactEvents

    chosen = {"source": source, "as_of": as_of, "tables": tuple(table or ())}
    _run(CompactEvents, warehouse, project, **chosen)


@maintain_app.command("rebucket")
def rebucket(
    source: Annotated[str, typer.Argument(help="The source whose layout was changed.")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Deal a source's rows to the number of buckets that its layout declares, in every table."""
    from tallystick.runs.params import RebucketSource

    _run(RebucketSource, warehouse, project, source=source)


@maintain_app.command("vacuum")
def vacuum(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and remove nothing.")] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Remove files that no version within the retention and no model's manifest needs."""
    from tallystick.runs.params import VacuumTables

    _run(VacuumTables, warehouse, project, dry_run=dry_run)


def _run(params: type[Params], warehouse: Path, project: Path | None, **chosen: Any) -> None:
    """Do one run without a session: its partitions go one after the other."""
    from tallystick.cli.running import open_project
    from tallystick.entrypoint import perform

    perform(params(warehouse=existing_warehouse(warehouse), project=open_project(project).root, **chosen))
