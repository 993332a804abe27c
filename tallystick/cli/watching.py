"""``tally watchlist``: the running loans that somebody should look at, the history of one, and the night's work.

Kept apart from ``app`` because the three belong together. The first two start neither Spark nor MLflow.
"""

from __future__ import annotations

import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.date_option import date_option
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, existing_warehouse, open_warehouse
from tallystick.errors import NotFound

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.watch_lists import WatchList
    from tallystick.tables import Warehouse

watch_app = typer.Typer(no_args_is_help=True, help="Running loans that somebody should look at.")

NameArgument = Annotated[str, typer.Argument(help="A watch list of the project.")]
ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]

LISTED = "score.watchlist"

_SHOWN = (
    "level, risk_rank AS rank, pd, observation_id, customer_id, reason_1, reason_2, rules, listed_on, first_seen_on"
)


@watch_app.command("list")
def list_night(
    name: NameArgument,
    on: Annotated[
        date | None,
        date_option("--on", help="The last list up to this date; default: the last."),
    ] = None,
    left: Annotated[bool, typer.Option("--left", help="Those that left it that night, and why.")] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Print the loans of a night's list, the riskiest first."""
    from tallystick.cli.printing import print_table
    from tallystick.tables import query

    _, declared = _find(name, project)
    shown = "cause, observation_id, customer_id, listed_on, first_seen_on" if left else _SHOWN
    which, order = ("= 'off'", "cause, observation_id") if left else ("<> 'off'", "risk_rank")
    until = f" AND list_date <= DATE '{on}'" if on else ""
    rows = (
        f"SELECT {shown}, source FROM score.watchlist WHERE recipe = '{declared.recipe}' AND level {which}"
        f" AND (source, list_date) IN (SELECT (source, max(list_date)) FROM score.watchlist"
        f" WHERE recipe = '{declared.recipe}'{until} GROUP BY source) ORDER BY source, {order}"
    )
    print_table(query(_listed(warehouse, name), rows), as_json=as_json, as_csv=as_csv)


@watch_app.command("history")
def show_history(
    name: NameArgument,
    loan: Annotated[str, typer.Argument(help="The loan's id.")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Print every night on which a loan was on the list or left it, oldest first."""
    from tallystick.cli.printing import print_table
    from tallystick.tables import query

    _, declared = _find(name, project)
    text = loan.replace("'", "''")
    rows = (
        "SELECT list_date, level, cause, risk_rank AS rank, ranked_loans AS of, pd, rules, reason_1, clears_when,"
        f" model_version FROM score.watchlist WHERE recipe = '{declared.recipe}' AND observation_id = '{text}'"
        " ORDER BY list_date"
    )
    print_table(query(_listed(warehouse, name), rows), as_json=as_json, as_csv=as_csv)


@watch_app.command("update")
def update(
    name: NameArgument,
    source: Annotated[str, typer.Option("--source", help="The source of the loans.")],
    first: Annotated[date | None, date_option("--from", help="First night; default: the last load's.")] = None,
    last: Annotated[date | None, date_option("--to", help="Last night; default: the last load's.")] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Compute, score and list the running loans of the nights, one after the other."""
    from tallystick.cli.running import spark_session
    from tallystick.pipeline import Dates, Place, list_watch_steps, run_steps
    from tallystick.project.watch_list_checks import check_watch_list

    home, (declared, chosen) = existing_warehouse(warehouse), _find(name, project)
    check_watch_list(declared, chosen)
    place = Place(project=declared.root, warehouse=home)
    dates = Dates(first=first, last=last)
    steps = list_watch_steps(chosen, declared.recipes[chosen.recipe], source, place=place, dates=dates)
    with spark_session(declared.root) as session:
        run_steps(steps, session=session, run_id=uuid.uuid4().hex)


def _listed(warehouse: Path, name: str) -> Warehouse:
    """The warehouse, if any night was listed there; NotFound with the command that lists one."""
    home = open_warehouse(warehouse)
    if not home.exists(LISTED):
        fix = f"tally watchlist update {name} --source SOURCE"
        raise NotFound("no night was listed yet", where=f"{home.root}", fix=fix)
    return home


def _find(name: str, project: Path | None) -> tuple[Project, WatchList]:
    from tallystick.cli.running import open_project
    from tallystick.spec.names import nearest_name

    declared = open_project(project)
    if name not in declared.watch_lists:
        raise NotFound(f"there is no watch list {name}", fix=nearest_name(name, declared.watch_lists))
    return declared, declared.watch_lists[name]
