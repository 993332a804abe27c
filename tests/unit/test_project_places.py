"""A wrong declaration is named with its file, the line of the mistake and the nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.places import place_in_file
from tests.lib.project_folder import write_project

# Line numbers in the tests below are those of this text.
GROUP = """\
from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share

VISITS = FeatureGroup(
    name="visit",
    table="clean.visits",
    owner="tests",
    windows=("30d", "all"),
    filters={
        "advice": "purpose = 'advice'",
        "cash": "purpose = 'cash'",
    },
    by={"purpose": ("advice", "cash")},
    measures=(
        Measure(name="made", ops="count", filters=("advice",), unfiltered=True, reason="Visits"),
        Measure(
            name="kind",
            value="purpose",
            ops="distinct",
            where="HOUR(event_at) < 12",
            reason="Kinds of visits",
        ),
        Measure(name="by_kind", ops="active_days", by="purpose", reason="Visits"),
    ),
    derived=(
        Share(name="advice", a="made_advice_count", b="made_count"),
        Change(of="made_count"),
    ),
)
"""

MISTAKES = {
    "an unknown column in a filter": (
        "purpose = 'cash'", "porpose = 'cash'", 10, "unknown column porpose", "did you mean purpose?",
    ),
    "an unknown column in a value": ('value="purpose"', 'value="purposes"', 17, "purposes", "did you mean purpose?"),
    "an unknown column in where": ("HOUR(event_at)", "HOUR(event_on)", 19, "event_on", "did you mean event_at?"),
    "a sum of text": ('ops="distinct"', 'ops="sum"', 17, "sum of string", "text takes distinct"),
    "a wrong type in a comparison": ("purpose = 'cash'", "purpose > 5", 10, "do not mix", ""),
    "text that is no condition": ("HOUR(event_at) < 12", "HOUR(event_at)", 19, "not a condition", "compare it"),
    "a forbidden function": ("HOUR(event_at)", "HOURS(event_at)", 19, "HOURS is not allowed", "did you mean HOUR?"),
    "something that is no SQL": ("HOUR(event_at) < 12", "HOUR(event_at) <", 19, "not SQL", ""),
    "an unknown operation": ('ops="distinct"', 'ops="distnict"', 18, "distnict", "did you mean distinct?"),
    "an unknown filter": ('filters=("advice",)', 'filters=("advise",)', 14, "advise", "did you mean advice?"),
    "an unknown window": ('windows=("30d", "all")', 'windows=("30 days", "all")', 7, "30 days", "7d, 3m or all"),
    "an unknown category": ('by="purpose"', 'by="purpos"', 22, "unknown category purpos", "did you mean purpose?"),
    "an unknown table": ('table="clean.visits"', 'table="clean.visit"', 5, "clean.visit", "did you mean clean.visits?"),
    "an unknown part of a share": ('a="made_advice_count"', 'a="made_advise_count"', 25, "made_advise_count",
                                   "did you mean made_advice_count?"),
    "an unknown part of a change": ('of="made_count"', 'of="mode_count"', 26, "mode_count",
                                    "did you mean made_count?"),
    "two measures of one name": ('name="by_kind", ops="active_days", by="purpose"', 'name="made", ops="count"', 22,
                                 "two measures make made_count", "rename one"),
    "two features of one name": ('name="by_kind", ops="active_days", by="purpose"',
                                 'name="made_advice", ops="count"', 22, "two", "rename one"),
    "an op without a value": ('value="purpose",\n', "\n", 15, "distinct needs a value", "value="),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_is_near(tmp_path: Path, mistake: str) -> None:
    right, wrong, line, what, fix = MISTAKES[mistake]
    assert GROUP.count(right) == 1
    root = write_project(tmp_path, group=GROUP.replace(right, wrong))
    path = root / "features" / "visits.py"
    project = load_project(root)
    with pytest.raises(DeclarationError) as caught:
        _ = project.contracts["feature.visit"]
    error = caught.value
    assert error.where.startswith(f"{path}:{line}:") or error.where == f"{path}:{line}", str(error)
    assert what in error.what
    assert fix in error.fix
    assert any(problem.where == error.where for problem in check_project(load_project(root)))


def test_the_same_declaration_without_mistake_is_right(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path, group=GROUP))
    assert not check_project(project)
    place = project.feature_groups["visit"].path
    lines = [place_in_file(place, name, words=words).rpartition(":")[2] for name, words in (
        ("kind", ("measure", "distinct")), ("advice", ("share",)), ("made_count", ("change",)),
    )]  # fmt: skip
    assert lines == ["15", "25", "26"]


def test_a_name_that_the_file_computes_is_named_with_the_line_of_its_group(tmp_path: Path) -> None:
    computed = GROUP.replace('Measure(name="made",', 'Measure(name="".join(["ma", "de"]),')
    project = load_project(write_project(tmp_path, group=computed.replace('"advice",), unf', '"advise",), unf')))
    with pytest.raises(DeclarationError, match=r"visits\.py:3: group visit, measure made: unknown filter advise"):
        _ = project.feature_groups
