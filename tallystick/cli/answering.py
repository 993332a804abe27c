"""``tally score``, ``tally vector`` and ``tally nightly``: answers about one customer, and the night before them.

Kept apart from ``app`` because the three belong together. The first two start neither Spark nor MLflow.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.date_option import date_option
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, open_warehouse
from tallystick.errors import NotFound
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from tallystick.answers import Answers

commands = typer.Typer()

CustomerArgument = Annotated[str, typer.Argument(help="The customer's id, <source>:<id>.")]
AsOfOption = Annotated[
    date | None,
    date_option("--as-of", help="What was said on this business date; default: the last load."),
]
SetOption = Annotated[str, typer.Option(help="The observation set that is scored each night.")]
ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command()
def score(
    customer: CustomerArgument,
    as_of: AsOfOption = None,
    recipe: Annotated[str, typer.Option(help="Whose score, where several recipes score the set.")] = "",
    observations: SetOption = "daily",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Look up a customer's score of the night: pd, decision, limit, reasons, and what of it is old."""
    from tallystick.cli.printing import print_record

    answers = _open(warehouse, project, observations)
    print_record(answers.score(customer, as_of=as_of, recipe=recipe).record(), as_json=json)


@commands.command()
def vector(
    customer: CustomerArgument,
    as_of: AsOfOption = None,
    group: Annotated[list[str] | None, typer.Option(help="May be repeated; default: those of the night.")] = None,
    observations: SetOption = "daily",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Print a customer's feature values at the start of a date: as stored, or computed now where they are not."""
    from tallystick.cli.printing import print_record

    answers = _open(warehouse, project, observations)
    found = answers.vector(customer, as_of=as_of, groups=group or ())
    told = {"customer_id": found.customer_id, "as_of": found.as_of.isoformat()}
    told |= {"stored": " ".join(found.stored), "computed": " ".join(found.computed)}
    if not found.is_known:
        told["note"] = "nothing is known of this customer by that date"
    stale = {"stale": [str(one) for one in found.stale]}
    if json:
        print_record({**told, **stale, "features": dict(found.features)}, as_json=True)
    else:
        print_record({**told, **stale, **found.features})


@commands.command()
def nightly(
    recipe: Annotated[str, typer.Argument(help="A recipe that scores other sets, such as all customers.")],
    source: Annotated[str, typer.Option("--source", help="The source of the customers.")],
    day: Annotated[date | None, date_option("--on", help="Business date; default: the last load.")] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Compute the features of all who may ask on a date and score them with the recipe's champion."""
    from tallystick.cli.running import run_night

    run_night(recipe, source, day=day, warehouse=warehouse, project=project)


def _open(warehouse: Path, project: Path | None, observations: str) -> Answers:
    from tallystick.answers import Answers
    from tallystick.project import find_project, load_project

    home, declared = open_warehouse(warehouse), load_project(project or find_project())
    if observations not in declared.observations:
        fix = nearest_name(observations, declared.observations)
        raise NotFound(f"there is no observation set {observations}", where="observations/", fix=fix)
    return Answers(home, declared, observations=observations)
