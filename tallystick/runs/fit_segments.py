"""Fit a segmentation on the features of one business date, register it, and bring it into force past its gates.

Takes a segmentation, a source and optionally the date; reads the features at a pinned version. Segments that are in
force hand their ids on.
"""

from __future__ import annotations

import json
import tempfile
from datetime import date
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

import tallystick.segments.fit as stage
from tallystick.errors import NotFound
from tallystick.model.logged_models import ModelPackage
from tallystick.model.registry import ModelVersion, Registry
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables
from tallystick.runs.progress import progress, working
from tallystick.runs.segment_tables import (
    list_month_ends,
    no_features,
    open_segmentation,
    pin_source_features,
    read_features,
)
from tallystick.segments import Before, FittedSegments, fit_segments, read_before
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.segments import Segmentation

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import FitSegments

# The file that travels inside every registered model, as code, and what it imports.
MODEL_FILE = Path(stage.__file__).with_name("assigner.py")
MODEL_LIBRARIES = ("mlflow", "numpy", "pandas")

OUTPUTS = {
    "status": "string",
    "segment_id": "string",
    "segment_name": "string",
    "distance": "double",
    "second_distance": "double",
}


def run(params: FitSegments, session: SparkSession | None = None) -> None:
    """Fit on pinned features, register, and promote past the gates. Spark is not needed."""
    context = RunContext.open(params)
    declared, registry = open_segmentation(context, params.segmentation), Registry(context.warehouse.home)
    registry.check_source(declared.name, context.source.name)
    champion = _find_champion(registry, declared)
    if params.first_only and champion is not None:
        progress(f"      {champion.label} is in force, and only a first model is asked for")
        return
    day = _settle_date(context, declared, params.as_of)
    pinned = pin_source_features(context, declared, first=day, last=day)
    with working("segments") as how_far:
        features = read_features(context, declared, pinned, day=day, columns=("customer_id", *declared.columns))
        fitted = fit_segments(
            declared,
            features.to_pandas(),
            fitted_on=day,
            before=_find_before(registry, declared, champion),
            how_far=how_far,
        )
    with working("registering the model"):
        version = registry.register(_package(context, declared, fitted, pinned=pinned, day=day))
    progress(f"      {version.label}: {_describe(fitted)}")
    version = registry.promote(version, fitted.gates)
    progress(f"      {version.label} is {' and '.join(version.aliases)}")


def _settle_date(context: RunContext, declared: Segmentation, asked: date | None) -> date:
    """The date that the run or the declaration names, or the newest one that has features; NotFound without any."""
    known = list_month_ends(context, declared, pin_source_features(context, declared, first=None, last=None))
    day = asked or declared.fit_on or max(known, default=None)
    if day is None or day not in known:
        raise no_features(declared, day)
    return day


def _find_champion(registry: Registry, declared: Segmentation) -> ModelVersion | None:
    """The version in force, if there is one."""
    try:
        return registry.find(declared.name)
    except NotFound:
        return None


def _find_before(registry: Registry, declared: Segmentation, champion: ModelVersion | None) -> Before:
    """The segments in force, and the highest number of an id that any version gave, in force or not."""
    given = [registry.metrics(version)[0].get("highest_number", 0) for version in registry.versions(declared.name)]
    highest = int(max(given, default=0))
    if champion is None:
        return Before(highest=highest)
    with tempfile.TemporaryDirectory() as folder:
        document = registry.fetch_files(champion, Path(folder), stage.DOCUMENT).read_bytes()
    return read_before(document, declared, highest=highest)


def _package(
    context: RunContext, declared: Segmentation, fitted: FittedSegments, *, pinned: PinnedTables, day: date
) -> ModelPackage:
    """What the registry keeps of the fit."""
    manifest = {
        "segmentation": declared.name,
        "segmentation_fingerprint": fingerprint(declared),
        "fitted_on": day.isoformat(),
        "inputs": dict(sorted(pinned.versions.items())),
        "code_version": context.code,
        "seed": declared.seed,
    }
    return ModelPackage(
        name=declared.name,
        run_id=context.run_id,
        params=fitted.params,
        metrics=fitted.metrics,
        files={
            stage.DOCUMENT: fitted.document,
            "manifest.json": json.dumps(manifest, indent=1, sort_keys=True).encode(),
            **{f"plots/{name}": plot for name, plot in fitted.plots.items()},
            **{f"tables/{name}.csv": table.to_csv(index=False).encode() for name, table in fitted.tables.items()},
        },
        model_file=MODEL_FILE,
        model_artifacts={stage.DOCUMENT: fitted.document},
        example=fitted.example,
        outputs=OUTPUTS,
        requirements=[f"{name}=={installed(name)}" for name in MODEL_LIBRARIES],
        gates=fitted.gates,
        tags={"source": context.source.name, "fitted_on": day.isoformat(), "permitted_use": declared.permitted_use},
        description=declared.description,
    )


def _describe(fitted: FittedSegments) -> str:
    """How many segments there are, and how they are to be judged."""
    told = fitted.metrics
    return (
        f"{fitted.params['segments']} segments of {told['customers']:.0f} customers, "
        f"stability {told['stability']:.2f}, "
        f"{told['ids_kept']:.0f} ids kept, {told['ids_new']:.0f} new; "
        f"without a segment {told['customers_no_spending']:.0f} who spend nothing "
        f"and {told['customers_little_activity']:.0f} who spend seldom"
    )
