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
from tallystick.spec.rule_ids import pack_ids, unpack_ids
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
    """The wanted rules by family and id, with the number of their hits in a warehouse; null where no stored decision
    asked a rule on dates on which it was in force, or where nobody knows, since decisions of before do not name their
    rules. NotFound with the nearest word for one that no rule has.
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
            if one.has_asked(rule):
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
    newest = ((name, one) for name in sorted(listed) for one in answered.get(name, ()) if one.is_newest)
    notes = [note for name, one in newest if (note := one.note(name, declared))]
    return RuleList(table=table, notes=notes)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answered:
    """Decisions of a set at a source that asked the same rules: their first and last date, and how many were asked.

    ``asked`` are the ids of these rules, None in decisions of before; ``is_newest`` says whether none is of a later
    date.
    """

    source: str
    first: date
    last: date
    rules: int
    asked: frozenset[str] | None
    is_newest: bool

    def has_asked(self, rule: Rule) -> bool:
        """Whether these decisions are known to have asked a rule on dates on which it was in force."""
        is_asked = self.asked is not None and rule.id in self.asked
        return is_asked and any(span.overlaps(self.first, self.last) for span in rule.asked_spans)

    def note(self, observations: str, declared: Project) -> str:
        """What to tell where other rules are declared to be in force on that date; else empty."""
        other = tell_others(self.asked, self.rules, ids_in_force(declared, observations, self.last))
        again = f"tally rules run {observations} --source {self.source}"
        return f"{other.format(of=f'of {observations} ', when=f'about {self.last}')}: {again}" if other else ""


def _list_answered(home: Warehouse | None, declared: Project) -> dict[str, list[_Answered]]:
    """What was answered, by observation set."""
    from tallystick.tables import query

    found: dict[str, list[_Answered]] = {}
    if home is None or not home.exists(DECISIONS):
        return found
    rows = query(
        home,
        f"SELECT observations, source, {asked_column(home)} AS asked, min(as_of) AS first, max(as_of) AS last,"
        f" arg_max(live_rules + shadow_rules, as_of) AS rules FROM {DECISIONS} GROUP BY ALL ORDER BY source, last DESC",
    ).to_pylist()
    seen: set[tuple[str, str]] = set()
    for row in rows:
        first, last = (local_time(row[name], row["source"], declared).date() for name in ("first", "last"))
        place = (row["observations"], row["source"])
        one = _Answered(
            source=row["source"],
            first=first,
            last=last,
            rules=row["rules"],
            asked=None if row["asked"] is None else unpack_ids(row["asked"]),
            is_newest=place not in seen,
        )
        seen.add(place)
        found.setdefault(row["observations"], []).append(one)
    return found


def asked_column(home: Warehouse) -> str:
    """How SQL asks decisions for the rules that they asked; tables of before have no such column."""
    from tallystick.tables.store.stored_schema import stored_schema

    return "asked_rules" if "asked_rules" in stored_schema(home.open(DECISIONS)).names else "NULL::VARCHAR"


def tell_others(asked: frozenset[str] | None, number: int, in_force: frozenset[str]) -> str:
    """What to tell where a decision asked other rules than are declared now to be in force on its date, with the fields
    ``of`` and ``when``; empty where it asked the same, or as many where it does not name them.
    """
    if number != len(in_force):
        told = f"{len(in_force)} of those declared now were in force then"
        return f"{number} rules {{of}}were answered {{when}}, and {told}"
    if asked is None or asked == in_force:
        return ""
    return (
        f"other rules {{of}}were answered {{when}} than are declared now: {pack_ids(asked - in_force)}, and not"
        f" {pack_ids(in_force - asked)}"
    )


def ids_in_force(declared: Project, observations: str, day: date) -> frozenset[str]:
    """The rules of a set that are declared to be live or in shadow on a date."""
    rules = (rule for rule in declared.rules.values() if rule.observations == observations)
    return frozenset(rule.id for rule in rules if any(span.overlaps(day, day) for span in rule.asked_spans))


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
    return f"{name}: {columns.feature_of(name)[1].description} (group {columns.group_of(name)})"


def _table_text(table: str, rule: Rule) -> str:
    days = rule.max_age(table)
    return f"{table}, of the decision's date" if not days else f"{table}, at most {days} days old"
