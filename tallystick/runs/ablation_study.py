"""An ablation as a study that is kept beside a recipe's models, and back again for its readers.

Apart from the run that makes it because the report and the command line read it, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.model.gain_plots import draw_gains
from tallystick.model.studies import Study, newest_study
from tallystick.report.ablation_section import AblationFacts, list_dimensions, list_gains, read_dimensions
from tallystick.spec.fingerprint import fingerprint

if TYPE_CHECKING:
    from tallystick.model.registry import Registry
    from tallystick.runs.context import RunContext
    from tallystick.spec.recipes import Recipe
    from tallystick.training.ablation import AblationResult

_KIND = "ablation"
_TABLE = "tables/dimensions.csv"


def describe_study(context: RunContext, recipe: Recipe, result: AblationResult, *, inputs: Mapping[str, int]) -> Study:
    """The study: its table, a picture for each kind of rows, the gains as metrics, and the versions it was made of."""
    manifest = {
        "recipe": recipe.name,
        "recipe_fingerprint": fingerprint(recipe),
        "code_version": context.code,
        "inputs": dict(sorted(inputs.items())),
        "seed": recipe.seed,
    }
    return Study(
        recipe=recipe.name,
        source=context.source.name,
        kind=_KIND,
        run_id=context.run_id,
        params={
            "algorithm": result.algorithm,
            "folds": result.folds,
            "seed": recipe.seed,
            "thin_file": recipe.thin_file.title if recipe.thin_file else "",
        },
        metrics=result.metrics,
        files={
            _TABLE: result.table.to_csv(index=False).encode(),
            "manifest.json": json.dumps(manifest, indent=1, sort_keys=True).encode(),
            **{f"plots/{name}": png for name, png in draw_gains(result.table).items()},
        },
    )


def find_ablation(registry: Registry, recipe: Recipe, *, source: str) -> AblationFacts | None:
    """The newest ablation of the recipe on the source, None where there is none."""
    study = newest_study(registry, recipe.name, kind=_KIND, source=source)
    if study is None:
        return None
    return AblationFacts(
        table=read_dimensions(study.files[_TABLE]),
        algorithm=str(study.params.get("algorithm", "")),
        folds=int(study.params.get("folds", 0)),
        thin_file=str(study.params.get("thin_file", "")),
        plots={name: png for name, png in study.files.items() if name.endswith(".png")},
    )


def list_ablation(facts: AblationFacts | None, *, whole: bool) -> pa.Table:
    """The table of an ablation: ``whole`` for programs, else the three questions side by side for a person."""
    if facts is None:
        return pa.table({})
    return pa.Table.from_pylist(list_gains(facts) if whole else list_dimensions(facts))
