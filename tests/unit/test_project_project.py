"""A project is found from inside it, frozen, and suggests the nearest table."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from tallystick.errors import NotFound, SetupError
from tallystick.project import find_project, load_project
from tests.lib.project_folder import write_project


def test_a_project_is_found_from_a_folder_inside_it(tmp_path: Path) -> None:
    root = write_project(tmp_path / "bank")
    assert find_project(root / "schemas" / "clean") == root
    assert find_project(root) == root


def test_outside_of_a_project_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"holds sources/, schemas/, recipes/.*--project DIR"):
        find_project(tmp_path)
    with pytest.raises(SetupError, match="holds no project"):
        load_project(tmp_path)


def test_a_project_is_frozen(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path))
    with pytest.raises(FrozenInstanceError):
        project.root = tmp_path  # type: ignore[misc] - the test is that it cannot be set
    with pytest.raises(TypeError):
        project.expectations["clean.other"] = {}  # type: ignore[index] - the test is that it cannot be set


def test_an_unknown_table_suggests_the_nearest(tmp_path: Path) -> None:
    contracts = load_project(write_project(tmp_path)).contracts
    with pytest.raises(NotFound, match=r"no table clean.visit is declared \(did you mean clean.visits\?\)"):
        contracts["clean.visit"]
    assert contracts.get("clean.visit") is None
    assert "clean.visit" not in contracts
