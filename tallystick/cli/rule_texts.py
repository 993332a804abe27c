"""What is declared of anti-fraud rules, as rows and records for ``printing``. Needs no table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.cli.running import open_project
from tallystick.errors import NotFound
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.rule_plans import PlannedRule, SetColumns
    from tallystick.spec.rules import Rule


def list_rules(family: str, project: Path | None) -> pa.Table:
    """The rules of all families, or of one; NotFound with the nearest family."""
    declared = open_project(project)
    rules = sorted(declared.rules.values(), key=lambda rule: (rule.family, rule.id))
    families = dict.fromkeys(rule.family for rule in rules)
    if family and family not in families:
        raise NotFound(f"there is no family {family}", where="rules/", fix=nearest_name(family, families))
    shown = [rule for rule in rules if family in ("", rule.family)]
    return pa.table(
        {
            "rule": pa.array([rule.id for rule in shown], pa.string()),
            "family": pa.array([rule.family for rule in shown], pa.string()),
            "observations": pa.array([rule.observations for rule in shown], pa.string()),
            "status": pa.array([rule.status for rule in shown], pa.string()),
            "severity": pa.array([rule.severity for rule in shown], pa.string()),
            "title": pa.array([rule.title for rule in shown], pa.string()),
        }
    )


def find_rule(name: str, declared: Project) -> Rule:
    """The rule of that id; NotFound with the nearest id."""
    if name not in declared.rules:
        raise NotFound(f"there is no rule {name}", where="rules/", fix=nearest_name(name, declared.rules))
    return declared.rules[name]


def explain_rule(name: str, project: Path | None) -> dict[str, object]:
    """All that is declared of a rule, what its columns mean, and the SQL of its condition."""
    from tallystick.project.rule_checks import columns_of, plan_set

    declared = open_project(project)
    rule = find_rule(name, declared)
    columns = columns_of(declared, rule.observations)
    planned = next(one for one in plan_set(declared, rule.observations, columns=columns) if one.rule.id == rule.id)
    return {
        "rule": rule.id,
        "asks": rule.title,
        "family": rule.family,
        "observations": rule.observations,
        "severity": rule.severity,
        "status": f"{rule.status} since {rule.since}",
        "told to a person": rule.reason or f"nothing: {rule.internal}",
        "reads": [_column_text(name, columns) for name in planned.columns],
        "needs": [_table_text(table, rule) for table in planned.tables],
        "held": "when a needed table is missing or too old, a feature was not computed, or the condition is null",
        "SQL": rule_sql(planned, columns),
        "owner": rule.owner,
        "declared at": rule.path,
    }


def rule_sql(planned: PlannedRule, columns: SetColumns) -> str:
    """The answer of the rule as SQL over one row that holds its columns, where all tables that it needs are there."""
    from tallystick.spec.expression_sql import expression_sql

    condition = expression_sql(planned.rule.when, columns.types, lags={})
    return f"CASE WHEN {condition} THEN 'hit' WHEN NOT ({condition}) THEN 'clear' ELSE 'held' END"


def _column_text(name: str, columns: SetColumns) -> str:
    if not columns.group_of(name):
        return f"{name}: the observation's own, of {columns.observed.table}"
    return f"{name}: {columns.features[name][1].description} (group {columns.group_of(name)})"


def _table_text(table: str, rule: Rule) -> str:
    days = rule.max_age(table)
    return f"{table}, of the decision's date" if not days else f"{table}, at most {days} days old"
