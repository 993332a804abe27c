"""The run that builds labels of large tables, or of such that only Spark can label: the same rows, in Spark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tallystick.dialect import NotTranslated
from tallystick.runs import build_labels
from tallystick.runs.params import BuildLabels
from tests.lib import lender

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_large_tables_are_labelled_by_spark(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_labels, "FEW_ROWS", 0)
    monkeypatch.setattr(build_labels, "build_few_labels", _refuse)
    lender.check_labels(lender.lend(tmp_path), spark)


def test_what_duckdb_cannot_tell_spark_is_asked(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lender.lend(tmp_path)
    params = BuildLabels(project=root / "project", warehouse=root / "warehouse", recipe="running", source="village")
    build_labels.run(params)
    before = lender.stored(root, "late")
    monkeypatch.setattr(build_labels, "build_few_labels", _refuse)
    build_labels.run(replace(params, run_id="again"), spark)
    assert lender.stored(root, "late") == before


def _refuse(*args: Any, **kwargs: Any) -> None:
    raise NotTranslated("such a label")
