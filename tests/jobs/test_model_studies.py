"""A study is kept beside a recipe's models and found again: the newest of its kind and source, finished ones only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.model.registry import Registry
from tallystick.model.studies import Study, keep_study, newest_study

STUDY = Study(
    recipe="small_loan", source="bank", kind="ablation", run_id="run-1", params={"folds": 4}, metrics={"gain": 0.01},
    files={"tables/dimensions.csv": b"a,b\n1,2\n", "plots/all.png": b"png"},
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_study_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert newest_study(registry, "small_loan", kind="ablation", source="bank") is None
    assert not list(tmp_path.iterdir())  # to ask makes no registry
    keep_study(registry, STUDY)
    found = newest_study(registry, "small_loan", kind="ablation", source="bank")
    assert found is not None
    assert (found.params, found.metrics, found.files) == ({"folds": "4"}, STUDY.metrics, STUDY.files)
    for other in ({"kind": "other"}, {"source": "town"}):
        assert newest_study(registry, "small_loan", **{"kind": "ablation", "source": "bank", **other}) is None
    assert newest_study(registry, "large_loan", kind="ablation", source="bank") is None
    assert registry.models() == []


def test_the_newest_counts_and_the_same_run_again_replaces_itself(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    keep_study(registry, STUDY)
    keep_study(registry, replace(STUDY, run_id="run-2", metrics={"gain": 0.02}))
    keep_study(registry, replace(STUDY, run_id="run-1", metrics={"gain": 0.03}))
    found = newest_study(registry, "small_loan", kind="ablation", source="bank")
    assert found is not None
    assert (found.run_id, found.metrics) == ("run-1", {"gain": 0.03})
    with registry.connected() as client:
        runs = client.search_runs([client.get_experiment_by_name("small_loan").experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["run-1", "run-2"]
