"""What a rule said about one observation, from the stored decisions, with the values that it rests on.

Apart from ``rule_texts``, which tells what is declared and asks about nobody.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.cli.rule_texts import DECISIONS, FLAGS, asked_column, find_rule, ids_in_force, local_time, tell_others
from tallystick.cli.running import open_project
from tallystick.cli.warehouse_option import open_warehouse
from tallystick.errors import NotFound
from tallystick.spec.rule_ids import unpack_ids
from tallystick.spec.rules import RETIRED, SHADOW

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.rule_plans import PlannedRule, SetColumns
    from tallystick.spec.rules import Rule
    from tallystick.tables import Warehouse


def explain_answer(
    name: str, observation: str, project: Path | None, *, warehouse: Path, day: date | None = None
) -> dict[str, object]:
    """The answer of a rule about an observation, in the decision of ``day`` or the newest one.

    A hit comes with the values that made it. Otherwise features are shown as they are stored now. NotFound for an
    unknown rule, and where no decision about the observation is stored; no message shows the id.
    """
    from tallystick.project.rule_checks import columns_of, plan_set

    declared, home = open_project(project), open_warehouse(warehouse)
    rule = find_rule(name, declared)
    columns = columns_of(declared, rule.observations)
    planned = next(one for one in plan_set(declared, rule.observations, columns=columns) if one.rule.id == rule.id)
    decision = _find_decision(home, rule, observation, day)
    hit = _find_hit(home, rule, decision)
    values = json.loads(hit["hit_values"]) if hit else {}
    as_of = _local(decision, declared)
    answer = _told_hit(hit) if hit else _unhit(rule, decision, as_of.date())
    told: dict[str, object] = {
        "rule": rule.id,
        "asks": rule.title,
        "when": rule.when,
        "observation": f"{decision['observation_id']} of {rule.observations}",
        "as of": as_of.isoformat(sep=" "),
        "decided on": decision["decided_on"],
        "answer": answer,
        "values": [f"{key} = {value}" for key, value in values.items()] or _stored(home, planned, columns, decision),
    }
    in_force = ids_in_force(declared, rule.observations, as_of.date())
    if other := tell_others(_asked(decision), decision["answered"], in_force):
        told["note"] = f"{other.format(of='', when='then')}; {_again(rule)}"
    return told


def _asked(decision: dict[str, Any]) -> frozenset[str] | None:
    """The rules that the decision asked; None where it does not say."""
    return None if decision["asked"] is None else unpack_ids(decision["asked"])


def _find_decision(home: Warehouse, rule: Rule, observation: str, day: date | None) -> dict[str, Any]:
    from tallystick.tables import query

    if not home.exists(DECISIONS):
        raise NotFound("no rule was answered yet", where=f"{home.root}", fix=_again(rule))
    on = f" AND decided_on = DATE '{day}'" if day else ""
    found = query(
        home,
        f"SELECT source, observation_id, as_of, decided_on, held_rules, {asked_column(home)} AS asked,"
        f" live_rules + shadow_rules AS answered FROM {DECISIONS}"
        f" WHERE observations = '{rule.observations}' AND observation_id = {_quoted(observation)}{on}"
        " ORDER BY as_of DESC LIMIT 1",
    ).to_pylist()
    if not found:
        when = f" on {day}" if day else ""
        what = f"nothing was decided about that observation of {rule.observations}{when}"
        raise NotFound(what, where=DECISIONS, fix=f"check the id and the date, or {_again(rule)}")
    return dict(found[0])


def _find_hit(home: Warehouse, rule: Rule, decision: dict[str, Any]) -> dict[str, Any] | None:
    """The values of a hit and the status of the rule on that date; None where the rule did not hit."""
    from tallystick.tables import query

    if not home.exists(FLAGS):
        return None
    sql = f"SELECT hit_values, status FROM {FLAGS} WHERE rule_id = '{rule.id}' AND {_same(rule, decision)}"
    found = query(home, sql).to_pylist()
    return dict(found[0]) if found else None


def _told_hit(hit: dict[str, Any]) -> str:
    return "hit (shadow: counts for nothing)" if hit["status"] == SHADOW else "hit"


def _unhit(rule: Rule, decision: dict[str, Any], day: date) -> str:
    held = json.loads(decision["held_rules"] or "{}")
    if rule.id in held:
        return f"held: {held[rule.id]}"
    asked, span = _asked(decision), rule.span_on(day)
    if asked is not None and rule.id in asked:
        return "clear"
    if span is None:
        return f"not answered: the rule was not in force before {rule.spans[0].first}"
    if span.status == RETIRED:
        return f"not answered: the rule is retired since {span.first}"
    if asked is None:
        return "not known: the decision was made before decisions named the rules that were asked"
    return "not answered: the rule was not asked when the decision was made"


def _stored(home: Warehouse, planned: PlannedRule, columns: SetColumns, decision: dict[str, Any]) -> list[str]:
    from tallystick.tables import query

    told = []
    for group in dict.fromkeys(columns.group_of(name) for name in planned.columns):
        names = [name for name in planned.columns if columns.group_of(name) == group]
        if not group:
            told += [f"{name}: the observation's own, of {columns.observed.table}" for name in names]
            continue
        rows = []
        if home.exists(f"feature.{group}"):
            sql = f"SELECT {', '.join(names)} FROM feature.{group} WHERE {_same(planned.rule, decision)}"
            rows = query(home, sql).to_pylist()
        told += [f"{name} = {'null' if value is None else value}" for row in rows[:1] for name, value in row.items()]
        told += [] if rows else [f"{name}: not stored" for name in names]
    return told


def _same(rule: Rule, decision: dict[str, Any]) -> str:
    """The condition for the rows of the observation of a decision."""
    return (
        f"source = {_quoted(decision['source'])} AND observations = '{rule.observations}'"
        f" AND observation_id = {_quoted(decision['observation_id'])}"
        f" AND as_of = TIMESTAMPTZ '{decision['as_of'].isoformat()}'"
    )


def _local(decision: dict[str, Any], declared: Project) -> datetime:
    return local_time(decision["as_of"], decision["source"], declared)


def _again(rule: Rule) -> str:
    return f"tally rules run {rule.observations} --source SOURCE"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
