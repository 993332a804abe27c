"""What the registry keeps of a training run, as files: the manifest, plots and tables.

The layout of a run's artifacts and the manifest's fields. The card comes from the report, rendered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from tallystick.model.results import TrainingResult
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.labels import Label
from tallystick.spec.recipes import Recipe

# The file that travels inside every registered model, as code.
SCORER_FILE = Path(__file__).with_name("scorer.py")

# What the scorer file imports, at the versions the model was trained with; boosters only when the model has one.
SCORER_LIBRARIES = ("mlflow", "numpy", "pandas")

# The columns of a scorer's answer, with the types of its signature.
OUTPUTS = {"pd": "double", "score": "double", "limit_minor": "long", "decision": "string", "reasons": "strings"}

# Those that only a policy gives.
BY_POLICY = ("limit_minor", "decision")


def list_outputs(recipe: Recipe) -> dict[str, str]:
    """The columns of its scorer's answer with their types: without a policy neither limit nor decision."""
    return {name: kind for name, kind in OUTPUTS.items() if recipe.policy is not None or name not in BY_POLICY}


def list_requirements(result: TrainingResult) -> tuple[str, ...]:
    """The pip requirements of the scorer file, pinned to what is installed."""
    libraries = [*SCORER_LIBRARIES, *(["lightgbm"] if "booster.txt" in result.artifacts else [])]
    return tuple(f"{name}=={version(name)}" for name in libraries)


def describe_manifest(
    recipe: Recipe, label: Label, result: TrainingResult, *, inputs: Mapping[str, int], code: str
) -> dict[str, object]:
    """What rebuilds the training set bit for bit: versions of tables, fingerprints, code, and a hash of the rows."""
    return {
        "recipe": recipe.name,
        "recipe_fingerprint": fingerprint(recipe),
        "label": label.name,
        "label_fingerprint": fingerprint(label),
        "inputs": dict(sorted(inputs.items())),
        "code_version": code,
        "observation_hash": result.observation_hash,
        "rows": len(result.rows),
        "algorithm": result.chosen,
        "seed": recipe.seed,
    }


def list_run_files(result: TrainingResult, manifest: Mapping[str, object]) -> dict[str, bytes]:
    """The artifacts of the run by path: manifest.json, plots/*.png, tables/*.csv, among these the gates."""
    return {
        "manifest.json": json.dumps(manifest, indent=1, sort_keys=True).encode(),
        **{f"plots/{name}": plot for name, plot in result.plots.items()},
        **{f"tables/{name}.csv": table.to_csv(index=False).encode() for name, table in result.tables.items()},
        "tables/gates.csv": _list_gates(result).to_csv(index=False).encode(),
    }


def _list_gates(result: TrainingResult) -> pd.DataFrame:
    rows = [(gate.name, gate.is_passed, gate.detail) for gate in result.gates]
    return pd.DataFrame(rows, columns=["gate", "is_passed", "detail"])


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write artifacts by path below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
