"""Whole runs on real data, made once per test process and looked at by many tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tallystick.pipeline import Dates, Place, list_steps, run_steps
from tallystick.project import load_project
from tallystick.tables import Warehouse

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def berka(
    spark: SparkSession, data_dir: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """The main job on the Czech bank, from its files to scores and report."""
    warehouse = tmp_path_factory.mktemp("berka")
    recipe = load_project(project_root).recipes["consumer_loan"]
    steps = list_steps(recipe, {"berka": data_dir / "berka"}, place=Place(project=project_root, warehouse=warehouse))
    run_steps(steps, session=lambda: spark, run_id="acceptance")
    return Warehouse(warehouse)


@pytest.fixture(scope="session")
def copenhagen(
    spark: SparkSession, data_dir: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """Daily features of the students' calls and messages, over the last week of the study."""
    warehouse = tmp_path_factory.mktemp("copenhagen")
    recipe = load_project(project_root).recipes["social_activity"]
    steps = list_steps(
        recipe,
        {"copenhagen": data_dir / "copenhagen"},
        place=Place(project=project_root, warehouse=warehouse),
        dates=Dates(first=date(2013, 9, 22), last=date(2013, 9, 28)),
    )
    run_steps(steps, session=lambda: spark, run_id="acceptance")
    return Warehouse(warehouse)
