"""``tally rules run``: from arguments to the runs that compute features and answer rules.

Kept apart from ``rule_texts`` because it starts Spark and writes tables.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from tallystick.cli.running import open_project, spark_session
from tallystick.errors import NotFound
from tallystick.pipeline import Dates, Place, list_rule_steps, run_steps
from tallystick.project.rule_checks import list_groups
from tallystick.spec.names import nearest_name


def answer_rules_of(observations: str, source: str, *, dates: Dates, warehouse: Path, project: Path | None) -> None:
    """Features of the groups that the set's rules read, then its flags and decisions.

    An unknown name, a set without rules, and what is wrong with a rule is told before Spark is started.
    """
    declared = open_project(project)
    known = {rule.observations for rule in declared.rules.values()}
    if observations not in known:
        fix = nearest_name(observations, known)
        raise NotFound(f"observations {observations} have no rules", where="rules/", fix=fix)
    if source not in declared.sources:
        raise NotFound(f"there is no source {source}", where="sources/", fix=nearest_name(source, declared.sources))
    groups = list_groups(declared, observations)
    place = Place(project=declared.root, warehouse=warehouse.resolve())
    steps = list_rule_steps(observations, groups, source, place=place, dates=dates)
    with spark_session(declared.root) as session:
        run_steps(steps, session=session, run_id=uuid.uuid4().hex)
