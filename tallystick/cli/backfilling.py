"""``tally features plan`` and ``tally features backfill``: which days of a group are not right, and making them so.

Kept apart from ``app`` because both commands take the same dozen options and print the same plan.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.date_option import date_option
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, existing_warehouse

if TYPE_CHECKING:
    from tallystick.runs.params import BackfillFeatures

commands = typer.Typer()

# Ranges of days and columns that a person is shown; --json prints all.
SHOWN = 6

GroupArgument = Annotated[str, typer.Argument(help="A feature group.")]
SourceOption = Annotated[str, typer.Option(help="The source of the customers.")]
FirstOption = Annotated[date, date_option("--from", help="First business date.")]
LastOption = Annotated[date, date_option("--to", help="Last business date (inclusive).")]
RecipeOption = Annotated[str, typer.Option(help="The recipe whose observations are meant.")]
SetOption = Annotated[
    str, typer.Option("--observations", help="A declared set of observations; default: the recipe's, or daily.")
]
MissingOption = Annotated[bool, typer.Option("--missing-only", help="Leave days whose values are stale or late.")]
BytesOption = Annotated[int | None, typer.Option(min=0, help="Stop, with exit code 12, when more would be read.")]
ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]


@commands.command("plan")
def plan_days(
    group: GroupArgument,
    source: SourceOption,
    first: FirstOption,
    last: LastOption,
    recipe: RecipeOption = "",
    observations: SetOption = "",
    missing_only: MissingOption = False,
    max_bytes: BytesOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which days of a group are missing or no longer right and what computing them takes, without computing."""
    from tallystick.cli.printing import print_record
    from tallystick.runs.backfill_features import plan

    asked = {"group": group, "source": source, "recipe": recipe, "observations": observations}
    dates = {"first": first, "last": last}
    params = _params(warehouse, project, missing_only=missing_only, **asked, **dates)
    planned = plan(params)
    told = planned.describe(os.cpu_count() or 1)
    print_record(told if json else _for_people(told), as_json=json)
    planned.stop_above(max_bytes)


@commands.command("backfill")
def backfill_days(
    group: GroupArgument,
    source: SourceOption,
    first: FirstOption,
    last: LastOption,
    recipe: RecipeOption = "",
    observations: SetOption = "",
    missing_only: MissingOption = False,
    max_bytes: BytesOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Compute the days of a group that are missing or no longer right; after a kill it goes on where it was."""
    from tallystick.cli.running import spark_session
    from tallystick.runs.backfill_features import plan, run

    asked = {"group": group, "source": source, "recipe": recipe, "observations": observations}
    dates = {"first": first, "last": last}
    params = _params(warehouse, project, missing_only=missing_only, **asked, **dates)
    planned = plan(params)
    planned.stop_above(max_bytes)
    if not planned.chunks:
        print(f"all {len(planned.states)} days are computed and right, nothing to do", file=sys.stderr)
        return
    with spark_session(params.project) as session:
        run(params, session())


def _params(warehouse: Path, project: Path | None, **asked: Any) -> BackfillFeatures:
    """The parameters of the run; NotFound where the warehouse is not there."""
    from tallystick.cli.running import open_project
    from tallystick.runs.params import BackfillFeatures

    return BackfillFeatures(warehouse=existing_warehouse(warehouse), project=open_project(project).root, **asked)


def _for_people(told: dict[str, Any]) -> dict[str, object]:
    """The plan as a few lines with units."""
    lines: dict[str, object] = {
        "group": f"{told['group']}, {told['observations']} of {told['source']}",
        "days asked": told["days_asked"],
        "missing": _days(told["days_missing"], told["missing"]),
        "stale": _days(told["days_stale"], told["stale"]),
    }
    changed = [(run["columns"], run["absent"]) for run in told["stale"]]
    for word, place in (("stale columns", 0), ("absent columns", 1)):
        names = list(dict.fromkeys(name for pair in changed for name in pair[place]))
        if names:
            lines[word] = _listed(names)
    lines["late rows"] = _days(told["days_late"], told["late"])
    lines["to compute"] = f"{told['days_to_compute']} days in {len(told['chunks'])} chunks"
    if not told["chunks"]:
        return lines
    hot = told["hot_customers"] or 0
    return {
        **lines,
        "to read": f"{told['bytes_read']:,} bytes of the columns read (Parquet footers), in {told['files']} files",
        "rows read": f"{told['rows_read']:,}",
        "buckets": f"{told['tasks']} a chunk, about {told['memory_per_task_estimate'] / 2**20:,.0f} MiB the largest",
        "largest bucket": f"{told['largest_bucket']}: {told['largest_bucket_customers']:,} customers, "
        f"{hot} hot with {told['hot_share_of_rows']:.1%} of its rows",
        "expected time": f"about {told['seconds_estimate']:,} s on {told['cores']} cores (an estimate)",
    }


def _days(count: int, runs: list[dict[str, Any]]) -> str:
    texts = [run["first"] if run["first"] == run["last"] else f"{run['first']} to {run['last']}" for run in runs]
    return f"{count} days: {_listed(texts)}" if count else "none"


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more (--json lists all)" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
