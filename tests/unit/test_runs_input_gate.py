"""What a run reads is refused in a sentence where it is missing, or where an older version of this project wrote it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.entrypoint import perform
from tallystick.errors import ContractError, NotFound
from tallystick.model.registry import Registry
from tallystick.runs import input_gate
from tallystick.runs.fields import Params
from tallystick.runs.params import ComputeFeatures, ComputeObserved
from tallystick.spec.data_files import DataFile
from tallystick.tables import Pinned
from tests.lib.project_folder import write_project

SOURCE = """\
title: A village
zone: Europe/Prague
currency: CZK
load_date: 2024-01-31
history_until: 2024-01-31
reject_rate: 0
layout: {buckets: 1, period: year}
reading: {encoding: utf-8}
files: {visits: {file: visits.csv, columns: [id, person, at]}}
tables: {visits: {known_on: event_date + 1 day}}
"""
VISITS = "SELECT 'village:' || person AS customer_id, id AS visit_id, at AS event_at FROM visits\n"


def test_labels_from_before_they_named_their_set_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    context: Any = SimpleNamespace(warehouse=None, source=SimpleNamespace(name="bank"))
    recipe: Any = SimpleNamespace(observations="applications", labels=("outcome",))
    placed = {"source": "bank", "observations": "applications"}

    def stored(*partitions: dict[str, str]) -> Any:
        files = tuple(DataFile(table_path="t", rel="f", size=1, rows=1, partition=one) for one in partitions)
        return Pinned(name="label.outcome", path="t", version=0, files=files)

    other = placed | {"observations": "book"}
    monkeypatch.setattr(input_gate, "pin", lambda *_: stored(placed, other))
    assert [file.partition for file in input_gate.pin_labels(context, recipe).all_files] == [placed]
    monkeypatch.setattr(input_gate, "pin", lambda *_: stored({"source": "bank"}))
    with pytest.raises(ContractError, match=r"label.outcome: .* before labels named .* \(remove the table's folder"):
        input_gate.pin_labels(context, recipe)


DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    "params",
    [
        partial(ComputeFeatures, groups=("visit",), observations="visits", first=DAY, last=DAY),
        partial(ComputeObserved, groups=("visit",), observations="cases.csv", name="cases"),
    ],
)
def test_features_of_a_source_that_is_not_loaded_are_refused_and_leave_nothing(
    params: Callable[..., Params], tmp_path: Path
) -> None:
    root = write_project(tmp_path / "project")
    (root / "sources" / "village").mkdir()
    (root / "sources" / "village" / "source.yaml").write_text(SOURCE, encoding="utf-8")
    (root / "sources" / "village" / "visits.sql").write_text(VISITS, encoding="utf-8")
    asked = params(project=root, warehouse=tmp_path / "mistyped", source="village")
    told = rf"{tmp_path}/mistyped: source village has no rows in clean.visits \(load it first: tally run RECIPE"
    with pytest.raises(NotFound, match=told):
        perform(asked)
    assert not (tmp_path / "mistyped").exists()


def test_a_champion_is_asked_for_without_making_a_registry(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "mistyped")
    with pytest.raises(NotFound, match="model small_loan has no version called champion"):
        registry.find("small_loan")
    assert registry.versions("small_loan") == []
    assert not (tmp_path / "mistyped").exists()
