"""The registry on SQLite and local files: one version per run, aliases behind gates, a model that loads anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tallystick.errors import ModelError, NotFound
from tallystick.model.logged_models import ModelPackage
from tallystick.model.packaging import SCORER_FILE
from tallystick.model.registry import CHAMPION, PREVIOUS, ModelVersion, Registry
from tallystick.model.results import GateResult
from tests.lib import models

PASSED = GateResult(name="auc", is_passed=True)
Registered = tuple[Registry, ModelVersion, Path]
OUTPUTS = {"pd": "double", "score": "double", "limit_minor": "long", "decision": "string", "reasons": "strings"}


def package() -> ModelPackage:
    trees = {"kind": "lightgbm", "weight": 0.5, "features": list(models.FEATURES)}
    return ModelPackage(
        name="consumer_loan",
        run_id="run-1/train consumer_loan",
        params={"features": 4},
        metrics={"auc": 0.8},
        files={"manifest.json": b"{}", "plots/roc.png": b"png"},
        model_file=SCORER_FILE,
        model_artifacts={
            "model.json": models.as_bytes(models.describe(models.scorecard(0.5), trees)),
            "booster.txt": models.booster_text().encode(),
        },
        example=models.rows(2),
        outputs=OUTPUTS,
        requirements=("mlflow==3.17.2", "numpy", "pandas", "lightgbm==4.7.0"),
        tags={"recipe": "consumer_loan"},
        description="a test",
    )


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """One registered version, in a warehouse that was given by a relative path."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    folder = tmp_path_factory.mktemp("bank")
    before = Path.cwd()
    os.chdir(folder)
    try:
        registry = Registry(Path("warehouse"))
        version = registry.register(package())
    finally:
        os.chdir(before)
    return registry, version, folder


def test_everything_lies_below_the_warehouse_under_an_absolute_address(registered: Registered) -> None:
    registry, version, folder = registered
    assert registry.tracking_uri == f"sqlite:///{folder}/warehouse/mlflow/mlflow.db"
    assert {p.name for p in folder.iterdir()} == {"warehouse"}
    assert version.label == "consumer_loan/1"
    assert version.tags["recipe"] == "consumer_loan"


def test_the_address_of_one_registry_is_not_left_behind_for_the_next(registered: Registered, tmp_path: Path) -> None:
    import mlflow

    registry, version, _ = registered
    assert registry.versions("consumer_loan")
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"} & set(os.environ)
    assert Registry(tmp_path).tracking_uri == f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    assert registry.tracking_uri not in (mlflow.get_tracking_uri(), mlflow.get_registry_uri())
    assert version.version == 1


def test_parameters_metrics_and_files_of_the_run_are_kept(registered: Registered, tmp_path: Path) -> None:
    registry, version, _ = registered
    assert registry.metrics(version) == ({"auc": 0.8}, {"features": "4"})
    found = registry.fetch_files(version, tmp_path)
    names = sorted(str(p.relative_to(found)) for p in found.rglob("*") if p.is_file())
    assert [name for name in names if name != "model_card.html"] == ["manifest.json", "plots/roc.png"]


def test_a_version_tells_which_features_it_reads(registered: Registered) -> None:
    registry, version, _ = registered
    assert registry.models() == ["consumer_loan"]
    assert registry.inputs(version) == tuple(package().example.columns)


def test_the_same_run_registers_once(registered: Registered, tmp_path: Path) -> None:
    registry, version, _ = registered
    # What an interrupted registration left without a card gets it, once, for the version that it is of.
    for told in ("card of", "another card of"):
        again = replace(package(), card=lambda label, told=told: f"{told} {label}")
        assert registry.register(again).version == version.version
    assert (registry.fetch_files(version, tmp_path) / "model_card.html").read_text() == "card of consumer_loan/1"
    assert len(registry.versions("consumer_loan")) == 1


