"""A model as MLflow keeps it: what a training run hands over, how it is logged, and how it is loaded again.

Apart from the registry, which numbers versions and moves aliases and never looks into a model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.model.mlflow_client import import_quietly
from tallystick.model.packaging import write_files
from tallystick.model.results import GateResult

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPackage:
    """Everything one training run wants kept.

    ``name`` is the registered model, ``run_id`` makes a repeated registration a no-op. ``files`` are artifacts of the
    run by path ("plots/roc.png", "manifest.json", "model_card.html"). ``model_file`` is the pyfunc as code and
    ``model_artifacts`` what it loads, by file name. ``example`` holds a few input rows: its columns, all doubles, are
    the signature's inputs. ``outputs`` are the columns of the answer with their types: ``double``, ``long``,
    ``string``, or ``strings`` for a list of them. What
    ``gates`` found becomes the tag ``gates`` of the run and of the version. ``card`` makes model_card.html for a
    version's label, which is known once the version is made.
    """

    name: str
    run_id: str
    params: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]
    model_file: Path
    model_artifacts: Mapping[str, bytes]
    example: pd.DataFrame
    outputs: Mapping[str, str]
    requirements: Sequence[str]
    gates: Sequence[GateResult] = ()
    card: Callable[[str], str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def log_model(package: ModelPackage) -> ModelInfo:
    """Log a package's model with the MLflow run that is active."""
    import mlflow

    with tempfile.TemporaryDirectory(prefix="tallystick-") as folder:
        write_files(Path(folder), package.model_artifacts)
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(package.model_file),
            artifacts={name.partition(".")[0]: str(Path(folder, name)) for name in package.model_artifacts},
            signature=make_signature([str(name) for name in package.example.columns], package.outputs),
            input_example=package.example.astype("float64"),
            pip_requirements=list(package.requirements),
        )


def make_signature(inputs: Sequence[str], outputs: Mapping[str, str]) -> ModelSignature:
    """The signature of a model: its inputs by name alone, its ``outputs`` with their types.

    MLflow would refuse whole numbers as feature tables store them, and quotes rows when it refuses. What a column may
    hold is for the model's own file to say, which names the column.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Array

    types = {
        "double": DataType.double,
        "long": DataType.long,
        "string": DataType.string,
        "strings": Array(DataType.string),
    }
    return ModelSignature(
        inputs=Schema([ColSpec(AnyType(), name, required=False) for name in inputs]),
        outputs=Schema([ColSpec(types[kind], name) for name, kind in outputs.items()]),
    )


@cache
def load_local(path: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The predict function of a fetched model: features by name in, one row of results per row out.

    Columns that the model does not read may be among them. Loaded once per process and path; needs no registry, so
    tasks may call it.
    """
    model = import_quietly().pyfunc.load_model(path)
    inputs = set(model.metadata.get_input_schema().input_names())

    def predict(frame: pd.DataFrame) -> pd.DataFrame:
        """MLflow warns of every column too many, so only the model's own are shown to it."""
        answer: pd.DataFrame = model.predict(frame[[name for name in frame.columns if name in inputs]])
        return answer

    return predict
