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
    home = _listed(warehouse, name)
    _tell_nights(home, declared, on=on)
    shown = "cause, observation_id, customer_id, listed_on, first_seen_on" if left else _SHOWN
    which, order = ("= 'off'", "cause, observation_id") if left else ("<> 'off'", "risk_rank")
    until = f" AND list_date <= DATE '{on}'" if on else ""
    rows = (
        f"SELECT {shown}, source FROM score.watchlist WHERE recipe = '{declared.recipe}' AND level {which}"
        f" AND (source, list_date) IN (SELECT (source, max(list_date)) FROM score.watchlist"
        f" WHERE recipe = '{declared.recipe}'{until} GROUP BY source) ORDER BY source, {order}"
    )
    print_table(query(home, rows), as_json=as_json, as_csv=as_csv)


@watch_app.command("history")
def show_history(
    name: NameArgument,
    loan: Annotated[str, typer.Argument(help="The loan's id.")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Print every night on which a loan was on the list or left it, oldest first; NotFound if it never was."""
    from tallystick.cli.printing import print_table
    from tallystick.tables import query

    known, declared = _find(name, project)
    home = _listed(warehouse, name)
    text = loan.replace("'", "''")
    rows = (
        "SELECT list_date, level, cause, risk_rank AS rank, ranked_loans AS of, pd, rules, reason_1, clears_when,"
        f" model_version FROM score.watchlist WHERE recipe = '{declared.recipe}' AND observation_id = '{text}'"
        " ORDER BY list_date"
    )
    found = query(home, rows)
    if not found.num_rows:
        raise _never_listed(home, known, declared, loan=text)
    print_table(found, as_json=as_json, as_csv=as_csv)


@watch_app.command("update")
def update(
    name: NameArgument,
    source: Annotated[str, typer.Option("--source", help="The source of the loans.")],
    first: Annotated[date | None, date_option("--from", help="First night; default: the last one.")] = None,
    last: Annotated[date | None, date_option("--to", help="Last night; default: that of the last load.")] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Compute, score and list the running loans of the nights, one after the other; without dates the last load's."""
    from tallystick.cli.running import spark_session
    from tallystick.pipeline import Dates, Place, list_watch_steps, run_steps
    from tallystick.runs.params import UpdateWatchlist
    from tallystick.runs.watch_nights import settle_nights

    home, (declared, chosen) = existing_warehouse(warehouse), _find(name, project)
    place = Place(project=declared.root, warehouse=home)
    asked = UpdateWatchlist(
        project=place.project, warehouse=home, source=source, watch_list=name, first=first, last=last
    )
    # Before Spark starts and a step stores anything.
    nights = settle_nights(asked)
    dates = Dates(first=nights.first, last=nights.last)
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


def _tell_nights(home: Warehouse, declared: WatchList, *, on: date | None) -> None:
    """Say on stderr which list of each source follows; NotFound where there was none up to the date."""
    from tallystick.runs.progress import progress
    from tallystick.tables import query

    until = f" AND list_date <= DATE '{on}'" if on else ""
    nights = query(
        home,
        f"SELECT source, max(list_date) AS night FROM {LISTED} WHERE recipe = '{declared.recipe}'{until}"
        " GROUP BY source ORDER BY source",
    ).to_pylist()
    if not nights:
        what = f"list {declared.name} has no night" + (f" up to {on}" if on else " yet")
        raise NotFound(what, where=f"{home.root}", fix=f"tally watchlist update {declared.name} --source SOURCE")
    for row in nights:
        last = f", the last one up to {on}" if on and row["night"] != on else ""
        progress(f"{declared.name} of {row['source']}: the list of {row['night']}{last}")


def _never_listed(home: Warehouse, project: Project, declared: WatchList, *, loan: str) -> NotFound:
    """The error of a loan without a history; ``loan`` is its id as SQL quotes it. It says if no loan has that id."""
    from tallystick.tables import query

    observed = project.observations[declared.observations]
    (table, *_), key = observed.tables, observed.key
    exists = home.exists(table) and query(home, f"SELECT 1 FROM {table} WHERE {key} = '{loan}' LIMIT 1").num_rows
    if not exists:
        return NotFound(f"no loan has this {key}", where=f"table {table}", fix="check the id")
    what = f"this loan was never on list {declared.name}"
    return NotFound(what, where=f"table {LISTED}", fix=f"tally watchlist list {declared.name} prints those that are")


def _find(name: str, project: Path | None) -> tuple[Project, WatchList]:
    from tallystick.cli.running import open_project
    from tallystick.spec.names import nearest_name

    declared = open_project(project)
    if name not in declared.watch_lists:
        raise NotFound(f"there is no watch list {name}", fix=nearest_name(name, declared.watch_lists))
    return declared, declared.watch_lists[name]
