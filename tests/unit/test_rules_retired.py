"""A rule that retires together with a feature that it reads, or later than it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.cli.rule_texts import explain_rule
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.rule_checks import columns_of, plan_set
from tests.lib.project_folder import GROUP, write_project

RULE = """\
family: velocity
title: How often
observations: visits
owner: fraud-risk
rules:
  - id: VEL001
    title: Many visits
    when: visit_any_count_7d > 9
    severity: high
    reason: Number of your visits
    status: """
WINDOWS = 'windows=("30d", "7d"), retired={"visit_any_count_7d": date(2026, 3, 16)}, permitted_use="fraud review",'
GONE_GROUP = "from datetime import date\n" + GROUP.replace('windows=("30d",),', WINDOWS)


@pytest.mark.parametrize(
    ("status", "is_fine"),
    [
        ("retired, since: 2026-03-16, earlier: {2020-01-01: live}", True),
        ("retired, since: 2026-03-01, earlier: {2020-01-01: live}", True),
        ("retired, since: 2020-01-01", True),
        ("retired, since: 2026-03-17, earlier: {2020-01-01: live}", False),
        ("retired, since: 2026-05-01, earlier: {2020-01-01: live, 2026-03-01: retired, 2026-04-01: shadow}", False),
        ("live, since: 2020-01-01", False),
    ],
)
def test_a_rule_reads_a_retired_feature_on_the_dates_that_have_values_of_it(
    tmp_path: Path, status: str, is_fine: bool
) -> None:
    """The feature has values on the dates before 16 March: the rule may be in force on these, and on no other."""
    write_project(tmp_path, group=GONE_GROUP)
    (tmp_path / "rules").mkdir()
    told = status.replace(", since", "\n    since").replace(", earlier", "\n    earlier")
    (tmp_path / "rules" / "velocity.yaml").write_text(f"{RULE}{told}\n", encoding="utf-8")
    project = load_project(tmp_path)
    what = "rule VEL001 reads visit_any_count_7d, which is retired on 2026-03-16, and is in force then"
    assert [one.what for one in check_project(project)] == ([] if is_fine else [what])
    columns = columns_of(project, "visits")
    assert "visit_any_count_7d" not in columns.features  # a search proposes no rule about it
    if is_fine:
        (rule,) = plan_set(project, "visits", columns=columns)
        assert [columns.group_of(name) for name in rule.columns] == ["visit"]
        assert str(explain_rule("VEL001", tmp_path)["reads"]).startswith("['visit_any_count_7d: ")
