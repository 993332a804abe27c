"""Feature and recipe files are run, what they declare is collected, and a broken file is named with its line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tests.lib.project_folder import GROUP, write_project

LABELS = """\
from tallystick.spec.labels import DelinquencyLabel

LABELS = (DelinquencyLabel(name="dpd30"), DelinquencyLabel(name="dpd60", dpd=60))
"""


def test_groups_and_labels_are_collected_by_name_with_their_place(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (root / "recipes" / "cash.py").write_text(LABELS, encoding="utf-8")
    project = load_project(root)
    assert list(project.feature_groups) == ["visit"]
    assert project.feature_groups["visit"].path.endswith("features/visits.py:3")
    assert list(project.labels) == ["dpd30", "dpd60"]
    assert project.contracts["feature.visit"].derived_from == ("clean.visits",)
    assert project.contracts["label.dpd60"].layer == "label"
    assert list(project.contracts) == [
        "clean.visits",
        "clean.visits_rejected",
        "feature.visit",
        "label.dpd30",
        "label.dpd60",
        "score.visits",
    ]


def test_files_that_are_not_needed_are_not_run(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path, group="raise SystemError"))
    assert project.contracts["clean.visits"].table == "visits"
    assert "clean.visits" in project.contracts
    assert list(project.expectations) == ["clean.visits"]
    with pytest.raises(DeclarationError, match="SystemError"):
        project.contracts["feature.visit"]


def test_private_files_and_imported_names_declare_nothing(tmp_path: Path) -> None:
    root = write_project(tmp_path, group=GROUP.replace("VISITS =", "from os import sep\nVISITS ="))
    (root / "features" / "_draft.py").write_text("raise SystemError", encoding="utf-8")
    before = set(sys.modules)
    assert list(load_project(root).feature_groups) == ["visit"]
    assert not [name for name in set(sys.modules) - before if "visits" in name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = (\n", r"visits.py:2: not Python"),
        ("x = 1\n\ny = x / 0\n", r"visits.py:3: ZeroDivisionError"),
        (GROUP.replace('owner="tests"', 'owner=""'), r"visits.py:3: group visit: owner is empty"),
        (GROUP.replace('"30d"', '"30 days"'), r"visits.py:7: .*30 days"),
        ("import nonsense_module\n", r"visits.py:1: ModuleNotFoundError"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    project = load_project(write_project(tmp_path, group=text))
    with pytest.raises(DeclarationError, match=message):
        _ = project.feature_groups


def test_two_different_declarations_may_not_share_a_name(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (root / "features" / "more.py").write_text(GROUP.replace('"30d"', '"60d"'), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"visits.py:3: group visit is declared twice \(also at .*more.py:3\)"):
        _ = load_project(root).feature_groups
