"""Build the labels of a recipe from what was known at a cut-off date, and replace the source's rows of each.

Takes a recipe, a source and optionally the cut-off (default: the source's last load); reads applications, loans and
their outcomes at pinned versions.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tallystick.labels import build_labels, last_load
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import PinnedTables, pin_clean
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.labels import Label
from tallystick.tables import Pinned, Slice, arrow_schema, read, read_arrow, replace, replace_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.runs.params import BuildLabels

# Tables up to here are read and written by the driver: Spark's own Delta access costs seconds even for one row.
FEW_ROWS = 100_000

OBSERVED = "clean.applications"


def run(params: BuildLabels, session: SparkSession) -> None:
    """Build and store the recipe's label and those of its variants."""
    context = RunContext.open(params)
    labels = [context.project.labels[name] for name in context.recipe(params).labels]
    names = sorted({name for label in labels for name in label.tables})
    pinned = pin_clean(context, names, all_exist=True)
    cutoff = params.cutoff or last_load((file.bounds for file in pinned.all_files), source=context.source.name)
    frames = {name: _read_frame(context, session, one) for name, one in pinned.tables.items()}
    for label in labels:
        rows = build_labels(label, frames, cutoff=cutoff, zone=context.source.zone)
        version = _store(context, session, label, rows=rows, pinned=pinned)
        progress(f"      label.{label.name} on {cutoff}: {_count(context, label, version) or 'no applications'}")


def _read_frame(context: RunContext, session: SparkSession, pinned: Pinned) -> DataFrame:
    if pinned.rows > FEW_ROWS:
        frame = read(session, context.warehouse, pinned.name, version=pinned.version)
        return frame.where(frame["source"] == context.source.name)
    rows = read_arrow(context.warehouse, pinned.name, version=pinned.version, filter=context.is_ours)
    return session.createDataFrame(rows)


def _store(context: RunContext, session: SparkSession, label: Label, *, rows: DataFrame, pinned: PinnedTables) -> int:
    """Replace the source's rows of a label; returns the version of its table."""
    contract = context.contracts[f"label.{label.name}"]
    where = Slice.of_labels(contract.name, context.source.name, buckets=context.source.layout.buckets)
    by = context.signed(fingerprint(label), {name: pinned.versions[name] for name in label.tables})
    if pinned.tables[OBSERVED].rows > FEW_ROWS:
        return replace(session, context.warehouse, contract, rows, where=where, run=by).version
    data = rows.toArrow().cast(arrow_schema(contract.columns))
    return replace_arrow(context.warehouse, contract, data, where=where, run=by).version


def _count(context: RunContext, label: Label, version: int) -> str:
    """How many turned out how, in words."""
    columns = ["status", "label", "source"]
    stored = read_arrow(
        context.warehouse, f"label.{label.name}", columns=columns, version=version, filter=context.is_ours
    )
    counts = Counter({0: "good", 1: "bad"}.get(row["label"], row["status"]) for row in stored.to_pylist())
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
