"""What is declared of anti-fraud rules, and their stored hits, as rows and records for ``printing``.

Kept apart from the commands because tests ask here, too.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.cli.running import open_project
from tallystick.errors import DeclarationError, NotFound
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tallystick.project import Project
    from tallystick.spec.rule_plans import PlannedRule, SetColumns
    from tallystick.spec.rules import Rule
    from tallystick.spec.sources import Problem

FLAGS = "score.fraud_flags"

# What a reader of a back-test sees first; --json and --csv have all columns.
SHOWN = ("rule", "status", "hits", "judged_hits", "frauds_hit", "precision", "precision_low", "precision_high",
         "recall", "gain", "beside", "lag_days", "stability", "overlap", "overlap_with", "held")  # fmt: skip


def list_rules(family: str, project: Path | None, *, warehouse: Path | None = None) -> pa.Table:
    """The rules of all families, or of one, with the number of their hits in ``warehouse`` (null where it has no
    flags); NotFound with the nearest family.
    """
    declared = open_project(project)
    rules = sorted(declared.rules.values(), key=lambda rule: (rule.family, rule.id))
    families = dict.fromkeys(rule.family for rule in rules)
    if family and family not in families:
        raise NotFound(f"there is no family {family}", where="rules/", fix=nearest_name(family, families))
    shown = [rule for rule in rules if family in ("", rule.family)]
    hits = _count_hits(warehouse)
    return pa.table(
        {
            "rule": pa.array([rule.id for rule in shown], pa.string()),
            "family": pa.array([rule.family for rule in shown], pa.string()),
            "observations": pa.array([rule.observations for rule in shown], pa.string()),
            "status": pa.array([rule.status for rule in shown], pa.string()),
            "severity": pa.array([rule.severity for rule in shown], pa.string()),
            "hits": pa.array([None if hits is None else hits.get(rule.id, 0) for rule in shown], pa.int64()),
            "title": pa.array([rule.title for rule in shown], pa.string()),
        }
    )


def find_rule(name: str, declared: Project) -> Rule:
    """The rule of that id; NotFound with the nearest id."""
    if name not in declared.rules:
        raise NotFound(f"there is no rule {name}", where="rules/", fix=nearest_name(name, declared.rules))
    return declared.rules[name]


def explain_rule(name: str, project: Path | None, *, warehouse: Path | None = None) -> dict[str, object]:
    """All that is declared of a rule, what its columns mean, the SQL of its condition, and the values of its newest hit
    in ``warehouse``.
    """
    from tallystick.project.rule_checks import columns_of, plan_set

    declared = open_project(project)
    rule = find_rule(name, declared)
    columns = columns_of(declared, rule.observations)
    planned = next(one for one in plan_set(declared, rule.observations, columns=columns) if one.rule.id == rule.id)
    example = _newest_hit(rule.id, warehouse)
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
        "and of its ties": [_table_text(table, rule) for table in planned.tie_tables] or "nothing",
        "held": "when a needed table is missing or too old, a feature was not computed, or the condition is null",
        "SQL": rule_sql(planned, columns),
        "values of its newest hit": example or "no hit is stored",
        "owner": rule.owner,
        "declared at": rule.path,
    }


def tell_problems(problems: Sequence[Problem]) -> None:
    """Print problems to stderr; DeclarationError where there is any."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise DeclarationError(f"the rules have {len(problems)} problem(s), listed above")


def backtest_columns(table: pa.Table) -> pa.Table:
    """What fits a screen of a back-test."""
    return table.select(list(SHOWN))


def tell_versions(cutoff: date, versions: Mapping[str, int]) -> None:
    """Say on stderr up to when fraud was known, and which versions of the tables were read."""
    told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    print(f"fraud confirmed by {cutoff}; versions: {told}", file=sys.stderr)


def tell_subset(is_enough: bool) -> None:
    """Say on stderr whether the chosen rules are enough."""
    told = "find 99 % of what all find" if is_enough else "do not find 99 % of what all find, with half of them"
    print(f"the chosen rules {told}", file=sys.stderr)


def _count_hits(warehouse: Path | None) -> dict[str, int] | None:
    found = _ask_flags(warehouse, f"SELECT rule_id, count(*) AS hits FROM {FLAGS} GROUP BY rule_id")
    return None if found is None else {row["rule_id"]: row["hits"] for row in found.to_pylist()}


def _newest_hit(rule: str, warehouse: Path | None) -> str:
    asked = f"SELECT hit_values FROM {FLAGS} WHERE rule_id = '{rule}' ORDER BY as_of DESC, observation_id LIMIT 1"
    found = _ask_flags(warehouse, asked)
    return str(found["hit_values"][0]) if found is not None and found.num_rows else ""


def _ask_flags(warehouse: Path | None, sql: str) -> pa.Table | None:
    from tallystick.tables import Warehouse, query

    if warehouse is None or not Warehouse(warehouse).exists(FLAGS):
        return None
    return query(Warehouse(warehouse), sql)


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
