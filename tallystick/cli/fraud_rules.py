"""The commands of ``tally rules``: which rules there are, and what each of them asks.

Kept apart from ``app`` because rules have many commands; ``rule_texts`` and what it stands beside do the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

rules_app = typer.Typer(no_args_is_help=True, help="Anti-fraud rules.")

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


@rules_app.command("list")
def rules_list(
    family: Annotated[str, typer.Argument(help="Only this family.")] = "",
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List the rules with family, status and severity."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_texts import list_rules

    print_table(list_rules(family, project), as_json=json, as_csv=csv)


@rules_app.command("explain")
def rules_explain(
    rule: Annotated[str, typer.Argument(help="A rule's id, such as APP001.")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Print all that is declared of a rule, what it reads and needs, and its SQL."""
    from tallystick.cli.printing import print_record
    from tallystick.cli.rule_texts import explain_rule

    print_record(explain_rule(rule, project), as_json=json)
