"""docs/segments.md shows the segmentation that the project has, and following it in a copy takes two files."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.spec.segments import Segmentation
from tests.lib.adding import copy_declarations, file_digests, touched
from tests.lib.shipped import shipped_project

# Words for readers, and the place: they may differ between the page and the file.
WORDS = {"description", "path"}


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "segments.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(page: str) -> str:
    return next(text for text in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if "Segmentation(" in text)


def test_the_example_is_the_projects_own_segmentation(example: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(example, "docs/segments.md", "exec"), names)
    shown, declared = names["PREFERENCES"], shipped_project().segmentations["preferences"]
    differing = [
        one.name
        for one in fields(Segmentation)
        if one.name not in WORDS and getattr(shown, one.name) != getattr(declared, one.name)
    ]
    assert differing == []


def test_the_page_tells_every_field_with_its_default(page: str, example: str) -> None:
    table = dict(re.findall(r"^(`[^|]*`)[^|\n]* \|.*\| (.*)$", page, flags=re.MULTILINE))
    told = {name: default.strip("`") for names, default in table.items() for name in re.findall(r"`(\w+)`", names)}
    for one in fields(Segmentation):
        if one.name not in WORDS and f"{one.name}=" not in example:
            assert one.name in told, one.name
            assert str(one.default).replace("None", "none") in told[one.name], one.name


def test_a_segmentation_is_two_files(example: str, tmp_path: Path) -> None:
    root = copy_declarations(tmp_path)
    before = file_digests(root)
    (root / "recipes" / "tastes.py").write_text(
        f'"""Tastes."""\n\n{example.replace("name=" + chr(34) + "preferences", "name=" + chr(34) + "tastes")}',
        encoding="utf-8",
    )
    suite = (root / "expectations" / "segment" / "preferences.yaml").read_text(encoding="utf-8")
    (root / "expectations" / "segment" / "tastes.yaml").write_text(
        suite.replace("segment.preferences", "segment.tastes"), encoding="utf-8"
    )
    assert touched(before, file_digests(root)) == ["expectations/segment/tastes.yaml", "recipes/tastes.py"]
    project = load_project(root)
    assert check_project(project) == []
    assert project.contracts["segment.tastes"].derived_from == ("feature.preferences",)
