"""What is learned about a recipe beside its models, kept as MLflow runs: parameters, metrics, tables, pictures.

Apart from ``registry``, whose runs each have a model: a study registers nothing and moves no alias.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.model.mlflow_client import quoted
from tallystick.model.packaging import write_files
from tallystick.model.registry import RUN_TAG, Registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_KIND_TAG = "tallystick.study"


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """One study of a recipe on a source. ``files`` are its artifacts by path (``tables/dimensions.csv``)."""

    recipe: str
    source: str
    kind: str
    run_id: str
    params: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


def keep_study(registry: Registry, study: Study) -> None:
    """Keep a study in the recipe's experiment. The same ``run_id`` again replaces what that run left."""
    import mlflow

    with registry.connected() as client:
        experiment = registry.experiment(client, study.recipe)
        for earlier in client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{quoted(study.run_id)}'"):
            client.delete_run(earlier.info.run_id)
        tags = {_KIND_TAG: study.kind, "source": study.source, RUN_TAG: study.run_id}
        with mlflow.start_run(experiment_id=experiment, run_name=study.run_id, tags=tags):
            mlflow.log_params(dict(study.params))
            mlflow.log_metrics(dict(study.metrics))
            with tempfile.TemporaryDirectory(prefix="tallystick-") as folder:
                write_files(Path(folder), study.files)
                mlflow.log_artifacts(folder)


def newest_study(registry: Registry, recipe: str, *, kind: str, source: str) -> Study | None:
    """The last study of this kind that was finished; None where there is none."""
    if not registry.exists:
        return None
    with registry.connected() as client:
        experiment = client.get_experiment_by_name(recipe)
        if experiment is None:
            return None
        wanted = f"tags.`{_KIND_TAG}` = '{quoted(kind)}' and tags.source = '{quoted(source)}'"
        found = client.search_runs(
            [experiment.experiment_id], f"{wanted} and attributes.status = 'FINISHED'", max_results=1,
            order_by=["attributes.start_time DESC"],
        )  # fmt: skip
        if not found:
            return None
        data, files = found[0].data, _fetch(client, found[0].info.run_id)
    return Study(
        recipe=recipe, source=source, kind=kind, run_id=data.tags.get(RUN_TAG, ""), params=dict(data.params),
        metrics=dict(data.metrics), files=files,
    )  # fmt: skip


def _fetch(client: MlflowClient, run: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="tallystick-") as folder:
        place = Path(client.download_artifacts(run, "", folder))
        return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}
