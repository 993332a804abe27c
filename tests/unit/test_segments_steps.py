"""The chain from stored events to segments: its runs, their dates, and what is refused before Spark is started."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.errors import NotFound
from tallystick.pipeline import Dates, Place, list_segment_steps
from tallystick.runs.params import AssignSegments, ComputeFeatures, FitSegments
from tests.lib import house
from tests.lib.spenders import SEGMENTATION

PLACE = Place(project=Path("project"), warehouse=Path("warehouse"))
MARCH, JUNE = date(2026, 3, 1), date(2026, 6, 1)


@pytest.mark.parametrize("refit", [False, True])
def test_features_then_a_model_then_segments(refit: bool) -> None:
    dates = Dates(first=MARCH, last=JUNE)
    steps = list_segment_steps(SEGMENTATION, "bank", place=PLACE, dates=dates, refit=refit)
    features, fit, segments = (step.params for step in steps)
    assert isinstance(features, ComputeFeatures)
    assert (features.groups, features.observations) == (("amount",), "months")
    assert (features.first, features.last) == (MARCH, JUNE)
    assert isinstance(fit, FitSegments)
    assert (fit.segmentation, fit.as_of, fit.first_only) == ("kinds", JUNE, not refit)
    assert isinstance(segments, AssignSegments)
    assert (segments.first, segments.last) == (MARCH, JUNE)
    assert {step.params.source for step in steps} == {"bank"}  # type: ignore[attr-defined]


def test_without_dates_the_runs_settle_them() -> None:
    _, fit, segments = (step.params for step in list_segment_steps(SEGMENTATION, "bank", place=PLACE))
    assert isinstance(fit, FitSegments)
    assert isinstance(segments, AssignSegments)
    assert (fit.as_of, segments.first, segments.last) == (None, None, None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["preference", "--source", "simbank"], "there is no segmentation preference"),
        (["preferences", "--source", "simbnk"], "there is no source simbnk"),
    ],
)
def test_a_wrong_name_is_told_before_spark_is_started(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def start(*_: object, **__: object) -> None:
        raise AssertionError("Spark was started")

    monkeypatch.setattr("tallystick.cli.segmenting.run_steps", start)
    (tmp_path / "raw").mkdir()  # else the warehouse is what is wrong
    outcome = CliRunner().invoke(app, ["segments", *words, "--project", str(house.ROOT), "--warehouse", str(tmp_path)])
    assert isinstance(outcome.exception, NotFound)
    assert told in str(outcome.exception)
