"""What is declared of anti-fraud rules, and their stored hits, as rows and records for ``printing``.

Kept apart from the commands because tests ask here, too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from string import digits
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.cli.running import open_project
from tallystick.errors import NotFound
from tallystick.spec.calendar import business_zone
from tallystick.spec.names import nearest_name
from tallystick.spec.rules import ID_PATTERN

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.rule_plans import PlannedRule, SetColumns
    from tallystick.spec.rules import Rule
    from tallystick.tables import Warehouse

FLAGS, DECISIONS = "score.fraud_flags", "score.fraud_decisions"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedRules:
    """Which rules are listed; an empty text leaves none out. Each is a word that a rule has."""

    family: str = ""
    observations: str = ""
    status: str = ""
    severity: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleList:
    """The wanted rules, and a note for each set of which other rules were answered last than are declared now."""

    table: pa.Table
    notes: list[str]


def list_rules(wanted: WantedRules, project: Path | None, *, home: Warehouse | None = None) -> RuleList:
    """The wanted rules by family and id, with the number of their hits in a warehouse; null where a rule was never
    answered, because no decision is stored of its set and of dates on which it was in force. NotFound with the nearest
    word for one that no rule has.
    """
    declared = open_project(project)
    rules = sorted(declared.rules.values(), key=lambda rule: (rule.family, rule.id))
    for key in fields(wanted):
        word = getattr(wanted, key.name)
        known = dict.fromkeys(getattr(rule, key.name) for rule in rules)
        if word and word not in known:
            raise NotFound(f"no rule has {key.name} {word}", where="rules/", fix=nearest_name(word.lower(), known))
        rules = [rule for rule in rules if word in ("", getattr(rule, key.name))]
    answered = _list_answered(home, declared)
    hits = _count_hits(home)
    for rule in rules:
        for one in answered.get(rule.observations, ()):
            if any(span.overlaps(one.first, one.last) for span in rule.asked_spans):
                hits.setdefault((rule.observations, rule.id), 0)
    shown = ("family", "observations", "status", "severity")
    table = pa.table(
        {
            "rule": pa.array([rule.id for rule in rules], pa.string()),
            **{key: pa.array([getattr(rule, key) for rule in rules], pa.string()) for key in shown},
            "hits": pa.array([hits.get((rule.observations, rule.id)) for rule in rules], pa.int64()),
            "title": pa.array([rule.title for rule in rules], pa.string()),
        }
    )
    listed = {rule.observations for rule in rules}
    notes = [note for name in sorted(listed) for one in answered.get(name, ()) if (note := one.note(name, declared))]
    return RuleList(table=table, notes=notes)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answered:
    """The first and the last date of a set's decisions at a source, and how many rules were asked on the last."""

    source: str
    first: date
    last: date
    rules: int

    def note(self, observations: str, declared: Project) -> str:
        """What to tell where another number of rules is declared to be in force on that date; else empty."""
        number = count_in_force(declared, observations, self.last)
        if number == self.rules:
            return ""
        return (
            f"{self.rules} rules of {observations} were answered about {self.last}, and {number} of those declared now"
            f" were in force then: tally rules run {observations} --source {self.source}"
        )


def _list_answered(home: Warehouse | None, declared: Project) -> dict[str, list[_Answered]]:
    """What was answered, by observation set."""
    from tallystick.tables import query

    found: dict[str, list[_Answered]] = {}
    if home is None or not home.exists(DECISIONS):
        return found
    newest = "arg_max(live_rules + shadow_rules, as_of) AS rules"
    asked = (
        f"SELECT observations, source, min(as_of) AS first, max(as_of) AS last, {newest} FROM {DECISIONS} GROUP BY ALL"
    )
    for row in query(home, asked + " ORDER BY source").to_pylist():
        first, last = (local_time(row[name], row["source"], declared).date() for name in ("first", "last"))
        one = _Answered(source=row["source"], first=first, last=last, rules=row["rules"])
        found.setdefault(row["observations"], []).append(one)
    return found


def count_in_force(declared: Project, observations: str, day: date) -> int:
    """How many of a set's rules were live or in shadow on a date."""
    rules = (rule for rule in declared.rules.values() if rule.observations == observations)
    return sum(any(span.overlaps(day, day) for span in rule.asked_spans) for rule in rules)


def local_time(instant: datetime, source: str, declared: Project) -> datetime:
    """The instant on the clock of a source; UTC for one that is not declared any more."""
    zone = declared.sources[source].zone if source in declared.sources else "UTC"
    return instant.astimezone(business_zone(zone))


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
    alike = [known for known in declared.rules if known.rstrip(digits) == wanted.rstrip(digits)]
    if ID_PATTERN.fullmatch(wanted) and wanted not in declared.rules and alike:
        return f"{alike[0]} to {alike[-1]}: tally rules list {declared.rules[alike[0]].family}"
    return nearest_name(wanted, declared.rules)


def explain_rule(name: str, project: Path | None, *, home: Warehouse | None = None) -> dict[str, object]:
    """All that is declared of a rule, what its columns mean, the SQL of its condition, and the values of its newest hit
    in a warehouse.
    """
    from tallystick.project.rule_checks import columns_of, plan_set

    declared = open_project(project)
    rule = find_rule(name, declared)
    columns = columns_of(declared, rule.observations)
    planned = next(one for one in plan_set(declared, rule.observations, columns=columns) if one.rule.id == rule.id)
    example = _newest_hit(rule.id, home)
    return {
        "rule": rule.id,
        "asks": rule.title,
        "family": rule.family,
        "observations": rule.observations,
        "severity": rule.severity,
        "status": [f"{span.status} since {span.first}" for span in reversed(rule.spans)],
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


def _count_hits(home: Warehouse | None) -> dict[tuple[str, str], int]:
    """The hits by observation set and rule."""
    found = _ask_flags(home, f"SELECT observations, rule_id, count(*) AS hits FROM {FLAGS} GROUP BY ALL")
    rows = found.to_pylist() if found is not None else []
    return {(row["observations"], row["rule_id"]): row["hits"] for row in rows}


def _newest_hit(rule: str, home: Warehouse | None) -> str:
    asked = f"SELECT hit_values FROM {FLAGS} WHERE rule_id = '{rule}' ORDER BY as_of DESC, observation_id LIMIT 1"
    found = _ask_flags(home, asked)
    return str(found["hit_values"][0]) if found is not None and found.num_rows else ""


def _ask_flags(home: Warehouse | None, sql: str) -> pa.Table | None:
    from tallystick.tables import query

    return query(home, sql) if home is not None and home.exists(FLAGS) else None


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
