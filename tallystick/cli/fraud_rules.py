"""The commands of ``tally rules``: which rules there are, and what each of them asks.

Kept apart from ``app`` because rules have many commands; ``rule_texts`` and what it stands beside do the work.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption

if TYPE_CHECKING:
    from tallystick.runs.params import ApplyRules

rules_app = typer.Typer(no_args_is_help=True, help="Anti-fraud rules.")

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="Project folder; default: upwards from the working directory.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
SetArgument = Annotated[str, typer.Argument(help="The observation set whose rules are meant.")]
SourceOption = Annotated[str, typer.Option("--source", help="The source of the observations.")]
FirstOption = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First business date.")]
LastOption = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last business date.")]
CutoffOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Fraud as known on this date; default: the last load.")
]


@rules_app.command("list")
def rules_list(
    family: Annotated[str, typer.Argument(help="Only this family.")] = "",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List the rules with family, status and severity, and their hits where the warehouse has flags."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_texts import list_rules

    print_table(list_rules(family, project, warehouse=warehouse), as_json=json, as_csv=csv)


@rules_app.command("explain")
def rules_explain(
    rule: Annotated[str, typer.Argument(help="A rule's id, such as APP001.")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Print all that is declared of a rule, what it reads and needs, its SQL, and the values of its newest hit."""
    from tallystick.cli.printing import print_record
    from tallystick.cli.rule_texts import explain_rule

    print_record(explain_rule(rule, project, warehouse=warehouse), as_json=json)


@rules_app.command("run")
def rules_run(
    observations: SetArgument,
    source: SourceOption,
    first: FirstOption = None,
    last: LastOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Compute the features that the rules of a set read, and answer the rules."""
    from tallystick.cli.rule_runs import answer_rules_of
    from tallystick.pipeline import Dates

    dates = Dates(first=_day(first), last=_day(last))
    answer_rules_of(observations, source, dates=dates, warehouse=warehouse, project=project)


@rules_app.command("test")
def rules_test(
    observations: SetArgument,
    source: SourceOption,
    first: FirstOption = None,
    last: LastOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Check the rules of a set and answer them on what is stored, without writing anything."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_texts import tell_problems
    from tallystick.runs.rule_reports import dry_run

    found, problems = dry_run(_asked(observations, source, (first, last), warehouse=warehouse, project=project))
    print_table(found, as_json=json, as_csv=csv)
    tell_problems(problems)


@rules_app.command("backtest")
def rules_backtest(
    observations: SetArgument,
    source: SourceOption,
    cutoff: CutoffOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Hold each rule against confirmed fraud: hits, precision, recall, value, lag, stability, overlap, gain."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_texts import backtest_columns, tell_versions
    from tallystick.runs.rule_reports import backtest

    asked = _asked(observations, source, (first, last), warehouse=warehouse, project=project)
    made = backtest(asked, cutoff=_day(cutoff))
    print_table(made.table if json or csv else backtest_columns(made.table), as_json=json, as_csv=csv)
    tell_versions(made.cutoff, made.versions)


@rules_app.command("subset")
def rules_subset(
    observations: SetArgument,
    source: SourceOption,
    cutoff: CutoffOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """Choose rules that are enough: at most half of them, for 99 % of the fraud that all of them find."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_texts import tell_subset
    from tallystick.runs.rule_reports import subset

    asked = _asked(observations, source, (first, last), warehouse=warehouse, project=project)
    table, is_enough = subset(asked, cutoff=_day(cutoff))
    print_table(table, as_json=json, as_csv=csv)
    tell_subset(is_enough)


@rules_app.command("mine")
def rules_mine(
    observations: SetArgument,
    source: SourceOption,
    cutoff: CutoffOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
) -> None:
    """Propose rules by a search over features, as the text of a family in shadow."""
    import sys

    from tallystick.runs.rule_mining import propose_rules

    asked = _asked(observations, source, (first, last), warehouse=warehouse, project=project)
    sys.stdout.write(propose_rules(asked, cutoff=_day(cutoff)))


def _asked(
    observations: str,
    source: str,
    between: tuple[datetime | None, datetime | None],
    *,
    warehouse: Path,
    project: Path | None,
) -> ApplyRules:
    from tallystick.cli.running import open_project
    from tallystick.runs.params import ApplyRules

    first, last = (_day(moment) for moment in between)
    return ApplyRules(
        project=open_project(project).root,
        warehouse=warehouse.resolve(),
        source=source,
        observations=observations,
        first=first,
        last=last,
    )


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
