"""The commands of ``tally rules``: which rules there are, what each of them asks, and what they are worth.

Kept apart from ``app`` because rules have many commands; ``rule_texts`` and what it stands beside do the work.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.asked_rules import AskedRules, ProjectOption, about_rules
from tallystick.cli.date_option import date_option
from tallystick.cli.warehouse_option import DEFAULT_WAREHOUSE, WarehouseOption, open_named
from tallystick.errors import InputError

rules_app = typer.Typer(no_args_is_help=True, help="Anti-fraud rules.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
CutoffOption = Annotated[
    date | None,
    date_option("--cutoff", help="Fraud as known on this date; default: the last load."),
]


@rules_app.command("list")
def rules_list(
    family: Annotated[str, typer.Argument(help="Only this family.")] = "",
    observations: Annotated[str, typer.Option(help="Only rules about this set.")] = "",
    status: Annotated[str, typer.Option(help="Only live, shadow or retired ones.")] = "",
    severity: Annotated[str, typer.Option(help="Only rules of this severity.")] = "",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    """List all rules, or those of a family, with their hits; without a number where a rule was never answered."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_texts import WantedRules, list_rules
    from tallystick.cli.rule_verdicts import tell_notes

    wanted = WantedRules(family=family, observations=observations, status=status, severity=severity)
    found = list_rules(wanted, project, home=open_named(warehouse))
    print_table(found.table, as_json=json, as_csv=csv, is_whole=True)
    tell_notes(found.notes)


@rules_app.command("explain")
def rules_explain(
    rule: Annotated[str, typer.Argument(help="A rule's id, such as APP001.")],
    observation: Annotated[
        str, typer.Option("--observation", help="What the rule said about this one, an id of the rule's set.")
    ] = "",
    on: Annotated[
        date | None,
        date_option("--on", help="With --observation: date of the decision; default: the newest."),
    ] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Print all that is declared of a rule, with its SQL and newest hit; or what it said of an observation, and why."""
    from tallystick.cli.one_answer import explain_answer
    from tallystick.cli.printing import print_record
    from tallystick.cli.rule_texts import explain_rule

    if on is not None and not observation:
        raise InputError("--on is the date of a decision about one observation", fix="name it with --observation")
    if not observation:
        print_record(explain_rule(rule, project, home=open_named(warehouse)), as_json=json)
        return
    told = explain_answer(rule, observation, project, warehouse=warehouse, day=on)
    print_record(told, as_json=json)


@rules_app.command("run")
@about_rules
def rules_run(asked: AskedRules) -> None:
    """Compute the features that the rules of a set read, and answer the rules."""
    from tallystick.cli.rule_runs import answer_rules_of
    from tallystick.pipeline import Dates

    first, last = asked.dates
    dates = Dates(first=first, last=last)
    answer_rules_of(asked.observations, asked.source, dates=dates, warehouse=asked.warehouse, project=asked.project)


@rules_app.command("test")
@about_rules
def rules_test(asked: AskedRules, json: JsonOption = False, csv: CsvOption = False) -> None:
    """Check the rules of a set and answer them on what is stored, without writing anything."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_verdicts import tell_uncomputed, tell_warnings
    from tallystick.runs.rule_reports import dry_run

    found = dry_run(asked.params)
    print_table(found.table, as_json=json, as_csv=csv, is_whole=True)
    tell_uncomputed(found.table, asked)
    tell_warnings(found.warnings)


@rules_app.command("backtest")
@about_rules
def rules_backtest(
    asked: AskedRules, cutoff: CutoffOption = None, json: JsonOption = False, csv: CsvOption = False
) -> None:
    """Hold each rule against confirmed fraud: hits, precision, recall, value, lag, stability, overlap, gain."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_verdicts import backtest_columns, tell_judged
    from tallystick.runs.rule_reports import backtest

    made = backtest(asked.params, cutoff=cutoff)
    print_table(made.table if json or csv else backtest_columns(made.table), as_json=json, as_csv=csv, is_whole=True)
    tell_judged(made.judged)


@rules_app.command("subset")
@about_rules
def rules_subset(
    asked: AskedRules, cutoff: CutoffOption = None, json: JsonOption = False, csv: CsvOption = False
) -> None:
    """Choose rules that are enough: at most half of them, for 99 % of the fraud that all of them find."""
    from tallystick.cli.printing import print_table
    from tallystick.cli.rule_verdicts import tell_subset
    from tallystick.runs.rule_reports import subset

    found = subset(asked.params, cutoff=cutoff)
    print_table(found.table, as_json=json, as_csv=csv, is_whole=True)
    tell_subset(found)


@rules_app.command("mine")
@about_rules
def rules_mine(
    asked: AskedRules,
    cutoff: CutoffOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write them to this new file, rules/<family>.yaml; default: print them."),
    ] = None,
) -> None:
    """Propose rules by a search over features, as the text of a family in shadow."""
    from tallystick.cli.rule_verdicts import check_new_family, tell_judged, tell_proposals
    from tallystick.runs.rule_mining import FAMILY, propose_rules

    if out is not None:
        check_new_family(out)
    proposed = propose_rules(asked.params, cutoff=cutoff, family=out.stem if out else FAMILY)
    tell_proposals(proposed, out)
    tell_judged(proposed.judged)
