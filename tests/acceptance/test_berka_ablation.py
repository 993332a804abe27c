"""`tally ablate` on the Czech bank: the whole table for programs, the report's section, the study in the registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.model.registry import Registry
from tallystick.project import load_project
from tallystick.runs.ablation_study import find_ablation
from tallystick.tables import Warehouse


def test_dimensions_are_measured_kept_and_shown(
    berka: Warehouse, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    place = ["--warehouse", str(berka.root), "--project", str(project_root)]
    before = Registry(berka.root).find("consumer_loan")
    # An algorithm that is quick; no source is named, so it is the champion's.
    answer = CliRunner().invoke(app, ["ablate", "consumer_loan", "--algorithm", "ordinal_scorecard", "--json", *place])
    assert answer.exit_code == 0, answer.output
    rows = json.loads(answer.stdout)
    recipe = load_project(project_root).recipes["consumer_loan"]
    questions = 2 + 3 * len(recipe.ablations)
    assert len(rows) == 2 * 2 * questions  # folds in time and the test, all and thin files
    (found,) = [
        row for row in rows if (row["dimension"], row["way"]) == ("all features", "reference")
        and (row["rows_of"], row["segment"]) == ("out_of_time", "all")
    ]  # fmt: skip
    assert (found["rows"], found["bad"]) == (117, 16)
    assert found["auc"] == pytest.approx(Registry(berka.root).metrics(before)[0]["auc_out_of_time"])
    (base,) = [
        row for row in rows if (row["dimension"], row["way"]) == ("request", "added")
        and (row["rows_of"], row["segment"]) == ("folds_in_time", "all")
    ]  # fmt: skip
    assert base["gain"] is None
    page = (Path(berka.root) / "report" / "consumer_loan_berka.html").read_text(encoding="utf-8")
    assert "What each dimension is worth" in page
    assert "an account younger than a year" in page
    kept = find_ablation(Registry(berka.root), recipe, source="berka")
    assert kept is not None
    assert len(kept.plots) == 4
    # No model was registered and none moved.
    assert Registry(berka.root).find("consumer_loan") == before