def test_aliases_move_only_past_the_gates(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    card = models.describe(models.scorecard())
    small = replace(package(), model_artifacts={"model.json": models.as_bytes(card)}, requirements=("mlflow==3.17.2",))
    first = registry.register(small)
    with pytest.raises(NotFound, match="consumer_loan has no version called champion"):
        registry.find("consumer_loan")
    with pytest.raises(ModelError, match="no gate was checked"):
        registry.promote(first, [])
    assert registry.versions("consumer_loan")[0].tags["gates"] == "failed: no gate was checked"
    assert registry.promote(first, [PASSED]).aliases == (CHAMPION,)
    assert registry.promote(first, [PASSED]).aliases == (CHAMPION,)
    failed = (PASSED, GateResult(name="psi", is_passed=False, detail="0.4 > 0.25"))
    second = registry.register(replace(small, run_id="run-2", gates=failed))
    assert second.tags["gates"] == "failed: psi"
    with pytest.raises(ModelError, match=r"consumer_loan/2: gates failed: psi \(0.4 > 0.25\)"):
        registry.promote(second, failed)
    assert registry.find("consumer_loan").version == 1
    assert {v.label: v.tags["gates"] for v in registry.versions("consumer_loan")} == {
        "consumer_loan/1": "passed",
        "consumer_loan/2": "failed: psi",
    }
    registry.promote(second, [PASSED])
    assert (registry.find("consumer_loan").version, registry.find("consumer_loan", PREVIOUS).version) == (2, 1)
    registry.promote(second, [PASSED])
    assert registry.find("consumer_loan", PREVIOUS).version == 1
    assert [v.label for v in registry.versions("consumer_loan")] == ["consumer_loan/2", "consumer_loan/1"]


def test_a_champion_is_kept_from_the_customers_of_another_source(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    card = models.describe(models.scorecard())
    small = replace(package(), model_artifacts={"model.json": models.as_bytes(card)}, tags={"source": "berka"})
    version = registry.register(small)
    registry.check_source("consumer_loan", "simbank")  # there is no champion yet
    registry.promote(version, [PASSED])
    assert registry.find("consumer_loan", source="berka").version == 1
    with pytest.raises(ModelError, match="consumer_loan/1 learned from the customers of berka, not of simbank") as told:
        registry.check_source("consumer_loan", "simbank")
    assert told.value.exit_code == 11


def test_an_unknown_model_is_not_found(registered: Registered) -> None:
    with pytest.raises(NotFound, match="no_such_model"):
        registered[0].find("no_such_model")


FRESH = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tallystick":
            raise ImportError("the project is not here")

sys.meta_path.insert(0, Blocked())
import mlflow, pandas
model = mlflow.pyfunc.load_model("models:/consumer_loan@champion")
frame = pandas.read_json("rows.json", orient="split", dtype="float64")
model.predict(frame).to_json("scores.json", orient="split", double_precision=15)
try:
    model.predict(frame.drop(columns=["txn_in_sum_30d"]))
except mlflow.MlflowException as error:
    print("refused", "txn_in_sum_30d" in str(error))
"""


def test_the_champion_loads_in_a_fresh_process_without_the_project(registered: Registered, tmp_path: Path) -> None:
    registry, version, _ = registered
    registry.promote(version, [PASSED])
    frame = models.rows(20, seed=6)
    (tmp_path / "rows.json").write_text(frame.to_json(orient="split", double_precision=15))
    environment = {"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": registry.tracking_uri, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-I", "-c", FRESH], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "refused True"
    from tallystick.model import scorer

    written = json.loads((tmp_path / "rows.json").read_text())
    same = pd.DataFrame(written["data"], columns=written["columns"]).astype("float64")
    import lightgbm

    content = package().model_artifacts
    booster = lightgbm.Booster(model_str=content["booster.txt"].decode())
    expected = scorer.score_frame(json.loads(content["model.json"]), {"booster": booster}, same)
    scores = json.loads((tmp_path / "scores.json").read_text())
    found = pd.DataFrame(scores["data"], columns=scores["columns"])
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12)


def test_using_a_registry_leaves_the_environment_as_it_was(registered: Registered) -> None:
    registry, version, folder = registered
    assert os.environ.get("MLFLOW_TRACKING_URI") is None
    assert Registry(folder / "warehouse").tracking_uri == registry.tracking_uri
    assert Registry(folder / "warehouse").versions(version.name)
