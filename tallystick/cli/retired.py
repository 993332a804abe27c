"""``tally features retired``: the columns that readers should leave, and the models that still read them.

Kept apart from ``showing`` because it reads three places: declarations, the marks of stored tables, and the model
registry.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.cli.running import open_project
from tallystick.cli.warehouse_option import open_warehouse
from tallystick.places import local_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tallystick.project import Project
    from tallystick.tables import Warehouse

# The folder of the registry that belongs to a warehouse; looking into one that is not there would make it.
REGISTRY = "mlflow"

_SHOWN = ("feature", "table", "retired_on", "replaced_by", "is_stored", "models")


def list_retired(warehouse: Path, project: Path | None) -> pa.Table:
    """One row per feature that was retired or renamed: in declarations, or in a stored table only.

    ``is_stored`` tells whether the warehouse holds the column, ``models`` which registered versions read it, each with
    its aliases. A declared pattern is listed as such while no stored column is known to match it.
    """
    home = open_warehouse(warehouse)
    rows = [row for found in _by_table(open_project(project), home).values() for row in found]
    readers = _readers(warehouse, [row["feature"] for row in rows]) if rows else {}
    for row in rows:
        row["models"] = ", ".join(readers.get(row["feature"], [])) or "none"
    kinds = {name: pa.bool_() if name == "is_stored" else pa.string() for name in _SHOWN}
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})


def _by_table(project: Project, warehouse: Warehouse) -> Mapping[str, list[dict[str, Any]]]:
    from tallystick.spec.columns import group_columns, group_retirements
    from tallystick.spec.retirements import find_retirement
    from tallystick.tables.store.stored_schema import gone_columns, stored_schema

    found = {}
    for group in project.feature_groups.values():
        table = group.feature_table
        opened = warehouse.open(table) if warehouse.exists(table) else None
        stored = stored_schema(opened).names if opened else []
        marked = gone_columns(opened) if opened else {}
        declared = group_retirements(group)
        live = {column.name for column in group_columns(group)}
        told: dict[str, tuple[date | str | None, str]] = {
            one.pattern: (one.retired_on, one.replaced_by) for one in declared
        }
        for name in stored:
            # Not only the marks: a retirement that was declared a minute ago is written at the next write.
            one = find_retirement(name, declared) if name.startswith(f"{group.name}_") and name not in live else None
            if one is not None:
                told[name] = (one.retired_on, one.replaced_by)
        for name, gone in marked.items():
            if name not in live:
                told.setdefault(name, (gone.retired_on, gone.replaced_by))
        found[table] = [
            {
                "feature": name,
                "table": table,
                "retired_on": str(day) if day else None,
                "replaced_by": new or None,
                "is_stored": name in stored,
            }
            for name, (day, new) in told.items()
            # A pattern of which a column is listed says nothing more.
            if not any(other != name and fnmatchcase(other, name) for other in told)
        ]
    return found


def _readers(warehouse: Path, features: Iterable[str]) -> dict[str, list[str]]:
    """The labels of the registered versions that read each feature, newest first, with their aliases."""
    from tallystick.model.registry import Registry

    home = local_home(warehouse)
    if not (home / REGISTRY).is_dir() and not os.environ.get("MLFLOW_TRACKING_URI"):
        return {}
    registry, wanted = Registry(home), set(features)
    readers: dict[str, list[str]] = {}
    for model in registry.models():
        for version in registry.versions(model):
            label = f"{version.label} ({', '.join(version.aliases)})" if version.aliases else version.label
            for name in wanted.intersection(registry.inputs(version)):
                readers.setdefault(name, []).append(label)
    return readers
