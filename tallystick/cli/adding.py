"""``tally table ...``: declaring a table of one's own.

Kept apart from the other commands because this one writes into the project's declarations, which all others only read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

table_app = typer.Typer(no_args_is_help=True, help="Tables of the project.")

# Says that there is a group of commands, although there is one so far: `tally table new`, not `tally table`.
table_app.callback()(lambda: None)


@table_app.command("new")
def create_table(
    name: Annotated[str, typer.Argument(help="The table, in the plural, without its layer: visits.")],
    columns: Annotated[
        list[str],
        typer.Argument(help="Its own columns: NAME:TYPE, or NAME:VALUE,VALUE,... for a text with a closed list."),
    ],
    event_id: Annotated[str, typer.Option(help="The id of one row; default: the singular and _id, visit_id.")] = "",
    customer: Annotated[
        bool, typer.Option(help="Whether its rows belong to customers; without, it can only be looked up.")
    ] = True,
    nullable: Annotated[list[str] | None, typer.Option(help="A column that may lack its value; repeat.")] = None,
    pii: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=CLASS, none, pseudonymous, personal (default) or sensitive; repeat."),
    ] = None,
    description: Annotated[str, typer.Option(help="What the table holds, in a sentence.")] = "",
    owner: Annotated[str, typer.Option(help="The team that answers for it.")] = "data-engineering",
    project: Annotated[
        Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
    ] = None,
) -> None:
    """Write the contract and the expectations of a new clean table."""
    from tallystick.cli.running import open_project
    from tallystick.project.new_table import NewTable, write_table

    declared = open_project(project)
    table = NewTable(
        name=name,
        columns=tuple(columns),
        event_id=event_id,
        has_customer=customer,
        nullable=tuple(nullable or ()),
        pii=tuple(pii or ()),
        description=description,
        owner=owner,
    )
    for path in write_table(declared.root, table):
        print(path.relative_to(declared.root))
    told = (
        f"next: sources/<source>/{table.contract().table}.sql, its line under tables: in source.yaml, then tally check"
    )
    print(told, file=sys.stderr)
