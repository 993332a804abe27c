"""Remove files that no version of a table within its retention needs, and what failed tasks left behind.

The versions that the manifests of registered models name are kept readable, however old they are. With `--dry-run` it
only tells. Prints table, files and bytes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.how_far import parts_of
from tallystick.model.registry import Registry
from tallystick.runs.progress import progress, working
from tallystick.tables import Warehouse, find_unused_files, keep_log, remove_unused_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import VacuumTables


def run(params: VacuumTables, session: SparkSession | None) -> None:
    """Ask the registry first: a registry that does not answer stops the vacuum. Spark is not needed."""
    warehouse = Warehouse(params.warehouse)
    needed = _needed_versions(Registry(warehouse.home))
    total, names = 0, warehouse.tables()
    with working(f"looking through {len(names)} tables") as how_far:
        for name, end in zip(names, parts_of(how_far, [1] * len(names)), strict=True):
            unused = find_unused_files(warehouse, name, keep=needed[name])
            total += unused.size
            if not params.dry_run:
                remove_unused_files(warehouse, unused)
                if needed[name]:
                    keep_log(warehouse, name, needed[name])
            files = len(unused.expired) + len(unused.orphans)
            if files:
                sys.stdout.write(f"{name}  {files} files  {unused.size} bytes\n")
            if unused.lost:
                progress(f"      {name}: versions {sorted(unused.lost)} that a model names can not be read any more")
            end(1.0)
    progress(f"      {total} bytes {'would go' if params.dry_run else 'are gone'}")


def _needed_versions(registry: Registry) -> dict[str, set[int]]:
    """The versions of tables that the manifests of all registered models name."""
    needed: dict[str, set[int]] = defaultdict(set)
    for model in registry.models():
        for version in registry.versions(model):
            with tempfile.TemporaryDirectory() as folder:
                text = registry.fetch_files(version, Path(folder), "manifest.json").read_text(encoding="utf-8")
            for name, number in json.loads(text)["inputs"].items():
                needed[name].add(int(number))
            # Segments are found in features alone, which the manifest names.
            if "training_version" in version.tags:
                needed[f"training.{model}"].add(int(version.tags["training_version"]))
    return needed
