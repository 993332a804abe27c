"""What is declared of anti-fraud rules, and their stored hits, as rows and records for ``printing``.

Kept apart from the commands because tests ask here, too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.cli.running import open_project
from tallystick.errors import NotFound
from tallystick.spec.names import nearest_name
from tallystick.spec.rules import ID_PATTERN

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.rule_plans import PlannedRule, SetColumns
    from tallystick.spec.rules import Rule

FLAGS = "score.fraud_flags"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedRules:
    """Which rules are listed; an empty text leaves none out. Each is a word that a rule has."""

    family: str = ""
    observations: str = ""
    status: str = ""
    severity: str = ""


def list_rules(wanted: WantedRules, project: Path | None, *, warehouse: Path | None = None) -> pa.Table:
    """The wanted rules by family and id, with the number of their hits in ``warehouse`` (null where it has no flags);
    NotFound with the nearest word for one that no rule has.
    """
    rules = sorted(open_project(project).rules.values(), key=lambda rule: (rule.family, rule.id))
    for key in fields(wanted):
        word = getattr(wanted, key.name)
        known = dict.fromkeys(getattr(rule, key.name) for rule in rules)
        if word and word not in known:
            raise NotFound(f"no rule has {key.name} {word}", where="rules/", fix=nearest_name(word.lower(), known))
        rules = [rule for rule in rules if word in ("", getattr(rule, key.name))]
    hits = _count_hits(warehouse)
    shown = ("family", "observations", "status", "severity")
    return pa.table(
        {
            "rule": pa.array([rule.id for rule in rules], pa.string()),
            **{key: pa.array([getattr(rule, key) for rule in rules], pa.string()) for key in shown},
            "hits": pa.array([None if hits is None else hits.get(rule.id, 0) for rule in rules], pa.int64()),
            "title": pa.array([rule.title for rule in rules], pa.string()),
        }
    )


def find_rule(name: str, declared: Project) -> Rule:
    """The rule of that id; NotFound with the id that is meant, or the rules among which it may be."""
    if name not in declared.rules:
        raise NotFound(f"there is no rule {name}", where="rules/", fix=_meant(name, declared))
    return declared.rules[name]


def _meant(name: str, declared: Project) -> str:
    """Advice for an unknown id. Ids that differ in a digit have nothing in common, so of those none is offered."""
    families = {rule.family for rule in declared.rules.values()}
    if name.lower() in families:
        return f"tally rules list {name.lower()}"
    wanted = name.upper()
    alike = [known for known in declared.rules if known[:-3] == wanted[:-3]]
    if ID_PATTERN.fullmatch(wanted) and wanted not in declared.rules and alike:
        return f"{alike[0]} to {alike[-1]}: tally rules list {declared.rules[alike[0]].family}"
    return nearest_name(wanted, declared.rules)


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
        "clears when": rule.clears_when or "the condition does not hold any more",
        "reads": [_column_text(name, columns) for name in planned.columns],
        "needs": [_table_text(table, rule) for table in planned.tables],
        "and of its ties": [_table_text(table, rule) for table in planned.tie_tables] or "nothing",
        "held": "when a needed table is missing or too old, a feature was not computed, or the condition is null",
        "numbers outside": rule.outside or "nothing is said",
        "SQL": rule_sql(planned, columns),
        "values of its newest hit": example or "no hit is stored",
        "owner": rule.owner,
        "declared at": rule.path,
    }


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
