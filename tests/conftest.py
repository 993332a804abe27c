"""Fixtures that every kind of test may use: real data, the project folder, and the one Spark session of the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout the tests run in."""
    return PROJECT


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark session of this process: starting it and warming its compiler is most of a small test's cost."""
    from tallystick.tables import open_session

    warehouse = tmp_path_factory.mktemp("spark")
    session = open_session("tests", project=PROJECT, extra_conf=(("spark.sql.warehouse.dir", str(warehouse)),))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the one Hadoop file system of this process."""
    from tests.lib.hadoop import serving

    with serving(tmp_path_factory.mktemp("hadoop")) as address:
        yield address


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data. Absent data skips the test by name: CI has it."""
    root = Path(os.environ.get("TALLYSTICK_DATA", PROJECT.parent / "shared" / "data"))
    if not all((root / bank).is_dir() for bank in ("berka", "copenhagen")):
        pytest.skip(
            f"real data not found at {root}; set TALLYSTICK_DATA to the folder that holds berka/ and copenhagen/"
        )
    return root
