"""Build the labels of a recipe from what was known at a cut-off date, and replace the source's rows of each.

Takes a recipe, a source and optionally the cut-off (default: the source's last load); reads applications, loans and
their outcomes at pinned versions.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tallystick.labels import build_labels, last_load
from tallystick.project import load_project
from tallystick.runs.code_version import code_version
from tallystick.runs.progress import progress
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import (
    Run,
    Slice,
    Warehouse,
    arrow_schema,
    check_layout,
    pin,
    read,
    read_arrow,
    replace,
    replace_arrow,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.runs.params import BuildLabels
    from tallystick.tables import Pinned

# Tables up to here are read and written by the driver: Spark's own Delta access costs seconds even for one row.
FEW_ROWS = 100_000


def run(params: BuildLabels, session: SparkSession) -> None:
    """Build and store the recipe's label and those of its variants."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    source, labels = project.sources[params.source], [project.labels[n] for n in project.recipes[params.recipe].labels]
    owned = {"source": source.name}
    names = sorted({name for label in labels for name in label.tables})
    pinned = {name: pin(warehouse, name).where(**owned) for name in names}
    check_layout(warehouse, pinned.values(), project.contracts, source=source)
    cutoff = params.cutoff or last_load((file.bounds for p in pinned.values() for file in p.files), source=source.name)
    frames = {name: _read_frame(session, warehouse, p, source=source.name) for name, p in pinned.items()}
    for label in labels:
        contract = project.contracts[f"label.{label.name}"]
        rows = build_labels(label, frames, cutoff=cutoff, zone=source.zone)
        where = Slice(f"{contract.name}/{source.name}", owned, buckets=source.layout.buckets)
        versions = {name: pinned[name].version for name in label.tables}
        by = Run(params.run_id, "build_labels", code_version(project.root), fingerprint(label), versions)
        if pinned["clean.applications"].rows <= FEW_ROWS:
            data = rows.toArrow().cast(arrow_schema(contract.columns))
            commit = replace_arrow(warehouse, contract, data, where=where, run=by)
        else:
            commit = replace(session, warehouse, contract, rows, where=where, run=by)
        stored = read_arrow(warehouse, contract.name, columns=["status", "label", "source"], version=commit.version)
        counts = Counter(
            {0: "good", 1: "bad"}.get(row["label"], row["status"])
            for row in stored.to_pylist()
            if row["source"] == source.name
        )
        told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        progress(f"      {contract.name} on {cutoff}: {told or 'no applications'}")


def _read_frame(session: SparkSession, warehouse: Warehouse, pinned: Pinned, *, source: str) -> DataFrame:
    if pinned.rows > FEW_ROWS:
        frame = read(session, warehouse, pinned.name, version=pinned.version)
        return frame.where(frame["source"] == source)
    rows = read_arrow(warehouse, pinned.name, version=pinned.version, filter=pc.field("source") == source)
    return session.createDataFrame(rows)
